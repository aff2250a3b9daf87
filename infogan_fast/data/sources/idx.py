"""IDX files, the format MNIST is published in, plain or gzip: single files, and folders under MNIST's names.

A file is a big-endian header (two zero bytes, a type code, the number of dimensions, then each dimension as 32 bits)
followed by the values. Unsigned bytes, type code 0x08, are the only type that image sets use and the only one read.
"""

from __future__ import annotations

import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError, reading
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import Streaming, check_fits
from infogan_fast.data.sources.array_images import ArrayImages, ArrayInFile
from infogan_fast.data.sources.gzip_stream import GZIP_MAGIC, MOST_EXPANSION, GzipStream
from infogan_fast.data.stored import StoredImages
from infogan_fast.regular_files import open_regular, read_into
from infogan_fast.text import shown

_UNSIGNED_BYTE = 0x08

# The names that MNIST, Fashion-MNIST and KMNIST are published under; some copies have a dot before "idx".
_IMAGES = "{part}-images-idx3-ubyte"
_LABELS = "{part}-labels-idx1-ubyte"


def has_idx_names(folder: Path) -> bool:
    """Whether a folder holds a file of one of the four names, so that it is meant as IDX files."""
    parts, kinds = ("train", "t10k"), (_IMAGES, _LABELS)
    return any(_find(folder, kind.format(part=part)) is not None for part in parts for kind in kinds)


def has_training_images(folder: Path) -> bool:
    """Whether a folder exists and holds the file of training images."""
    return _find(folder, _IMAGES.format(part="train")) is not None


def load_idx_folder(folder: Path, streaming: Streaming) -> ImageData:
    """Load the training images of a folder, with labels and the held-out part ``t10k`` where they are present.

    Raises:
        DataError: there are no training images, labels lack their images, or a file is damaged.
    """
    images = _find(folder, _IMAGES.format(part="train"))
    if images is None:
        looked_for = _IMAGES.format(part="train")
        with reading(folder):
            present = sorted(os.listdir(folder))
        listed = ", ".join(map(shown, present[:8])) + (", ..." if len(present) > 8 else "")
        raise DataError(
            f"{folder}: no IDX training images: looked for {looked_for} and {looked_for}.gz "
            f"(and, optional, {_LABELS.format(part='train')}, {_IMAGES.format(part='t10k')}, "
            f"{_LABELS.format(part='t10k')}); the folder holds {listed or 'nothing'}"
        )
    heldout_images = _find(folder, _IMAGES.format(part="t10k"))
    heldout_labels = _find(folder, _LABELS.format(part="t10k"))
    if heldout_labels is not None and heldout_images is None:
        raise DataError(
            f"{heldout_labels}: there are no held-out images to these labels: {_IMAGES.format(part='t10k')}"
        )
    train = _load_part(images, _find(folder, _LABELS.format(part="train")), streaming)
    heldout = _load_part(heldout_images, heldout_labels, streaming) if heldout_images is not None else (None, None)
    return ImageData(str(folder), *train, *heldout)


def load_idx_file(path: Path, streaming: Streaming) -> ImageData:
    """Load the training images of one file, with the labels that lie beside it under the matching name."""
    name = path.name.removesuffix(".gz")
    labels = _find(path.parent, name.replace("images", "labels").replace("idx3", "idx1")) if "images" in name else None
    return ImageData(str(path), *_load_part(path, labels, streaming))


def read_idx(path: Path, dimensions: int, *, labels_of: tuple[object, int] | None = None) -> NDArray[np.uint8]:
    """Read the array held by an IDX file of unsigned bytes.

    The header is read first and compared with the file and the free memory. Gzip data are unpacked as far as it says.

    Args:
        path: the file; gzip is told by its content, not by its name.
        dimensions: how many the array must have: 3 for images ``[N, H, W]``, 1 for labels ``[N]``.
        labels_of: for labels, the file of their images and how many these are, which N must be; None for any number.

    Raises:
        DataError: the file cannot be read, its gzip data are damaged, its magic number is another one, it holds fewer
            or more bytes than its header announces, or no value, or not one per image, or it would not fit into
            memory. The message names the file, what was found and what was expected.
    """
    with _opened(path) as (file, size, packed):
        content = GzipStream(file) if packed else _Plain(file)
        start = bytearray(4 + 4 * dimensions)
        del start[content.read_into(memoryview(start)) :]
        offset, shape = _checked_header(path, dimensions, bytes(start))
        total = offset + math.prod(shape)
        if packed and total > size * MOST_EXPANSION:
            raise _wrong_length(
                path, shape, total, "truncated", f"at most {size * MOST_EXPANSION} from {size} of gzip data"
            )
        if not packed:
            _check_length(path, shape, total, size)
        if labels_of is not None and shape[0] != labels_of[1]:
            raise DataError(f"{path}: {shape[0]} labels, but {labels_of[0]} holds {labels_of[1]} images")
        if 0 in shape:
            raise DataError(f"{path}: holds no {_kind(dimensions)}: {_sizes(shape)}")
        check_fits(path, total, "a plain file, which gunzip makes, is streamed" if packed else "")
        array = np.empty(shape, dtype=np.uint8)
        got = offset + content.read_into(array.reshape(-1).data)
        if got < total:
            raise _wrong_length(path, shape, total, "truncated", str(got))
        if content.read(1):
            raise _wrong_length(path, shape, total, "has trailing bytes", "more")
        return array


def _load_part(
    images_path: Path, labels_path: Path | None, streaming: Streaming
) -> tuple[Tensor | StoredImages, Tensor | None]:
    """Images uint8 ``[N, 1, H, W]`` and labels int64 ``[N]``."""
    found = _find_array(images_path)
    images: Tensor | StoredImages
    if found is not None and streaming.wanted(images_path, found.offset + math.prod(found.shape)):
        images = ArrayImages(found, streaming.processes)
    else:
        images = torch.from_numpy(read_idx(images_path, dimensions=3))[:, None]
    if labels_path is None:
        return images, None
    check_fits(labels_path, 9 * len(images))
    labels = read_idx(labels_path, dimensions=1, labels_of=(images_path, len(images)))
    return images, torch.from_numpy(labels.astype("int64"))


def _find_array(path: Path) -> ArrayInFile | None:
    """Where a plain file holds its images; None for gzip data, which cannot be read by index, and for no values."""
    with _opened(path) as (file, size, packed):
        if packed:
            return None
        offset, shape = _checked_header(path, 3, file.read(16))
        _check_length(path, shape, offset + math.prod(shape), size)
        return None if 0 in shape else ArrayInFile.at(path, offset, shape, np.dtype(np.uint8))


def _find(folder: Path, name: str) -> Path | None:
    for candidate in (name, name.replace("-idx", ".idx")):
        for suffix in ("", ".gz"):
            if os.path.isfile(folder / (candidate + suffix)):  # unlike Path's, it never raises
                return folder / (candidate + suffix)
    return None


class _Plain:
    """A plain file with the methods of ``GzipStream``."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, count: int) -> bytes:
        return self._file.read(count)

    def read_into(self, view: memoryview) -> int:
        return read_into(self._file, view)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int, bool]]:
    """A file at its start, its size in bytes and whether it is gzip data; errors of reading it as ``DataError``."""
    try:
        with reading(path), open_regular(path) as file:
            start = file.read(2)
            packed = start == GZIP_MAGIC
            if not packed and path.suffix == ".gz":
                raise DataError(
                    f"{path}: named .gz but is not gzip data (it starts with 0x{start.hex()}, not 0x{GZIP_MAGIC.hex()})"
                )
            file.seek(0)
            yield file, os.fstat(file.fileno()).st_size, packed
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path}: its gzip data are damaged: {error}") from error


def _checked_header(path: Path, dimensions: int, start: bytes) -> tuple[int, tuple[int, ...]]:
    """How many bytes come before the values, and the shape, of a file that begins with ``start``."""
    header = 4 + 4 * dimensions
    expected = struct.pack(">HBB", 0, _UNSIGNED_BYTE, dimensions)
    if start[:4] != expected:
        found = f"0x{start[:4].hex()}" if start else "an empty file"
        raise DataError(
            f"{path}: not an IDX file of {_kind(dimensions)}: magic number expected 0x{expected.hex()} "
            f"(unsigned bytes, {dimensions} dimension{'s' if dimensions > 1 else ''}), got {found}"
        )
    if len(start) < header:
        raise DataError(f"{path}: truncated in its header: expected {header} bytes, got {len(start)}")
    return header, struct.unpack(f">{dimensions}I", start[4:header])


def _check_length(path: Path, shape: tuple[int, ...], total: int, size: int) -> None:
    if total != size:
        raise _wrong_length(path, shape, total, "truncated" if size < total else "has trailing bytes", str(size))


def _wrong_length(path: Path, shape: tuple[int, ...], total: int, problem: str, got: str) -> DataError:
    return DataError(
        f"{path}: {problem}: its header announces {_sizes(shape)} values, so expected {total} bytes, got {got}"
    )


def _kind(dimensions: int) -> str:
    return "images" if dimensions == 3 else "labels"


def _sizes(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape))
