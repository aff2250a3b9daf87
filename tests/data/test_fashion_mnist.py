"""The real Fashion-MNIST, where Debian's package has put it."""

import json
import sys
from pathlib import Path

import pytest
import torch

from infogan_fast import __main__ as entry
from infogan_fast.data import load

FOLDER = Path("/usr/share/datasets/fashion-mnist")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no {FOLDER}: apt install dataset-fashion-mnist"),
]


@pytest.fixture(autouse=True)
def _nowhere_else(tmp_path, monkeypatch):
    monkeypatch.delenv("INFOGAN_FAST_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_is_found_by_its_name_and_whole():
    data = load("fashion-mnist")
    assert data.notes == (f"fashion-mnist: read from {FOLDER}",)
    assert data.images.shape == (60000, 1, 28, 28)
    assert data.heldout_images.shape == (10000, 1, 28, 28)
    assert data.labels.bincount().tolist() == [6000] * 10
    assert data.heldout_labels.bincount().tolist() == [1000] * 10
    # Mean and standard deviation as they are commonly published.
    std, mean = torch.std_mean(data.images.float() / 255.0)
    assert (round(mean.item(), 4), round(std.item(), 4)) == (0.2860, 0.3530)


def test_trains(tmp_path, monkeypatch, capsys):
    out = tmp_path / "run"
    options = ["--data", "fashion-mnist", "--steps", "150", "--device", "cpu", "--set", "evaluation_samples=1000"]
    monkeypatch.setattr(sys, "argv", ["infogan-fast", "train", "--out", str(out), *options])
    with pytest.raises(SystemExit) as ended:
        entry.main()
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "data: fashion-mnist, 60000 training images of 1x28x28, 10000 held out" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["images_per_second"] > 0.0
    with capsys.disabled():
        print(f"\nfashion-mnist: {summary['images_per_second']:.0f} images/s, {summary['threads']} threads")
    # 150 steps of a default run tell most of the ten categories apart, and real clothes better than by chance.
    assert summary["mi_bound_nats"][0] > 1.0
    assert summary["accuracy"] > 0.2
