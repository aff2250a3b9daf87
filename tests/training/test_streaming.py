"""Runs whose images are streamed: the bits of runs in memory, and clean ends where images go away."""

import dataclasses
import json
import multiprocessing
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset

from infogan_fast.data import DataError, ImageData, StoredImages, load
from infogan_fast.evaluation import code_accuracies
from infogan_fast.model import evaluation_mode
from infogan_fast.runs.checkpoint import checkpoints
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import batches as batches_module
from infogan_fast.training.batches import ResidentBatches, StreamedBatches

Image = pytest.importorskip("PIL.Image")

PIXELS = np.random.default_rng(0).integers(0, 256, (30, 8, 8), dtype=np.uint8)


class Items(Dataset):
    def __len__(self):
        return len(PIXELS)

    def __getitem__(self, index):
        return PIXELS[index % 30], index % 3


def files(path):
    for index, pixels in enumerate(PIXELS):
        (path / f"class{index % 3}").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path / f"class{index % 3}" / f"{index:02}.png")
    return path


def npy(path):
    np.save(path.with_suffix(".npy"), PIXELS)
    return path.with_suffix(".npy")


def idx(path):
    path.mkdir()
    for name, array in (("images-idx3", PIXELS), ("labels-idx1", np.arange(30, dtype=np.uint8) % 3)):
        header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
        (path / f"train-{name}-ubyte").write_bytes(header + array.tobytes())
    return path


SOURCES = {"folder": files, "npy": npy, "idx": idx}


def open_(source, path, stream, workers=0):
    """The data of a source, made where it is not there yet."""
    if source == "dataset":
        return ImageData.from_dataset(Items(), name="mine", stream=stream, workers=workers)
    at = path / "data" if source != "npy" else path / "data.npy"
    return load(
        str(at if at.exists() else SOURCES[source](path / "data")), image_size=8, stream=stream, workers=workers
    )


@pytest.fixture
def worker_processes():
    """A function that gives the processes that the test has started."""
    others = {process.pid for process in multiprocessing.active_children()}
    return lambda: [process for process in multiprocessing.active_children() if process.pid not in others]


def run(config, data, path, stop_at=None):
    folder = RunFolder(path)
    folder.make()
    trainer = Trainer(config, data, folder)
    trainer.run(stop=lambda: trainer.step == stop_at)
    return trainer


def assert_same_bits(first, second):
    assert first.step == second.step
    for (name, a), b in zip(first.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


@pytest.mark.parametrize(
    ("source", "workers"),
    [("folder", 0), ("folder", 2), ("npy", 0), ("npy", 1), ("idx", 0), ("dataset", 0), ("dataset", 2)],
)
def test_streamed_and_in_memory_give_the_same_bits(make_config, tmp_path, source, workers, worker_processes):
    """Three epochs of three steps; continued in the middle of one with the other kind."""
    config = make_config(steps=8, checkpoint_every=100)
    held, streamed = open_(source, tmp_path, False), open_(source, tmp_path, True, workers)
    assert isinstance(streamed.images, StoredImages)
    assert held.sha256() == streamed.sha256()
    whole = run(config, held, tmp_path / "whole")
    assert_same_bits(whole, run(config, streamed, tmp_path / "streamed"))
    for name, first, second in (("a", held, streamed), ("b", streamed, held)):
        run(config, first, tmp_path / name, stop_at=4)
        assert_same_bits(whole, run(config, second, tmp_path / name))
    assert worker_processes() == []


def test_a_tensor_is_streamed_where_it_does_not_fit_on_the_device(make_config, data, tmp_path, monkeypatch):
    resident = run(make_config(), data, tmp_path / "a")
    assert isinstance(resident.loop.inputs.batches, ResidentBatches)
    assert resident.loop.inputs.batches.note is None
    monkeypatch.setattr(batches_module, "_free_on_device", lambda device: 2 * data.images.nbytes - 1)
    streamed = run(make_config(), data, tmp_path / "b")
    assert isinstance(streamed.loop.inputs.batches, StreamedBatches)
    assert "30 images" in streamed.loop.inputs.batches.note
    assert_same_bits(resident, streamed)
    assert isinstance(run(make_config(stream=False), data, tmp_path / "c").loop.inputs.batches, ResidentBatches)
    monkeypatch.setattr(batches_module, "_free_on_device", lambda device: 2 * data.images.nbytes)
    assert isinstance(run(make_config(), data, tmp_path / "d").loop.inputs.batches, ResidentBatches)
    assert isinstance(run(make_config(stream=True), data, tmp_path / "e").loop.inputs.batches, StreamedBatches)


@pytest.mark.parametrize("updates", [1, 3])
def test_batches_of_any_step(make_config, tmp_path, updates):
    """One for each update of D, each with its labels."""
    data, labels = open_("npy", tmp_path, True), torch.arange(30)
    config = make_config(discriminator_updates=updates)
    streamed = StreamedBatches(data.images, config, torch.device("cpu"), labels)
    resident = ResidentBatches(torch.from_numpy(PIXELS)[:, None], config, labels)
    places = [batch.images.data_ptr() for batch in streamed()]
    for step in (0, 1, 2, 3, 7, 8, 5, 5, 100):
        streamed.prepare(step)
        resident.prepare(step)
        pairs = list(zip(streamed(), resident(), strict=True))
        assert len(pairs) == updates
        for one, other in pairs:
            assert torch.equal(one.images, other.images)
            assert torch.equal(one.labels, other.labels)
            assert np.array_equal(PIXELS[one.labels.numpy()], one.images[:, 0].numpy())
        assert [batch.images.data_ptr() for batch in streamed()] == places  # of which a CUDA graph reads


def test_codes_classify_streamed_images_as_they_do_those_in_memory(make_config, tmp_path):
    held, streamed = open_("idx", tmp_path, False), open_("idx", tmp_path, True, 1)
    held = dataclasses.replace(held, heldout_images=held.images[:9], heldout_labels=held.labels[:9])
    streamed = dataclasses.replace(streamed, heldout_images=held.images[:9], heldout_labels=held.labels[:9])
    trainer = run(make_config(), held, tmp_path / "a")
    with evaluation_mode(trainer.model):
        expected, got = (code_accuracies(trainer.model, data) for data in (held, streamed))
    assert expected == got


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("what", ["gone", "torn"])
def test_a_file_that_goes_bad_ends_the_run(make_config, tmp_path, workers, what, worker_processes):
    data = open_("folder", tmp_path, True, workers)
    folder = RunFolder(tmp_path / "run")
    folder.make()
    trainer = Trainer(make_config(steps=1000), data, folder)

    def damage():
        if trainer.step == 5:
            victim = tmp_path / "data" / "class1" / "07.png"
            victim.unlink()
            if what == "torn":
                victim.write_bytes(b"\x89PNG\r\n\x1a\n")
        return False

    with pytest.raises(DataError, match=r"class1/07\.png: .*; it was not so at the start of the run"):
        trainer.run(stop=damage)
    assert worker_processes() == []
    assert trainer.step < 30
    *_, last = checkpoints(folder.checkpoints)
    files(tmp_path / "data")
    again = Trainer(make_config(steps=1000), open_("folder", tmp_path, True), folder)
    assert again.resumed_from == last
    assert again.step >= 4


def test_a_worker_that_dies_ends_the_run(make_config, tmp_path, worker_processes):
    data = open_("folder", tmp_path, True, 2)
    folder = RunFolder(tmp_path / "run")
    folder.make()
    trainer = Trainer(make_config(steps=100_000), data, folder)

    def kill():
        if trainer.step == 5:
            os.kill(worker_processes()[0].pid, signal.SIGKILL)
        return False

    with pytest.raises(DataError, match="a worker process that reads its images died"):
        trainer.run(stop=kill)
    assert worker_processes() == []
    assert checkpoints(folder.checkpoints)


def test_no_worker_is_left_where_the_training_fails(make_config, tmp_path, worker_processes):
    data = open_("folder", tmp_path, True, 2)
    folder = RunFolder(tmp_path / "run")
    folder.make()
    seen = []

    def stop():
        seen.extend(worker_processes())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        Trainer(make_config(), data, folder).run(stop=stop)
    assert len(seen) == 2
    assert worker_processes() == []


def gone(process):
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def children(process):
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def wait_for(condition, seconds=40):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.05)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_to_all_processes_saves_and_leaves_no_worker(tmp_path, number, code):
    files(tmp_path / "data")
    settings = ["width=0.05", "batch_size=8", "noise=4", "categorical=3", "continuous=1", "image_size=8"]
    settings += ["stream=true", "workers=2", "log_every=1"]
    command = [sys.executable, "-m", "infogan_fast", "train", "--out", str(tmp_path / "run"), "--device", "cpu"]
    command += ["--data", str(tmp_path / "data"), "--steps", "1000000", *(f"--set={setting}" for setting in settings)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        wait_for(lambda: (tmp_path / "run" / "metrics.jsonl").exists() or process.poll() is not None)
        workers = children(process.pid)
        assert len(workers) == 2
        os.killpg(process.pid, number)
        printed, errors = process.communicate(timeout=40)
    finally:
        process.kill()
    assert process.returncode == code, errors
    assert "Traceback" not in errors
    assert "streaming: 24 images, which would take 1.43e-06 GiB of memory, are read by 2 worker processes" in printed
    assert "saved; resume with: infogan-fast train --resume" in printed
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    *_, last = checkpoints(tmp_path / "run" / "checkpoints")
    assert last.name == f"step_{steps[-1]:08d}.safetensors"
    assert all(map(gone, workers))
