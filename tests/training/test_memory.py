"""Memory: asked for before it is taken, and what is said where it runs out."""

import re
import subprocess
import sys

import pytest
import torch
from tiny_run import TINY, write_images

from infogan_fast.training import memory
from infogan_fast.training.memory import check_memory, out_of_memory
from infogan_fast.training.networks import build_networks
from infogan_fast.training.settings import ConfigError, TrainConfig

SHAPE = (1, 28, 28)


def needed(monkeypatch, shape=SHAPE, **settings):
    """Bytes of weights and of the rest, by the message."""
    monkeypatch.setattr(memory, "free_memory", lambda: 0)
    monkeypatch.setattr(memory, "gib", str)
    with pytest.raises(ConfigError) as raised:
        check_memory(TrainConfig(device="cpu", **settings), shape)
    return tuple(map(int, re.search(r"\((\d+) for weights and optimisers, (\d+) for", str(raised.value)).groups()))


@pytest.mark.parametrize("networks", ["mnist", "svhn", "faces", "chairs", "keras"])
def test_weights_are_counted_without_being_made(monkeypatch, networks):
    shape = (1, 32, 32)
    nets = build_networks(TrainConfig(width=0.25, networks=networks), shape)
    parameters = sum(parameter.numel() for parameter in nets.parameters())
    assert needed(monkeypatch, shape, width=0.25, networks=networks)[0] == 16 * parameters


def test_what_takes_more(monkeypatch):
    weights, rest = needed(monkeypatch, width=0.25)
    assert needed(monkeypatch, width=0.25, ema=0.9)[0] > weights
    assert needed(monkeypatch, width=0.25, batch_size=128) == (weights, 2 * rest)
    assert needed(monkeypatch, width=0.25, precision="bfloat16") == (weights, rest // 2)
    plain, with_term = (needed(monkeypatch, width=0.25, categorical=(5000,), real_information=w)[1] for w in (0, 1))
    assert with_term == plain + 3 * 4 * 5000**2
    assert needed(monkeypatch, width=64.0)[0] > 2**38


def test_enough_and_not_known(monkeypatch):
    for free in (2**40, None):
        monkeypatch.setattr(memory, "free_memory", lambda free=free: free)
        check_memory(TrainConfig(device="cpu", width=1.0), SHAPE)


def test_nothing_is_drawn_or_left(monkeypatch):
    monkeypatch.setattr(memory, "free_memory", lambda: 2**40)
    before = torch.get_rng_state()
    check_memory(TrainConfig(device="cpu", width=0.25), SHAPE)
    assert torch.equal(torch.get_rng_state(), before)


def allocate(size):
    return torch.empty(size)


@pytest.mark.parametrize("size", [(2**60,), (2**40, 2**40)])
def test_torchs_errors_are_known(size):
    with pytest.raises(RuntimeError) as raised:
        allocate(size)
    assert str(out_of_memory(raised.value)).startswith("out of memory")


def test_other_errors():
    gpu = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")
    assert str(out_of_memory(gpu)).startswith("out of memory (Tried to allocate 2.00 GiB): smaller values of width, ")
    assert out_of_memory(MemoryError()) is not None
    assert out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied")) is None


def test_networks_that_are_too_large_are_told_before_they_are_made(tmp_path):
    write_images(tmp_path / "images")
    for settings in (["width=64"], ["categorical=65536,65536,65536"]):
        words = ["train", "--out", tmp_path / "run", "--data", tmp_path / "images", "--set=batch_size=8"]
        command = [sys.executable, "-m", "infogan_fast", *map(str, words), "--set", *settings]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 2, ended.stderr
        assert ended.stderr.startswith("error: the networks: training them takes at least ")
        for setting in ("width", "batch_size", "categorical", "image_size", "stream"):
            assert setting in ended.stderr
        assert ended.stderr.count("\n") == 1
        assert not (tmp_path / "run").exists()


LIMITED = """
import resource, sys
import infogan_fast.cli.app
from infogan_fast.training.loop import TrainingLoop
usual = TrainingLoop.advance
def limited(self):
    if self.step == {step}:
        import torch
        used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**26, resource.RLIM_INFINITY))
        torch.empty(2**30)
    usual(self)
TrainingLoop.advance = limited
from infogan_fast.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs RLIMIT_AS")
@pytest.mark.parametrize(
    ("step", "saved"), [(0, "\nNo checkpoint is saved yet\n"), (3, "is that of step 2; resume with")]
)
def test_memory_that_runs_out_while_training(tmp_path, step, saved):
    write_images(tmp_path / "images")
    words = ["train", "--out", tmp_path / "run", "--data", tmp_path / "images", *TINY, "--set=checkpoint_every=2"]
    command = [sys.executable, "-c", LIMITED.format(step=step), *map(str, words)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1, ended.stderr
    assert ended.stderr.startswith("error: out of memory (asked for 4 GiB): smaller values of width, batch_size, ")
    assert ended.stderr.count("\n") == 2
    assert saved in ended.stderr
