"""The library of matrix products in runs of the command line: printed, written down, and kept by a resumed run."""

import json
import shutil

import pytest
from tiny_run import TINY, assert_same_run

import infogan_fast as ig
from infogan_fast import build_info
from infogan_fast.runs.checkpoint import checkpoints
from infogan_fast.training import device
from infogan_fast.training.processor import Processor

# Wide enough for products that oneDNN computes.
WIDE = [*TINY, "--set=width=1", "--set=batch_size=20", "--set=checkpoint_every=2", "--set=picture_every=0"]
needs_onednn = pytest.mark.skipif(not build_info()["onednn"], reason="this torch has no oneDNN")


def settings_of(run):
    return json.loads((run / "config.json").read_text())["settings"]


def test_the_choice_is_printed_and_written_down(infogan_fast, images, tmp_path):
    code, printed, _ = infogan_fast("train", "--out", tmp_path / "run", "--data", images, "--steps", 1, *TINY)
    assert code == 0
    chosen = settings_of(tmp_path / "run")["matrix_product"]
    assert chosen in ("blas", "onednn")
    assert f"matrix_product: {chosen}, the faster one on a" in printed


@needs_onednn
@pytest.mark.parametrize("library", ["blas", "onednn"])
def test_a_resumed_run_keeps_it_and_its_bits(infogan_fast, images, tmp_path, monkeypatch, library):
    """On a machine that would choose otherwise, too."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    command = ["train", "--data", images, *WIDE, f"--set=matrix_product={library}"]
    assert infogan_fast(*command, "--out", whole, "--steps", 4)[0] == 0
    shutil.copytree(whole, parts)
    checkpoints(parts / "checkpoints")[-1].unlink()  # as if the machine had failed just before
    vendor = "amd" if library == "blas" else "intel"
    monkeypatch.setattr(device, "processor", lambda: Processor(vendor, "avx512", False, True))
    code, printed, _ = infogan_fast("train", "--out", parts, "--resume")
    assert code == 0
    assert "matrix_product" not in printed
    assert settings_of(parts)["matrix_product"] == library
    assert_same_run(whole, parts)


@needs_onednn
def test_a_machine_that_lacks_it(infogan_fast, images, tmp_path, monkeypatch):
    out = tmp_path / "run"
    command = ["train", "--data", images, *WIDE]
    assert infogan_fast(*command, "--out", out, "--steps", 2, "--set=matrix_product=onednn")[0] == 0
    monkeypatch.setattr(device, "processor", lambda: Processor("intel", "avx2", False, False))
    code, _, error = infogan_fast("train", "--out", out, "--resume", "--steps", 4)
    assert code == 2
    assert "matrix_product: got 'onednn', but torch" in error
    assert "goes on with --set matrix_product=blas" in error
    assert infogan_fast("evaluate", out)[0] == 0  # which computes no step
    assert ig.load(out).config.matrix_product == "onednn"
    code, printed, _ = infogan_fast("train", "--out", out, "--resume", "--steps", 4, "--set", "matrix_product=blas")
    assert code == 0
    assert "matrix_product: blas instead of onednn; the weights may differ in their last bits" in printed
    assert settings_of(out)["matrix_product"] == "blas"


@needs_onednn
def test_auto_given_again_keeps_what_the_run_has(infogan_fast, images, tmp_path, monkeypatch):
    out = tmp_path / "run"
    command = ["train", "--out", out, "--data", images, *WIDE, "--set=matrix_product=auto", "--set=precision=auto"]
    monkeypatch.setattr(device, "processor", lambda: Processor("amd", "avx512", True, True))
    assert infogan_fast(*command, "--steps", 2)[0] == 0
    begun = settings_of(out)
    assert (begun["matrix_product"], begun["precision"]) == ("onednn", "bfloat16")
    monkeypatch.setattr(device, "processor", lambda: Processor("intel", "avx2", False, True))
    code, printed, _ = infogan_fast(*command, "--steps", 4, "--resume-or-start")
    assert code == 0
    assert "resuming from step 2" in printed
    assert settings_of(out) == {**begun, "steps": 4}
