"""The held-out part of a labelled folder: how many images of each class, which, and that they are always the same."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError, load
from infogan_fast.data.sources.heldout import held_out, two_parts
from infogan_fast.data.stored import into_memory

Image = pytest.importorskip("PIL.Image")


def names(**counts):
    return [Path(name) / f"{index}.png" for name, count in counts.items() for index in range(count)]


def chosen(files, fraction=0.2):
    return {str(file) for file, is_chosen in zip(files, held_out(files, fraction), strict=True) if is_chosen}


@pytest.mark.parametrize(
    ("fraction", "images", "count"),
    [
        *((0.2, images, count) for images, count in ((1, 0), (2, 0), (3, 1), (7, 1), (8, 2), (10, 2), (200, 40))),
        *((0.5, images, count) for images, count in ((1, 0), (2, 1), (3, 2), (5, 3))),
        *((0.99, images, count) for images, count in ((1, 0), (2, 1), (10, 9), (1000, 990))),
        (0.0, 100, 0),
        (0.001, 100, 0),
    ],
)
def test_how_many_of_a_class(fraction, images, count):
    """The rounded fraction, but one at least is left to train on."""
    assert len(chosen(names(a=images), fraction)) == count


def test_each_class_by_itself():
    found = chosen(names(a=10, b=50, c=1, d=3))
    assert {name: sum(file.startswith(name) for file in found) for name in "abcd"} == {"a": 2, "b": 10, "c": 0, "d": 1}


def test_those_whose_names_have_the_least_hash():
    def digest(name):
        return hashlib.sha256(name.encode()).hexdigest()

    assert chosen(names(a=30)) == set(sorted((f"a/{index}.png" for index in range(30)), key=digest)[:6])


def test_the_choice_depends_on_neither_order_nor_other_classes_and_hardly_on_other_files():
    files = names(a=40, b=15)
    assert chosen(files[::-1]) == chosen(files) == chosen(files[:40]) | chosen(files[40:])
    smaller, larger = chosen(names(a=40)), chosen(names(a=45))
    assert len(smaller - larger) <= 1


def test_files_that_lie_elsewhere_are_not_chosen():
    files = [Path(f"{index}.png") for index in range(20)] + [Path(f"a/b/{index}.png") for index in range(20)]
    assert not held_out(files, 0.5).any()
    assert held_out([], 0.5).shape == (0,)


def test_names_that_are_no_text():
    assert held_out([Path(f"a/\udcff{index}") for index in range(5)], 0.2).sum() == 1


def test_two_parts():
    images = torch.arange(20, dtype=torch.uint8).reshape(10, 1, 1, 2)
    expected = images.clone()
    rows = np.isin(np.arange(10), [0, 4, 9])
    kept, heldout = two_parts(images, rows)
    assert torch.equal(kept, expected[torch.from_numpy(~rows)])
    assert torch.equal(heldout, expected[torch.from_numpy(rows)])
    assert kept.data_ptr() == images.data_ptr()


@pytest.fixture
def folder(tmp_path):
    """20 images of class a and 10 of class b, each of a grey of its own."""
    for index in range(30):
        file = tmp_path / "animals" / ("a" if index < 20 else "b") / f"{index:02}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 8 * index).save(file)
    return tmp_path / "animals"


def greys(images):
    return (images if isinstance(images, torch.Tensor) else into_memory(images))[:, 0, 0, 0].tolist()


@pytest.mark.parametrize("stream", [False, True])
def test_images_and_labels_of_both_parts(folder, stream):
    data = load(str(folder), stream=stream, workers=0)
    trained, heldout = greys(data.images), greys(data.heldout_images)
    assert (len(trained), len(heldout)) == (24, 6)
    assert sorted(trained + heldout) == [8 * index for index in range(30)]
    assert trained == sorted(trained)
    assert heldout == sorted(heldout)
    for values, labels in ((trained, data.labels), (heldout, data.heldout_labels)):
        assert labels.dtype == torch.int64
        assert labels.tolist() == [int(grey >= 160) for grey in values]
    assert data.heldout_labels.tolist() == [0, 0, 0, 0, 1, 1]
    note = "held out: 6 of 30 images, 0.2 of each class; --set heldout_fraction=0 trains on all"
    assert data.notes[-1] == note


@pytest.mark.parametrize("stream", [False, True])
def test_another_fraction(folder, stream):
    none = load(str(folder), stream=stream, workers=0, heldout_fraction=0.0)
    assert none.heldout_images is none.heldout_labels is None
    assert len(none.images) == len(none.labels) == 30
    assert not any("held out" in note for note in none.notes)
    half = load(str(folder), stream=stream, workers=0, heldout_fraction=0.5)
    assert half.heldout_labels.bincount().tolist() == [10, 5]
    assert none.sha256() != half.sha256()


@pytest.mark.parametrize("stream", [False, True])
def test_no_held_out_part_without_labels(folder, stream):
    shutil.copy(folder / "a" / "03.png", folder / "top.png")
    data = load(str(folder), stream=stream, workers=0)
    assert data.labels is data.heldout_images is None
    assert len(data.images) == 31


def test_classes_too_small_for_it(folder):
    for index in (*range(2, 20), *range(22, 30)):
        (folder / ("a" if index < 20 else "b") / f"{index:02}.png").unlink()
    data = load(str(folder))
    assert data.heldout_images is None
    assert len(data.images) == 4


@pytest.mark.parametrize("colour", [None, "trained", "held out"])
@pytest.mark.parametrize("torn", [False, True])
def test_the_hash_is_that_of_the_training_images_held_or_streamed(folder, colour, torn, monkeypatch):
    """Also where files cannot be read, of which the fraction is not taken, and where one image alone has colour."""
    is_chosen = held_out([Path(f"a/{index:02}.png") for index in range(20)], 0.2)
    if colour is not None:
        index = int(np.flatnonzero(is_chosen == (colour == "held out"))[1])
        Image.new("RGB", (8, 8), (255, 0, 0)).save(folder / "a" / f"{index:02}.png")
    if torn:
        for index in range(60):
            (folder / "a" / f"torn{index}.png").write_text("no image")
    held, streamed = (load(str(folder), stream=stream, workers=0) for stream in (False, True))
    assert held.shape == streamed.shape == (1 if colour is None else 3, 32, 32)
    assert len(held.images) == len(streamed.images) == 24
    assert torch.equal(into_memory(streamed.images), held.images)
    assert torch.equal(into_memory(streamed.heldout_images), held.heldout_images)
    assert torch.equal(streamed.heldout_labels, held.heldout_labels)
    if not torn:  # then it is known already
        monkeypatch.setattr(type(streamed.images), "read", lambda *_: pytest.fail("was read again"))
    assert streamed.sha256() == held.sha256()


def test_held_out_images_that_go_away_while_they_are_streamed(folder):
    data = load(str(folder), stream=True, workers=0)
    shutil.rmtree(folder / "b")
    with pytest.raises(DataError, match=r"b/2\d\.png: No such file .*it was not so at the start of the run"):
        data.heldout_images.read([5])
