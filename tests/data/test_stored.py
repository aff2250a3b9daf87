"""Streamed images are those that would be in memory: bytes, labels, notes and hash; and they say when they change."""

import os
import pickle
import struct
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset

from infogan_fast.data import DataError, ImageData, StoredImages, load
from infogan_fast.data.stored import in_order, into_memory

Image = pytest.importorskip("PIL.Image")

RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (37, 12, 8, 3), dtype=np.uint8)
GREY = RANDOM.integers(0, 256, (37, 12, 8), dtype=np.uint8)


class Items(Dataset):
    """Images with labels, the even ones grey as files are."""

    def __init__(self, images, labels=None):
        self.images, self.labels = images, labels

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index] if self.labels is None else (self.images[index], self.labels[index])


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes())


def folder(path, coloured):
    for index, (grey, colour) in enumerate(zip(GREY, COLOUR, strict=True)):
        file = path / f"class{index % 3}" / f"{index}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(colour if index in coloured else grey).save(file)
    (path / "class1" / "text.png").write_text("no image")
    return path


def idx_folder(path):
    path.mkdir()
    write_idx(path / "train-images-idx3-ubyte", GREY)
    write_idx(path / "train-labels-idx1-ubyte", (np.arange(37) % 5).astype(np.uint8))
    write_idx(path / "t10k-images-idx3-ubyte", 255 - GREY[:9])
    return path


def npy(path, array):
    np.save(path / "x.npy", array)
    return path / "x.npy"


SOURCES = {
    "grey files": lambda path: folder(path / "f", ()),
    "files of both": lambda path: folder(path / "f", (5,)),
    "idx folder": lambda path: idx_folder(path / "f"),
    "npy grey": lambda path: npy(path, GREY),
    "npy channels last": lambda path: npy(path, COLOUR),
    "npy channels first": lambda path: npy(path, np.ascontiguousarray(COLOUR.transpose(0, 3, 1, 2))),
    "npy float": lambda path: npy(path, COLOUR.astype(np.float32) / 255),
    "npy signed": lambda path: npy(path, (COLOUR.astype(">f8") / 127.5 - 1).astype(">f8")),
}
DATASETS = {
    "uint8": Items(list(COLOUR), list(range(37))),
    "no labels": Items(list(torch.from_numpy(GREY))),
    "float": Items(list(torch.from_numpy(COLOUR).permute(0, 3, 1, 2) / 255)),
    "matrices of float64": Items(list(GREY.astype(">f8") - 90.5), [3] * 37),
    "waveforms of float16": Items(list(torch.from_numpy(GREY[:, :2]).half() / 7), list(range(37))),
    "vectors of bfloat16": Items(list(torch.from_numpy(GREY[:, 0]).bfloat16() * 1e9)),
    "pil": Items([Image.fromarray(image) for image in COLOUR], [1] * 37),
}


def assert_same(streamed, held):
    assert isinstance(streamed.images, StoredImages)
    assert isinstance(held.images, torch.Tensor)
    assert streamed.shape == held.shape
    assert streamed.images.dtype == held.images.dtype
    assert streamed.images.nbytes == held.images.nbytes
    assert torch.equal(into_memory(streamed.images), held.images)
    assert torch.equal(torch.cat(list(in_order(streamed.images, 5))), held.images)
    assert torch.equal(streamed.images.read([27, 2, 2]), held.images[[27, 2, 2]])
    assert torch.equal(streamed.images[-1], held.images[-1])
    assert streamed.sha256() == held.sha256()
    assert streamed.notes == held.notes
    assert (streamed.labels is None) == (held.labels is None)
    assert held.labels is None or torch.equal(streamed.labels, held.labels)
    assert (streamed.heldout_images is None) == (held.heldout_images is None)
    if held.heldout_images is not None:
        assert torch.equal(torch.cat(list(in_order(streamed.heldout_images, 4))), held.heldout_images)
        labels = streamed.heldout_labels
        assert labels is held.heldout_labels is None or torch.equal(labels, held.heldout_labels)


@pytest.mark.parametrize("options", [{}, {"image_size": 8, "channels": 3}, {"channels": 1}], ids=str)
@pytest.mark.parametrize("source", SOURCES)
def test_the_images_that_would_be_in_memory(tmp_path, source, options):
    path = str(SOURCES[source](tmp_path))
    held = load(path, stream=False, **options)
    assert_same(load(path, stream=True, workers=0, **options), held)


@pytest.mark.parametrize("source", ["files of both", "npy signed", "idx folder"])
def test_by_worker_processes(tmp_path, source):
    path = str(SOURCES[source](tmp_path))
    assert_same(load(path, stream=True, workers=2), load(path, stream=False))


@pytest.mark.parametrize(
    ("kind", "workers"), [*((kind, 0) for kind in DATASETS), ("uint8", 2), ("waveforms of float16", 2)]
)
def test_the_items_that_would_be_in_memory(kind, workers):
    for limit in (None, 33):
        held = ImageData.from_dataset(DATASETS[kind], name="mine", limit=limit, stream=False)
        assert_same(
            ImageData.from_dataset(DATASETS[kind], name="mine", limit=limit, stream=True, workers=workers), held
        )


@pytest.mark.parametrize("source", SOURCES)
def test_they_can_be_sent_to_a_process_that_is_not_forked(tmp_path, source):
    images = load(str(SOURCES[source](tmp_path)), image_size=8, stream=True, workers=0).images
    assert len(pickle.dumps(images)) < 3000
    rows = [3, len(images) - 1]
    assert torch.equal(pickle.loads(pickle.dumps(images)).read(rows), images.read(rows))


def free(monkeypatch, count):
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: count)


@pytest.mark.parametrize("source", SOURCES)
def test_streamed_only_where_they_do_not_fit(tmp_path, monkeypatch, source):
    path = str(SOURCES[source](tmp_path))
    needed = 37 * 3 * 32 * 32 + 3 * 32 * 32 if "files" in source else np.prod(load(path).images.shape)
    free(monkeypatch, 2 * needed + (32 if source == "idx folder" else 0))  # an IDX file has a header
    assert isinstance(load(path, workers=0).images, torch.Tensor)
    free(monkeypatch, 2 * needed - 1)
    assert isinstance(load(path, workers=0).images, StoredImages)
    with pytest.raises(DataError, match=r"its images need .* allowed: half of what is free.*stream=none"):
        load(path, stream=False)


def test_a_large_source_of_small_images_is_held(tmp_path, monkeypatch):
    path = str(npy(tmp_path, COLOUR))
    held = load(path, image_size=4)
    free(monkeypatch, 2 * COLOUR.size - 1)
    again = load(path, image_size=4, workers=0)
    assert isinstance(again.images, torch.Tensor)
    assert torch.equal(again.images, held.images)
    larger = load(path, image_size=64, workers=0)
    assert isinstance(larger.images, StoredImages)
    free(monkeypatch, 2 * COLOUR.size)  # now the source fits, the result does not
    assert larger.sha256() == load(path, image_size=64, workers=0).sha256()


def test_what_cannot_be_read_by_index_says_what_to_do(tmp_path, monkeypatch):
    import gzip

    np.savez(tmp_path / "x.npz", images=GREY)
    idx = idx_folder(tmp_path / "f") / "t10k-images-idx3-ubyte"
    (tmp_path / "x.gz").write_bytes(gzip.compress(idx.read_bytes()))
    np.save(tmp_path / "fortran.npy", np.asfortranarray(GREY))

    class Stream(IterableDataset):
        def __iter__(self):
            return iter(GREY)

        def __len__(self):
            return 37

    assert isinstance(load(str(tmp_path / "x.npz"), stream=True).images, torch.Tensor)
    free(monkeypatch, 200)
    for name, advice in (("x.npz", r"saved as a \.npy file"), ("x.gz", "gunzip"), ("fortran.npy", "contiguous")):
        with pytest.raises(DataError, match=f"{name}: its images need .*{advice}"):
            load(str(tmp_path / name))
    with pytest.raises(DataError, match=r"mine: its images need .*not an IterableDataset"):
        ImageData.from_dataset(Stream(), name="mine")


@pytest.mark.parametrize("workers", [0, 2])
def test_bad_files_are_found_before_the_training(tmp_path, workers):
    path = folder(tmp_path / "f", ())
    data = load(str(path), stream=True, workers=workers)
    assert data.notes[0] == "skipped 1 of 38 files: class1/text.png (not an image of a format that is read)"
    with pytest.raises(DataError, match=r"class1/text\.png: not an image of a format that is read; without --strict"):
        load(str(path), stream=True, workers=workers, strict=True)
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "x.png").write_text("x")
    with pytest.raises(DataError, match=r"holds no image: x\.png \(not an image"):
        load(str(tmp_path / "none"), stream=True, workers=workers)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([*GREY, GREY[0, :4]], r"mine: item 37 is uint8 \[1, 4, 8\], item 0 is uint8 \[1, 12, 8\]; all must have"),
        ([GREY[0], (GREY[0], 1)], "mine: item 1 has a label, unlike item 0"),
        ([*np.zeros((40, 8)), np.full(8, np.nan)], "mine: item 40 holds NaN or infinity"),
        ([np.zeros((2, 8)), np.full((2, 8), -np.inf)], "mine: item 1 holds NaN or infinity"),
        ([np.zeros(8), np.zeros(8, dtype=np.float32)], r"mine: item 1 is float32 \[8\], item 0 is float64 \[8\]"),
        ([(GREY[0], -1)], "labels must be from 0 to 2147483647, got -1"),
        ([np.zeros((8, 8), dtype=np.int32)], "mine: item 0: got dtype int32"),
    ],
)
def test_bad_items_are_found_before_the_training(items, message, workers):
    with pytest.raises(DataError, match=message):
        ImageData.from_dataset(Items(items), name="mine", stream=True, workers=workers)


def test_float_arrays_out_of_range(tmp_path):
    array = COLOUR.astype(np.float32) / 255
    array[20] = 2.0
    with pytest.raises(DataError, match=r"x\.npy: got values from 0 to 2, allowed"):
        load(str(npy(tmp_path, array)), stream=True, workers=0)
    array[20] = np.nan
    with pytest.raises(DataError, match=r"x\.npy: image 20 holds NaN"):
        load(str(npy(tmp_path, array)), stream=True, workers=0)


def test_files_that_change(tmp_path):
    path = folder(tmp_path / "f", ())
    images = load(str(path), stream=True, workers=0, heldout_fraction=0.0).images
    victim = path / "class0" / "0.png"
    Image.fromarray(COLOUR[0]).save(victim)
    with pytest.raises(DataError, match=r"class0/0\.png: it has colour; it was not so at the start"):
        images.read([3, 0])
    victim.write_text("x")
    with pytest.raises(DataError, match=r"class0/0\.png: not an image of a format that is read"):
        images.read([0])
    victim.unlink()
    with pytest.raises(DataError, match=r"class0/0\.png: No such file"):
        images.read([0])
    assert images.read([1]).shape == (1, 1, 32, 32)


def test_arrays_that_change(tmp_path):
    path = npy(tmp_path, GREY)
    images = load(str(path), stream=True, workers=0).images
    modified = path.stat().st_mtime_ns
    with open(path, "r+b") as file:
        file.truncate(1000)
    with pytest.raises(DataError, match=r"x\.npy: was changed while it was in use"):
        images.read([0])
    os.utime(path, ns=(modified, modified))
    with pytest.raises(DataError, match=r"x\.npy: was cut short while it was in use"):
        images.read([0, 36])
    path.unlink()
    with pytest.raises(DataError, match=r"x\.npy: cannot be read: No such file"):
        images.read([0])


def test_items_that_change():
    items = [image / 255 for image in GREY.astype(np.float32)]
    images = ImageData.from_dataset(Items(items), name="mine", stream=True, workers=0).images
    items[4], items[5] = items[4][:4], np.full_like(items[4], np.inf)
    with pytest.raises(DataError, match="mine: item 5 holds NaN or infinity"):
        images.read([3, 5])
    with pytest.raises(DataError, match=r"mine: item 4 is float32 \[4, 8\]"):
        images.read([3, 4])


def test_a_truncated_npy_file(tmp_path):
    path = npy(tmp_path, GREY)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"x\.npy: truncated: expected 3680 bytes, got 3679"):
        load(str(path), stream=True)


MEASURE = """
import resource, sys
from infogan_fast.data import load
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
images = load(sys.argv[1], stream=True, workers=0).images
images.sha256(), images.read([0, 99_999])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_is_bounded(tmp_path):
    """300 MB, of which no more than a few are ever in memory."""
    header = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype=np.uint8, shape=(100_000, 32, 32, 3))
    del header  # a sparse file: nothing of it is on the disk
    ended = subprocess.run([sys.executable, "-c", MEASURE, str(tmp_path / "x.npy")], capture_output=True, check=True)
    assert int(ended.stdout) < 60_000  # KiB
