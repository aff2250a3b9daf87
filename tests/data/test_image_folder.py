"""A folder of image files: what is read, labelled and skipped."""

import os

import numpy as np
import pytest
import torch

pytest.importorskip("PIL")

from PIL import Image

from infogan_fast.data import DataError, is_image_folder, load


def save(path, value=0, size=(8, 8), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = value if isinstance(value, tuple) else (value,) * 3
    Image.new("RGB", size, colour).save(path, **options)


def first_pixels(data):
    return data.images[:, 0, 0, 0].tolist()


def test_sorted_recursive_and_without_hidden_files(tmp_path):
    for value, name in enumerate(["a.png", "b/1.png", "b/c/2.png", "b/d.png", "e.bmp"]):
        save(tmp_path / name, value)
    save(tmp_path / ".hidden.png")
    save(tmp_path / ".hidden" / "x.png")
    data = load(str(tmp_path))
    assert first_pixels(data) == [0, 1, 2, 3, 4]
    assert data.images.dtype == torch.uint8
    assert data.image_shape == (1, 32, 32)
    assert data.labels is None
    assert data.heldout_images is None
    assert data.notes == ("image_size: 32, chosen for a folder of images; --set image_size=64 is another",)


def test_size_and_channels(tmp_path):
    save(tmp_path / "a.png", 7)
    save(tmp_path / "b.png", (255, 0, 0), size=(40, 20))
    assert load(str(tmp_path), image_size=16).images.shape == (2, 3, 16, 16)
    assert load(str(tmp_path), image_size=16, channels=1).images[:, 0, 0, 0].tolist() == [7, 76]
    (tmp_path / "b.png").unlink()
    assert load(str(tmp_path)).image_shape == (1, 32, 32)
    assert load(str(tmp_path), channels=3).images[0, :, 0, 0].tolist() == [7, 7, 7]


def test_subfolders_are_classes(tmp_path):
    for value, name in enumerate(["cat/1.png", "cat/2.png", "dog/1.png"]):
        save(tmp_path / name, value)
    (tmp_path / "empty").mkdir()
    data = load(str(tmp_path))
    assert data.labels.tolist() == [0, 0, 1]
    assert data.labels.dtype == torch.int64
    assert data.class_names == ("cat", "dog")
    assert "labels: 2 classes, the subfolders cat, dog" in data.notes
    assert load(str(tmp_path), stream=True, workers=0).class_names == ("cat", "dog")


@pytest.mark.parametrize("other", ["top.png", "cat/deeper/3.png"])
def test_no_labels_where_an_image_lies_elsewhere(tmp_path, other):
    for name in ("cat/1.png", "dog/1.png", other):
        save(tmp_path / name)
    data = load(str(tmp_path))
    assert data.labels is None
    assert data.class_names == ()


def test_one_subfolder_is_no_class(tmp_path):
    save(tmp_path / "images" / "1.png")
    assert load(str(tmp_path)).labels is None


@pytest.fixture
def damaged(tmp_path):
    """A folder of one readable image and files that are none."""
    folder = tmp_path / "damaged"
    save(folder / "good.png", 9)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "truncated.jpg")
    content = (folder / "truncated.jpg").read_bytes()
    (folder / "truncated.jpg").write_bytes(content[: len(content) // 2])
    (folder / "text.jpg").write_text("a text file")
    (folder / "empty.png").touch()
    content = (folder / "good.png").read_bytes()
    (folder / "torn.png").write_bytes(content[:-30])
    return folder


def test_unreadable_files_are_skipped_and_named(damaged):
    data = load(str(damaged))
    assert first_pixels(data) == [9]
    skipped = data.notes[0]
    assert skipped.startswith(
        "skipped 4 of 5 files: empty.png (not an image of a format that is read), text.jpg (not an image"
    )
    assert "truncated.jpg (image file is truncated" in skipped
    assert "torn.png (" in skipped


def test_strict_names_the_first(damaged):
    with pytest.raises(
        DataError, match=r"empty\.png: not an image of a format that is read; without --strict such files are"
    ):
        load(str(damaged), strict=True)
    for name in ("empty.png", "text.jpg", "torn.png"):
        (damaged / name).unlink()
    with pytest.raises(DataError, match=r"truncated\.jpg: image file is truncated"):
        load(str(damaged), strict=True)
    (damaged / "truncated.jpg").unlink()
    assert len(load(str(damaged), strict=True).images) == 1


def test_a_long_list_is_cut(tmp_path):
    save(tmp_path / "x.png")
    for index in range(13):
        (tmp_path / f"{index:02}.txt").touch()
    note = load(str(tmp_path)).notes[0]
    assert note.startswith("skipped 13 of 14 files: 00.txt")
    assert note.endswith("09.txt (not an image of a format that is read) and 3 more")


@pytest.mark.parametrize("limit", [60, 20])  # Pillow warns of more pixels than its limit, and raises at twice as many
def test_decompression_bomb(tmp_path, monkeypatch, limit):
    save(tmp_path / "a.png", size=(4, 4))
    save(tmp_path / "bomb.png", size=(8, 8))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    data = load(str(tmp_path))
    assert len(data.images) == 1
    assert f"bomb.png (more than {limit} pixels, perhaps a decompression bomb)" in data.notes[0]


def test_a_folder_without_images(tmp_path):
    with pytest.raises(DataError, match=r"holds no image: it has no files; allowed: .*PNG.*train-images-idx3-ubyte"):
        load(str(tmp_path))
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(DataError, match=r"holds no image: thesis\.tex \(not an image of a format that is read\)"):
        load(str(tmp_path))


def test_idx_names_come_first(tmp_path):
    save(tmp_path / "a.png")
    assert is_image_folder(str(tmp_path))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").touch()
    assert not is_image_folder(str(tmp_path))
    with pytest.raises(DataError, match="no IDX training images"):
        load(str(tmp_path))


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs symbolic links")
def test_links(tmp_path):
    save(tmp_path / "data" / "a.png", 3)
    save(tmp_path / "elsewhere" / "b.png", 4)
    (tmp_path / "data" / "link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "loop").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "nowhere.png").symlink_to(tmp_path / "missing")
    assert first_pixels(load(str(tmp_path / "data"))) == [3, 4]


def test_too_large_for_the_memory_is_told_before_reading(tmp_path, monkeypatch):
    save(tmp_path / "a.png")
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 6000)
    with pytest.raises(DataError, match=r"its images need .* allowed: half of what is free.*image_size"):
        load(str(tmp_path), stream=False)
    assert load(str(tmp_path), image_size=16, stream=False).image_shape == (1, 16, 16)


def test_the_hash_is_the_same_each_time(tmp_path):
    for value in range(5):
        save(tmp_path / f"{value}.jpg", (value, 90, 200), size=(64, 48))
    assert load(str(tmp_path)).sha256() == load(str(tmp_path)).sha256()
    assert load(str(tmp_path)).sha256() != load(str(tmp_path), image_size=16).sha256()
