"""`infogan-fast train --data`: what it says of images that are downloaded, skipped, streamed."""

import json
import sys

import numpy as np
import pytest
from tiny_run import TINY

from infogan_fast.data import DataError
from infogan_fast.data.sources.array_images import ArrayInFile


@pytest.mark.skipif(sys.platform != "linux", reason="the cache is elsewhere")
def test_mnist_is_downloaded_with_a_line_per_file(infogan_fast, published, tmp_path):
    arguments = ("train", "--data", "mnist", "--steps", 1, "--out", tmp_path / "run", *TINY)
    code, printed, _ = infogan_fast(*arguments)
    assert code == 0
    lines = [line for line in printed.splitlines() if line.startswith("downloading ")]
    assert [line.split(":")[0].removeprefix("downloading ") for line in lines] == [
        "t10k-labels-idx1-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "train-images-idx3-ubyte.gz",
    ]
    assert f"data: mnist, 30 training images of 1x8x8, 10 held out\nmnist: read from {tmp_path / 'cache'}" in printed
    code, printed, _ = infogan_fast("evaluate", tmp_path / "run")
    assert code == 0
    assert "downloading" not in printed


def test_a_folder_of_images(infogan_fast, photos, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--out", out, "--data", "photos", *TINY, "--set=image_size=8"]
    code, printed, _ = infogan_fast(*command, "--steps", 2)
    assert code == 0
    assert f"data: {photos.resolve()}, 8 training images of 3x8x8, 2 held out\n" in printed
    assert "skipped 2 of 12 files: a/torn.jpg (image file is truncated" in printed
    assert "readme.txt (not an image of a format that is read)\n" in printed
    assert "labels: 2 classes, the subfolders a, b\n" in printed
    assert "held out: 2 of 10 images, 0.2 of each class; --set heldout_fraction=0 trains on all\n" in printed
    assert "matched to: 0 " in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data_notes"][0].startswith("skipped 2 of 12 files: ")
    assert summary["accuracy"] in (0.0, 0.5, 1.0)
    assert summary["accuracy_train"] is not None
    assert summary["class_names"] == ["a", "b"]
    code, printed, _ = infogan_fast("evaluate", out)
    assert code == 0
    assert "skipped 2 of 12 files" in printed

    code, _, error = infogan_fast(*command, "--steps", 3, "--resume", "--strict")
    assert code == 2
    assert error.startswith(f"error: {photos.resolve() / 'a' / 'torn.jpg'}: image file is truncated")
    (photos / "a" / "torn.jpg").unlink()
    (photos / "readme.txt").unlink()
    code, printed, _ = infogan_fast(*command, "--steps", 3, "--resume", "--strict")
    assert code == 0
    assert "resuming from step 2" in printed
    assert "skipped" not in printed
    for change, message in (
        ("image_size=16", "image_size: got 16, allowed: 8"),
        ("channels=1", "channels: got 1"),
        ("heldout_fraction=0", "heldout"),
    ):
        code, _, error = infogan_fast(*command, "--resume", "--set", change)
        assert code == 2
        assert f"--resume: {message}" in error
    for index in range(5):
        (photos / "a" / f"more{index}.jpg").write_bytes((photos / "a" / "0.jpg").read_bytes())
    code, _, error = infogan_fast(*command, "--resume", "--steps", 4)
    assert code == 2
    assert "holds 12 training images, the run was trained on 8" in error


def test_streamed_images_that_go_away_say_how_to_resume(infogan_fast, images, tmp_path, monkeypatch):
    def read(self, indices, usual=ArrayInFile.rows):
        read.calls += 1
        if read.calls == 9:
            raise DataError(f"{self.path}: cannot be read: gone")
        return usual(self, indices)

    options = ["--out", tmp_path / "run", "--data", images, *TINY, "--set=checkpoint_every=2", "--steps", 10]
    monkeypatch.setattr(ArrayInFile, "rows", read)
    read.calls = 0
    code, printed, error = infogan_fast("train", *options, "--set=stream=true", "--set=workers=0")
    assert code == 2
    assert "streaming: 30 images" in printed
    assert error.startswith(f"error: {images / 'train-images-idx3-ubyte'}: cannot be read: gone\nstopped in step ")
    assert error.endswith(f"resume with: infogan-fast train --resume --out {tmp_path / 'run'}\n")
    assert infogan_fast("train", *options, "--resume", "--set=stream=none")[0] == 0


def test_strict_leaves_nothing_behind(infogan_fast, photos, tmp_path):
    code, _, error = infogan_fast("train", "--out", tmp_path / "run", "--data", photos, "--strict", *TINY)
    assert code == 2
    assert "torn.jpg: image file is truncated" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_fewer_images_than_a_batch(infogan_fast, photos, tmp_path):
    code, _, error = infogan_fast("train", "--data", photos, "--device=cpu")
    assert code == 2
    assert (
        f"{photos.resolve()}: holds 8 training images, allowed: at least batch_size, 64; --set batch_size=4 is a "
        "smaller one; skipped 2 of 12 files" in error
    )
    assert error.count("\n") == 1


@pytest.mark.parametrize(("preset", "shape"), [("mnist5k", (80, 9, 7)), ("svhn", (200, 28, 28))])
def test_images_of_a_size_that_the_networks_do_not_take(infogan_fast, tmp_path, preset, shape):
    np.save(tmp_path / "odd.npy", np.zeros(shape, dtype=np.uint8))
    code, _, error = infogan_fast("train", "--preset", preset, "--data", "odd.npy", "--out", "run")
    assert code == 2
    assert error.startswith("error: data: ")
    assert error.endswith("; --set image_size=32 resizes the images\n")
    assert error.count("\n") == 1
