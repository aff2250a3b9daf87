"""``ImageData.from_dataset``: items of every kind, and the first that does not fit."""

import numpy as np
import pytest
import torch
from torch.utils.data import Dataset, IterableDataset, TensorDataset

from infogan_fast.data import DataError, ImageData

IMAGES = torch.randint(0, 256, (4, 3, 8, 8), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)


class Items(Dataset):
    """Never raises IndexError, as many data sets do not."""

    def __init__(self, items):
        self.items = items

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index % len(self.items)]


def load(items, **options):
    return ImageData.from_dataset(Items(items), name="mine", **options)


def test_tensors_with_labels():
    data = ImageData.from_dataset(TensorDataset(IMAGES, torch.tensor([3, 0, 1, 1])), name="mine")
    assert data.name == "mine"
    assert torch.equal(data.images, IMAGES)
    assert data.labels.tolist() == [3, 0, 1, 1]
    assert torch.equal(ImageData.from_dataset(TensorDataset(IMAGES), name="mine").images, IMAGES)


@pytest.mark.parametrize("shape", [(3, 8, 8), (8, 8, 3), (1, 50), (2,), (2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_floating_point_is_taken_as_it_is(shape, dtype):
    values = 100.0 * torch.randn(4, *shape, generator=torch.Generator().manual_seed(0), dtype=dtype)
    for items in (list(values), list(values.numpy()), list(values.numpy().astype(values.numpy().dtype.newbyteorder()))):
        data = load(items)
        assert data.images.dtype == dtype
        assert torch.equal(data.images, values)
        assert data.notes == ()
    assert load([(value, 2) for value in values]).labels.tolist() == [2] * 4


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(dtype):
    values = torch.tensor([[1.0, -0.3], [7.0, 1e4]], dtype=dtype)
    assert load(list(values)).images.dtype == torch.float32
    assert torch.equal(load(list(values)).images, values.float())


def test_arrays_and_grey():
    array = IMAGES.permute(0, 2, 3, 1).numpy()
    assert torch.equal(load([(image, np.int64(1)) for image in array]).images, IMAGES)
    assert torch.equal(load(list(array[..., 0])).images, IMAGES[:, :1])
    assert torch.equal(load(list(IMAGES[:, 0])).images, IMAGES[:, :1])


def test_pil_images():
    image = pytest.importorskip("PIL.Image")
    data = load([(image.fromarray(pixels.permute(1, 2, 0).numpy()), 0) for pixels in IMAGES])
    assert torch.equal(data.images, IMAGES)
    assert load([image.new("L", (8, 4), 7)]).images.shape == (1, 1, 4, 8)
    assert load([image.new("CMYK", (8, 4))]).images.unique().tolist() == [255]


def test_a_dataset_without_a_length():
    class Endless(Dataset):
        def __getitem__(self, index):
            return IMAGES[0]

    with pytest.raises(DataError, match=r"mine: Endless has no length, allowed: .* or an IterableDataset"):
        ImageData.from_dataset(Endless(), name="mine")


def test_limit_and_iterable():
    class Endless(IterableDataset):
        def __iter__(self):
            while True:
                yield IMAGES[0]

    assert len(load(list(IMAGES), limit=3).images) == 3
    assert len(load(list(IMAGES), limit=9).images) == 4
    assert len(ImageData.from_dataset(Endless(), name="mine", limit=5).images) == 5
    with pytest.raises(DataError, match="mine: limit: got 0, allowed: at least 1"):
        load(list(IMAGES), limit=0)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "mine: the dataset is empty"),
        (
            [IMAGES[0], IMAGES[1], IMAGES[2, :, :4]],
            r"item 2 is uint8 \[3, 4, 8\], item 0 is uint8 \[3, 8, 8\]; all must",
        ),
        ([IMAGES[0], IMAGES[1] / 255], r"item 1 is float32 \[3, 8, 8\], item 0 is uint8"),
        ([IMAGES[0], (IMAGES[1], 1)], "item 1 has a label, unlike item 0"),
        ([(IMAGES[0], 1), IMAGES[1]], "item 1 lacks a label, unlike item 0"),
        ([(IMAGES[0], 1, 2)], "item 0: got 3 values, allowed: an image or other value, or that and its label"),
        ([(IMAGES[0], "cat")], "item 0: label: got str, allowed: an integer >= 0"),
        ([(IMAGES[0], torch.zeros(3))], r"item 0: label: got Tensor \[3\]"),
        ([(IMAGES[0], 0.5)], "item 0: label: got float"),
        ([(IMAGES[0], -1)], "labels must be from 0 to 2147483647, got -1"),
        (["a.png"], "item 0: got str, allowed: a PIL image, a tensor or an array"),
        ([IMAGES[0, 0, 0]], r"item 0: got uint8 \[8\], allowed: an image \[H, W\]"),
        ([IMAGES[0, :2]], r"item 0: got shape \[1, 2, 8, 8\], allowed"),
        ([torch.tensor(1.0)], r"item 0: got float32 \[\], allowed: .* of one dimension or more"),
        ([torch.zeros(8, 8), torch.full((8, 8), torch.nan)], "item 1 holds NaN or infinity"),
        ([torch.zeros(8, 8, dtype=torch.int64)], "got dtype int64"),
    ],
)
def test_items_that_do_not_fit(items, message):
    with pytest.raises(DataError, match=message):
        load(items)


def test_too_large_for_the_memory_is_told_at_the_first_item(monkeypatch):
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 4 * IMAGES.numel() - 1)
    with pytest.raises(DataError, match="mine: its images need"):
        load(list(IMAGES), stream=False)
    assert len(load(list(IMAGES), limit=3, stream=False).images) == 3
