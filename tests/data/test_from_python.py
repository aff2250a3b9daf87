"""``from_python``: tensors, arrays, tuples, data sets and held-out parts of any shape."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from infogan_fast.data import DataError, ImageData, StoredImages, from_python

IMAGES = torch.randint(0, 256, (6, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
WAVES = torch.randn(6, 2, 50, generator=torch.Generator().manual_seed(1))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (IMAGES, IMAGES),
        (IMAGES[:, 0], IMAGES[:, :1]),
        (IMAGES.permute(0, 2, 3, 1), IMAGES),
        (IMAGES.permute(0, 2, 3, 1).numpy(), IMAGES),
        (WAVES, WAVES),
        (WAVES.requires_grad_(False).clone().requires_grad_(), WAVES),
        (WAVES.double().numpy(), WAVES.double()),
        (WAVES.numpy().astype(">f4"), WAVES),
        (WAVES.numpy()[::-1], WAVES.flip(0)),
        (WAVES.half(), WAVES.half().float()),
        (WAVES.bfloat16(), WAVES.bfloat16().float()),
        (WAVES.half().numpy(), WAVES.half().float()),
        (WAVES[:, 0, :2], WAVES[:, 0, :2]),
        (WAVES.reshape(6, 2, 5, 5, 2), WAVES.reshape(6, 2, 5, 5, 2)),
    ],
    ids=lambda value: f"{type(value).__name__} {value.dtype} {list(value.shape)}",
)
def test_tensors_and_arrays(given, expected):
    data = from_python(given, name="mine")
    assert (data.name, data.shape, data.notes) == ("mine", tuple(expected.shape[1:]), ())
    assert data.images.dtype == expected.dtype
    assert torch.equal(data.images, expected)
    assert not data.images.requires_grad
    assert data.labels is None
    assert data.heldout_images is None
    assert data.is_images == (len(data.shape) == 3)


def test_nothing_is_copied_without_need():
    assert from_python(WAVES).images.data_ptr() == WAVES.data_ptr()
    array = WAVES.numpy().copy()
    assert from_python(array).images.data_ptr() == array.ctypes.data
    array.flags.writeable = False
    assert torch.equal(from_python(array).images, WAVES)  # a copy: a tensor cannot be read-only


@pytest.mark.parametrize("labels", [LABELS, LABELS.numpy(), LABELS.tolist(), LABELS.int(), LABELS.numpy().astype("u8")])
def test_labels(labels):
    data = from_python((WAVES, labels))
    assert data.name == "data"
    assert data.labels.dtype == torch.int64
    assert torch.equal(data.labels, LABELS)


@pytest.mark.parametrize("stream", [False, True])
def test_a_dataset(stream):
    data = from_python(TensorDataset(WAVES, LABELS), heldout=TensorDataset(WAVES[:2]), stream=stream, workers=0)
    for items, expected in ((data.images, WAVES), (data.heldout_images, WAVES[:2])):
        assert isinstance(items, StoredImages) == stream
        assert torch.equal(items.read(range(len(items))) if stream else items, expected)
    assert torch.equal(data.labels, LABELS)
    assert data.heldout_labels is None
    assert data.sha256() == from_python(WAVES).sha256()


def test_the_hash_is_of_all_bytes():
    many = torch.randn(1000, 3)
    changed = many.clone()
    changed[-1, -1] += 1
    assert from_python(many).sha256() != from_python(changed).sha256()
    assert from_python(many).sha256() == from_python(many.t().contiguous().t()).sha256()
    assert from_python(many).sha256() != from_python(many.double()).sha256()


def test_held_out_parts():
    data = from_python(IMAGES, heldout=(IMAGES[:2].permute(0, 2, 3, 1).numpy(), [4, 5]))
    assert torch.equal(data.heldout_images, IMAGES[:2])
    assert data.heldout_labels.tolist() == [4, 5]
    whole = ImageData("whole", IMAGES, LABELS, notes=("read",))
    assert from_python(whole, name="other") is whole
    data = from_python(whole, heldout=ImageData("rest", IMAGES[3:], LABELS[3:], notes=("read too",)))
    assert data.name == "whole"
    assert data.notes == ("read", "read too")
    assert torch.equal(data.heldout_images, IMAGES[3:])
    assert torch.equal(data.heldout_labels, LABELS[3:])


def test_known_factors_of_a_held_out_part():
    factors = torch.tensor([[0], [1], [2]])
    known = ImageData("it", IMAGES[:3], factors=factors, factor_names=("hue",), factor_sizes=(3,))
    assert from_python(known, heldout=known).heldout_factors.tolist() == [[0], [1], [2]]
    assert from_python(IMAGES, heldout=known).heldout_factors is None
    assert from_python(known, heldout=IMAGES).heldout_factors is None


def test_held_out_data_with_classes_of_other_names():
    animals = ImageData("animals", IMAGES[:2], torch.tensor([0, 1]), class_names=("cat", "dog"))
    others = ImageData("others", IMAGES[:2], torch.tensor([0, 1]), class_names=("dog", "eel\n"))
    with pytest.raises(
        DataError, match=r"animals: its classes are cat, dog, those of the held-out others dog, eel\\n;"
    ):
        from_python(animals, heldout=others)
    unnamed = dataclasses.replace(others, class_names=())
    assert from_python(animals, heldout=unnamed).class_names == ("cat", "dog")
    assert from_python(animals, heldout=animals).class_names == ("cat", "dog")
    assert from_python(unnamed, heldout=animals).class_names == ()
    assert from_python(animals, heldout=(IMAGES[:1], [1])).class_names == ("cat", "dog")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (torch.tensor([[1.0], [torch.nan], [2.0]]), "mine: training images: item 1 holds NaN or infinity"),
        (np.array([[1.0], [2.0], [-np.inf]]), "mine: training images: item 2 holds NaN or infinity"),
        (torch.cat([torch.zeros(1000, 3), torch.full((1, 3), torch.inf)]), "item 1000 holds NaN"),
        (torch.zeros(3, 8, dtype=torch.int64), "mine: got dtype int64, allowed: uint8, for images, or float16"),
        (torch.zeros(3, 8, dtype=torch.uint8), r"mine: got shape \[3, 8\], allowed: \[N, H, W\]"),
        (torch.zeros(3, 8, dtype=torch.complex64), "mine: got dtype complex64"),
        (torch.zeros(3, 8, dtype=torch.bool), "mine: got dtype bool"),
        (torch.zeros(3), r"must be uint8 \[N, C, H, W\], or floating point \[N, \*shape\], got torch.float32 \[3\]"),
        (torch.zeros(0, 3), r"are empty: \[0, 3\]"),
        ((WAVES, LABELS, LABELS), r"mine: got a tuple \(Tensor, Tensor, Tensor\), allowed"),
        (("mnist5k", LABELS), r"mine: got a tuple \(str, Tensor\), allowed"),
        ((WAVES, LABELS[:3]), "6 images but 3 labels"),
        ((WAVES, LABELS - 1), "mine: labels must be from 0 to 2147483647, got -1"),
        ((WAVES, np.array([2**63] * 6, dtype=np.uint64)), "got 9223372036854775808"),
        ((WAVES, LABELS / 2), r"mine: labels: got float32 \[6\], allowed: integers \[N\]"),
        ((WAVES, LABELS[:, None]), r"mine: labels: got int64 \[6, 1\]"),
        ("mnist5k", r"mine: got str 'mnist5k', allowed: .*read by infogan_fast\.data\.load"),
        (Path("digits"), "mine: got .*Path 'digits', allowed"),
        ({"x": WAVES}, "mine: got dict"),
        (None, "mine: got NoneType 'None'"),
    ],
)
def test_what_is_not_allowed(given, message):
    with pytest.raises(DataError, match=message):
        from_python(given, name="mine")


def test_errors_of_a_held_out_part_say_so():
    with pytest.raises(DataError, match="mine, held out: got dtype int64"):
        from_python(WAVES, name="mine", heldout=LABELS[:, None])
    with pytest.raises(DataError, match="mine: held-out images: item 1 holds NaN"):
        from_python(WAVES[:, 0, :1], name="mine", heldout=torch.tensor([[0.0], [torch.nan]]))
    with pytest.raises(DataError, match="held-out images have size 1x8x8, training images 3x8x8"):
        from_python(IMAGES, name="mine", heldout=IMAGES[:, 0])


def test_image_shape_is_of_images():
    assert from_python(IMAGES).image_shape == (3, 8, 8)
    with pytest.raises(DataError, match=r"mine: got items of shape \[2, 50\], allowed: images, \[C, H, W\]"):
        _ = from_python(WAVES, name="mine").image_shape
