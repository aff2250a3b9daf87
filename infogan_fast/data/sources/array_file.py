"""A data set from a file of NumPy arrays, ``.npy`` or ``.npz``. Nothing is ever unpickled."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data.arrays import check_array
from infogan_fast.data.errors import DataError, reading
from infogan_fast.data.images import ImageData, check_labels
from infogan_fast.data.memory import Streaming, check_fits
from infogan_fast.data.sources.array_images import ArrayImages, ArrayInFile, read_images, read_values
from infogan_fast.data.sources.npy import ArrayHeader, Members, read_header
from infogan_fast.regular_files import open_regular
from infogan_fast.text import listing, shown

IMAGE_KEYS, LABEL_KEYS = ("images", "x", "arr_0"), ("labels", "y")

_MAGIC = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz", b"PK\x05\x06": ".npz"}


def array_file_kind(path: Path) -> str | None:
    """``".npy"`` or ``".npz"`` by a file's name or else its first bytes, None if it is neither."""
    if path.suffix.lower() in _MAGIC.values():
        return path.suffix.lower()
    try:
        with open_regular(path) as file:
            start = file.read(6)
    except OSError:  # the reader of other files tells the user
        return None
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def load_array_file(path: Path, streaming: Streaming) -> ImageData:
    """Load the training images of a ``.npy`` file, or those of a ``.npz`` file with their labels.

    Images are under the first of ``IMAGE_KEYS`` that the ``.npz`` file has, labels under the first of ``LABEL_KEYS``.
    Layouts and ranges are those of ``array_images.read_images``. Labels are integers ``[N]``, ``>= 0``. An archive
    cannot be read by index: only a ``.npy`` file is streamed. What the headers announce is compared with the file and
    with the free memory before anything is made of it.

    Raises:
        DataError: the file is damaged, holds something else, or would not fit into memory.
    """
    with _errors_of(path):
        return _load_npz(path) if array_file_kind(path) == ".npz" else _load_npy(path, streaming)


def _load_npy(path: Path, streaming: Streaming) -> ImageData:
    with open_regular(path) as file:
        header = read_header(file, str(path))
        offset, size = file.tell(), file.seek(0, 2)
    check_array(str(path), header.shape, header.dtype)
    if streaming.stream and not header.fortran_order:
        return _stored(ArrayInFile.at(path, offset, header.shape, header.dtype), streaming)
    if size < offset + header.nbytes:
        raise ValueError(f"truncated: expected {offset + header.nbytes} bytes, got {size}")
    if header.fortran_order:
        check_fits(path, header.count, "np.save of np.ascontiguousarray(images) makes a file to stream from")
    elif streaming.wanted(path, header.count):
        return _stored(ArrayInFile.at(path, offset, header.shape, header.dtype), streaming)
    images, note = read_images(str(path), header, partial(_open_at, path, offset))
    return ImageData(str(path), torch.from_numpy(images), notes=(note,) if note else ())


def _stored(array: ArrayInFile, streaming: Streaming) -> ImageData:
    images = ArrayImages(array, streaming.processes)
    return ImageData(str(array.path), images, notes=(images.note,) if images.note else ())


@contextmanager
def _open_at(path: Path, offset: int) -> Iterator[BinaryIO]:
    with open_regular(path, buffered=False) as file:
        file.seek(offset)
        yield file


def _load_npz(path: Path) -> ImageData:
    with open_regular(path) as file:
        members = Members(file)
        key = next((key for key in IMAGE_KEYS if key in members.keys), None)
        if key is None:
            held = listing([shown(key) for key in members.keys]) or "nothing"
            raise DataError(
                f"{path}: holds {held}; allowed: images under the key "
                f"{', '.join(IMAGE_KEYS[:-1])} or {IMAGE_KEYS[-1]}, and labels under {' or '.join(LABEL_KEYS)}"
            )
        what, header = f"{path}: {key}", members.header(key, f"{path}: {key}")
        check_array(what, header.shape, header.dtype)
        needed = header.count
        label_key = next((key for key in LABEL_KEYS if key in members.keys), None)
        if label_key is not None:
            label_header = members.header(label_key, f"{path}: {label_key}")
            _check_labels(f"{path}: {label_key}", label_header, header.shape[0])
            needed += label_header.nbytes + 8 * label_header.count
        check_fits(path, needed, "saved as a .npy file (np.save) they are streamed")
        images, note = read_images(what, header, partial(members.open_values, key))
        labels: Tensor | None = None
        if label_key is not None:
            with members.open_values(label_key) as values:
                stored = read_values(values, label_header.shape, label_header.dtype)
            check_labels(f"{path}: {label_key}", int(stored.min()), int(stored.max()))  # 2**63 would wrap below
            labels = torch.from_numpy(stored.astype(np.int64))
    return ImageData(str(path), torch.from_numpy(images), labels, notes=(note,) if note else ())


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Raise an error of reading the file in the block as a ``DataError`` that names it."""
    try:
        with reading(path):
            yield
    except DataError:
        raise
    except (EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        kind, text = array_file_kind(path) or ".npy", " ".join(str(error).split())
        raise DataError(f"{path}: damaged, or not {kind} data as NumPy writes them: {text}") from error


def _check_labels(what: str, header: ArrayHeader, images: int) -> None:
    """Raise a ``DataError`` unless labels that are not yet read can be those of the images."""
    if len(header.shape) != 1 or header.dtype.kind not in "iu":
        got = f"{header.dtype} {list(header.shape)}"
        raise DataError(f"{what}: got {got}, allowed: integers [N], one per image")
    if header.count != images:
        raise DataError(f"{what}: {images} images but {header.count} labels")
