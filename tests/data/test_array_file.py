"""``.npy`` and ``.npz`` files: layouts, ranges, keys, and what each mistake says."""

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError, load

PIXELS = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 12), dtype=np.uint8)


def saved(path, array):
    np.save(path, array)
    return str(path)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (PIXELS, PIXELS),
        (PIXELS.transpose(0, 2, 3, 1), PIXELS),
        (np.asfortranarray(PIXELS), PIXELS),
        (PIXELS[:, 0], PIXELS[:, :1]),
        (PIXELS[:, :1], PIXELS[:, :1]),
        (PIXELS[:, 0, :, :, None], PIXELS[:, :1]),
    ],
)
def test_layouts(tmp_path, array, expected):
    data = load(saved(tmp_path / "x.npy", array))
    assert data.images.dtype == torch.uint8
    assert data.images.is_contiguous()
    np.testing.assert_array_equal(data.images, expected)
    assert data.labels is None
    assert data.notes == ()


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("chunk", [100, 2**20])
def test_ranges(tmp_path, monkeypatch, dtype, chunk):
    monkeypatch.setattr("infogan_fast.data.sources.array_images._BYTES_AT_ONCE", chunk)
    PIXELS[0, 0, 0, :2] = 0, 255
    data = load(saved(tmp_path / "x.npy", (PIXELS / 255.0).astype(dtype)))
    np.testing.assert_array_equal(data.images, PIXELS)
    assert data.notes == ("values: floating point from 0 to 1, taken as 0 to 1",)
    data = load(saved(tmp_path / "x.npy", (PIXELS / 127.5 - 1.0).astype(dtype)))
    np.testing.assert_array_equal(data.images, PIXELS)
    assert data.notes == ("values: floating point from -1 to 1, taken as -1 to 1",)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((8, 8), np.uint8), r"got shape \[8, 8\], allowed: \[N, H, W\], \[N, H, W, C\] or \[N, C, H, W\]"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"got shape \[2, 8, 8, 4\], allowed: .* with C 1 or 3"),
        (np.zeros((2, 3, 8, 3), np.uint8), "both axes could be the channels"),
        (np.zeros((0, 8, 8), np.uint8), r"holds no images: shape \[0, 8, 8\]"),
        (np.zeros((2, 8, 8), np.int64), "got dtype int64, allowed: uint8, or floating point from 0 to 1 or from -1"),
        (np.full((2, 8, 8), 255.0), "got values from 255 to 255, allowed: uint8, or floating"),
        (np.full((2, 8, 8), -1.5), "got values from -1.5 to -1.5"),
        (np.array([[[0.0]], [[np.nan]]]), "image 1 holds NaN or infinity"),
        (np.array([[[np.inf]]]), "image 0 holds NaN or infinity"),
        (np.array([[[{}]]], dtype=object), "holds pickled Python objects, which are never loaded"),
    ],
)
def test_mistakes(tmp_path, array, message):
    for path in (tmp_path / "x.npy", tmp_path / "x.npz"):
        if path.suffix == ".npy":
            np.save(path, array, allow_pickle=True)
        else:
            np.savez(path, x=array)
        with pytest.raises(DataError, match=message) as error:
            load(str(path))
        assert str(error.value).startswith(str(path))


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y"), ("arr_0", "y")])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz(tmp_path, keys, save):
    save(tmp_path / "a.npz", **dict(zip(keys, (PIXELS, np.arange(5, dtype=np.uint8)), strict=True)))
    data = load(str(tmp_path / "a.npz"))
    np.testing.assert_array_equal(data.images, PIXELS)
    assert data.labels.tolist() == [0, 1, 2, 3, 4]
    assert data.labels.dtype == torch.int64


def test_npz_without_labels_and_without_images(tmp_path):
    np.savez(tmp_path / "a.npz", PIXELS)
    assert load(str(tmp_path / "a.npz")).labels is None
    np.savez(tmp_path / "b.npz", pictures=PIXELS, y=np.arange(5))
    with pytest.raises(DataError, match=r"holds pictures, y; allowed: images under the key images, x or arr_0"):
        load(str(tmp_path / "b.npz"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (np.arange(4), "5 images but 4 labels"),
        (np.arange(5.0), r"labels: got float64 \[5\], allowed: integers \[N\]"),
        (np.eye(5, dtype=np.int64), r"labels: got int64 \[5, 5\]"),
        (np.arange(5) - 1, "labels must be from 0 to 2147483647, got -1"),
        (np.array(["a"] * 5, dtype=object), "labels: holds pickled Python objects, which are never"),
    ],
)
def test_wrong_labels(tmp_path, labels, message):
    np.savez(tmp_path / "a.npz", images=PIXELS, labels=labels)
    with pytest.raises(DataError, match=message):
        load(str(tmp_path / "a.npz"))


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "compressed.npz"])
def test_torn_files(tmp_path, name):
    path = tmp_path / name
    if name == "a.npy":
        np.save(path, PIXELS)
    else:
        (np.savez_compressed if name == "compressed.npz" else np.savez)(path, x=PIXELS)
    content = path.read_bytes()
    middle = len(content) // 2
    flipped = bytes(byte ^ 0xFF for byte in content[middle : middle + 9])
    damaged = [content[:length] for length in (0, 4, 9, 40, len(content) - 3)] + [b"not NumPy's"]
    if name != "a.npy":  # it has no checksum
        damaged.append(content[:middle] + flipped + content[middle + 9 :])
    for torn in damaged:
        path.write_bytes(torn)
        with pytest.raises(DataError, match=rf"{name}: damaged, or not \.np[yz] data") as error:
            load(str(path))
        assert "\n" not in str(error.value)


def test_told_by_content_where_the_name_does_not_say(tmp_path):
    np.save(tmp_path / "a.npy", PIXELS)
    (tmp_path / "a.npy").rename(tmp_path / "a.dat")
    np.testing.assert_array_equal(load(str(tmp_path / "a.dat")).images, PIXELS)


@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_too_large_for_the_memory(tmp_path, monkeypatch, name):
    (np.save if name == "a.npy" else np.savez)(tmp_path / name, PIXELS)
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 2 * PIXELS.size - 1)
    with pytest.raises(DataError, match=rf"{name}: its images need"):
        load(str(tmp_path / name), stream=False)


def test_too_large_for_the_memory_once_resized(tmp_path, monkeypatch):
    path = saved(tmp_path / "x.npy", PIXELS)
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 5 * 3 * 64 * 64)
    assert len(load(path).images) == 5
    with pytest.raises(DataError, match=r"x\.npy: its images need .*image_size"):
        load(path, image_size=64, stream=False)


def test_another_size_and_other_channels(tmp_path):
    pytest.importorskip("PIL")
    flat = np.broadcast_to(np.array([255, 0, 0], dtype=np.uint8)[:, None, None], (2, 3, 8, 12))
    path = saved(tmp_path / "x.npy", flat)
    assert load(path, image_size=16).images.shape == (2, 3, 16, 16)
    grey = load(path, channels=1)
    assert grey.image_shape == (1, 8, 12)
    assert grey.images.unique().tolist() == [76]
    assert load(path, image_size=4, channels=1).images.unique().tolist() == [76]
    unchanged = saved(tmp_path / "y.npy", PIXELS[:, :, :, :8])
    np.testing.assert_array_equal(load(unchanged, image_size=8, channels=3).images, PIXELS[:, :, :, :8])


@pytest.mark.parametrize("label", [2**62, 2**64 - 1, 2**31])
def test_labels_beyond_any_class(tmp_path, label):
    labels = np.array([0, 1, label], dtype=np.uint64)
    np.savez(tmp_path / "a.npz", images=np.zeros((3, 4, 4), dtype=np.uint8), labels=labels)
    with pytest.raises(DataError, match=rf"a\.npz: labels: labels must be from 0 to 2147483647, got {label}$"):
        load(str(tmp_path / "a.npz"))
