"""``photo-patches``: cut from scikit-learn's two photographs, with no pixel in both parts."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError, load
from infogan_fast.data.sources import photo_patches

datasets = pytest.importorskip("sklearn.datasets")
pytest.importorskip("PIL")


@pytest.fixture(scope="module")
def data():
    return load("photo-patches")


def of_places(monkeypatch):
    """The data where the first two channels of a pixel are its row and column, and the third is the photograph."""
    rows, columns = np.indices((427, 640))
    photographs = [
        np.stack([rows // 2, columns // 4, np.full_like(rows, number)], axis=2).astype(np.uint8) for number in (0, 1)
    ]
    monkeypatch.setattr(datasets, "load_sample_images", lambda: SimpleNamespace(images=photographs))
    return load("photo-patches")


def test_images_and_labels(data):
    assert data.name == "photo-patches"
    assert data.images.shape == (4600, 3, 64, 64)
    assert data.heldout_images.shape == (828, 3, 64, 64)
    assert data.images.dtype == torch.uint8
    assert data.labels.bincount().tolist() == [2300, 2300]
    assert data.heldout_labels.bincount().tolist() == [414, 414]
    assert data.class_names == ("china", "flower")
    assert data.factors is None


def test_they_are_patches_of_the_photographs(data):
    china, flower = (torch.from_numpy(image.copy()).permute(2, 0, 1) for image in datasets.load_sample_images().images)
    assert torch.equal(data.images[0], china[:, :64, :64])
    assert torch.equal(data.images[1], china[:, :64, 8:72])
    assert torch.equal(data.images[2300], flower[:, :64, :64])
    assert torch.equal(data.images[-1], flower[:, 360:424, 576:640])
    assert torch.equal(data.heldout_images[0], china[:, :64, 384:448])
    assert torch.equal(data.heldout_images[-1], flower[:, 360:424, 448:512])


def test_no_pixel_is_in_both_parts(monkeypatch):
    data = of_places(monkeypatch)
    columns = [set(part[:, 1].unique().tolist()) for part in (data.images, data.heldout_images)]
    assert columns[0] == {*range(96), *range(128, 160)}
    assert columns[1] == set(range(96, 128))
    for images, labels in ((data.images, data.labels), (data.heldout_images, data.heldout_labels)):
        assert torch.equal(images[:, 2].long(), labels[:, None, None].expand(-1, 64, 64))
        assert len(images.flatten(1).unique(dim=0)) == len(images)


def test_another_decoder_is_told(data, monkeypatch):
    assert data.notes[0].endswith("CC BY 2.0, by danielbuechele and vultilion")
    assert len(data.notes) == 1
    assert (
        of_places(monkeypatch).notes[1]
        == "photo-patches: the JPEG decoder of this machine gives other pixels than elsewhere"
    )


def test_other_photographs(monkeypatch):
    images = [np.zeros((10, 12, 3), dtype=np.uint8)] * 2
    monkeypatch.setattr(datasets, "load_sample_images", lambda: SimpleNamespace(images=images))
    with pytest.raises(
        DataError, match=r"have shapes \[\(10, 12, 3\), \(10, 12, 3\)\], allowed: two of \(427, 640, 3\)"
    ):
        photo_patches.load_photo_patches()


def test_another_size():
    data = load("photo-patches", image_size=32, channels=1)
    assert data.images.shape == (4600, 1, 32, 32)
    assert data.heldout_images.shape == (828, 1, 32, 32)
    assert data.class_names == ("china", "flower")


def test_without_scikit_learn(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ModuleNotFoundError):
        load("photo-patches")
