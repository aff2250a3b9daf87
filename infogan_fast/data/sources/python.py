"""A data set from what a Python program has: a tensor, an array, or any ``torch.utils.data.Dataset``."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from infogan_fast.data.arrays import items_of_array
from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData, check_labels
from infogan_fast.data.items import as_array, items_of_dataset
from infogan_fast.data.memory import Streaming
from infogan_fast.data.stored import StoredImages
from infogan_fast.text import listing, shown

#: What ``from_python`` takes. A tuple is items and their labels.
PythonData: TypeAlias = "ImageData | Tensor | NDArray[Any] | tuple[Tensor | NDArray[Any], Any] | Dataset[Any]"

_ALLOWED = (
    "an ImageData, a tensor or array [N, *shape], a tuple (tensor or array, labels), or a torch Dataset; a name or "
    "path is read by infogan_fast.data.load"
)


def from_python(
    data: PythonData,
    *,
    name: str = "data",
    heldout: PythonData | None = None,
    stream: bool | None = None,
    workers: int | None = None,
) -> ImageData:
    """Make a data set of images, waveforms ``[C, L]``, vectors ``[F]`` or anything else of one shape.

    uint8 is images, which the trainer divides by 255. Floating point is taken as it is: float32 and float64 stay what
    they are, float16 and bfloat16 become float32. Tensors and arrays are not copied where no value has to be converted.

    Args:
        data: one of

            - a tensor or array: uint8 ``[N, H, W]``, ``[N, H, W, C]`` or ``[N, C, H, W]`` with C 1 or 3, or floating
              point ``[N, *shape]``;
            - a tuple of such a tensor or array and labels, integers ``[N]``, ``>= 0``;
            - a ``Dataset``, or whatever else has a length and items by index, as in ``ImageData.from_dataset``;
            - an ``ImageData``, which is returned as it is if there is no ``heldout``.
        name: of the data, in messages and in ``config.json``; an ``ImageData`` has its own.
        heldout: data of the same kinds, shape and dtype that is never trained on.
        stream: whether the items of a ``Dataset`` are read while training, instead of being held in memory; None to do
            so only where they would not fit. Tensors and arrays are in memory already.
        workers: how many processes read streamed items; 0 for none, None for one per core, at most 8.

    Raises:
        DataError: the data is something else, has another shape or dtype, or holds NaN or infinity, with the item; or
            the classes of the held-out data have other names.
    """
    streaming = Streaming(stream, workers)
    train = data if isinstance(data, ImageData) else ImageData(name, *_items_and_labels(data, name, streaming))
    if heldout is None:
        return train
    if not isinstance(heldout, ImageData):
        items, labels = _items_and_labels(heldout, f"{name}, held out", streaming)
        return dataclasses.replace(train, heldout_images=items, heldout_labels=labels, heldout_factors=None)
    if train.class_names and heldout.class_names and train.class_names != heldout.class_names:
        raise DataError(
            f"{train.name}: its classes are {_listed(train.class_names)}, those of the held-out {heldout.name} "
            f"{_listed(heldout.class_names)}; they must be the same, in the same order"
        )
    return dataclasses.replace(
        train,
        heldout_images=heldout.images,
        heldout_labels=heldout.labels,
        heldout_factors=heldout.factors if heldout.factor_names == train.factor_names else None,
        notes=(*train.notes, *heldout.notes),
    )


def _listed(class_names: Sequence[str]) -> str:
    return listing([shown(name) for name in class_names])


def _items_and_labels(data: Any, name: str, streaming: Streaming) -> tuple[Tensor | StoredImages, Tensor | None]:
    if isinstance(data, (Tensor, np.ndarray)):
        return _tensor(name, data), None
    if isinstance(data, tuple):
        if len(data) != 2 or not isinstance(data[0], (Tensor, np.ndarray)):
            kinds = ", ".join(type(part).__name__ for part in data)
            raise DataError(f"{name}: got a tuple ({kinds}), allowed: {_ALLOWED}")
        return _tensor(name, data[0]), _labels(name, data[1])
    if isinstance(data, Dataset) or (hasattr(data, "__getitem__") and not isinstance(data, (str, bytes, dict))):
        return items_of_dataset(data, name, None, streaming)
    raise DataError(f"{name}: got {type(data).__name__} {str(data)[:100]!r}, allowed: {_ALLOWED}")


def _tensor(name: str, data: Tensor | NDArray[Any]) -> Tensor:
    items = items_of_array(name, as_array(data) if isinstance(data, Tensor) else data)
    return torch.from_numpy(np.require(items, requirements=["C", "W"]))


def _labels(name: str, labels: Any) -> Tensor:
    array = as_array(labels) if isinstance(labels, Tensor) else np.asarray(labels)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(f"{name}: labels: got {array.dtype} {list(array.shape)}, allowed: integers [N], one per item")
    if len(array):
        check_labels(name, int(array.min()), int(array.max()))  # before the conversion, in which 2**63 would wrap
    return torch.from_numpy(array.astype(np.int64))
