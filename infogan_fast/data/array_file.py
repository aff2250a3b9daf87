"""A data set from a file of NumPy arrays, ``.npy`` or ``.npz``. Nothing is ever unpickled."""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.arrays import check_array, images_of_array
from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.memory import check_fits
from infogan_fast.data.stored_array import ArrayImages, ArrayInFile
from infogan_fast.data.streaming import Streaming

IMAGE_KEYS, LABEL_KEYS = ("images", "x", "arr_0"), ("labels", "y")

_MAGIC = {b"\x93NUMPY": ".npy", b"PK\x03\x04": ".npz", b"PK\x05\x06": ".npz"}
_DEFAULT = Streaming()
_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def array_file_kind(path: Path) -> str | None:
    """``".npy"`` or ``".npz"`` by a file's name or else its first bytes, None if it is neither."""
    if path.suffix.lower() in _MAGIC.values():
        return path.suffix.lower()
    try:
        with open(path, "rb") as file:
            start = file.read(6)
    except OSError:  # the reader of other files says it
        return None
    return next((kind for magic, kind in _MAGIC.items() if start.startswith(magic)), None)


def load_array_file(path: Path, streaming: Streaming = _DEFAULT) -> ImageData:
    """Training images of a ``.npy`` file, or of a ``.npz`` file with its labels; no held-out part.

    Images are under the first of ``IMAGE_KEYS`` that the ``.npz`` file has, labels under the first of ``LABEL_KEYS``.
    What their layouts and ranges may be: ``arrays.images_of_array``. Labels are integers ``[N]``, ``>= 0``. An archive
    cannot be read by index: only a ``.npy`` file is streamed.

    Raises:
        DataError: the file is damaged, holds something else, or would not fit into memory.
    """
    if array_file_kind(path) == ".npz":
        return _load_npz(path)
    with _errors_of(path):
        with open(path, "rb") as file:
            shape, fortran_order, dtype = _header(file, str(path))
            offset = file.tell()
        check_array(str(path), shape, dtype)
        if fortran_order:
            check_fits(path, math.prod(shape), "np.save of np.ascontiguousarray(images) makes a file to stream from")
        elif streaming.wanted(path, math.prod(shape)):
            stored = ArrayImages(ArrayInFile.at(path, offset, shape, dtype), streaming.processes)
            return ImageData(str(path), stored, notes=(stored.note,) if stored.note else ())
        images, note = images_of_array(str(path), np.load(path, mmap_mode="r", allow_pickle=False))
    return ImageData(str(path), torch.from_numpy(images), notes=(note,) if note else ())


def _load_npz(path: Path) -> ImageData:
    with _errors_of(path):
        with zipfile.ZipFile(path) as archive:
            held = [name.removesuffix(".npy") for name in archive.namelist()]
            key = next((key for key in IMAGE_KEYS if key in held), None)
            if key is None:
                raise DataError(
                    f"{path}: holds {', '.join(held) or 'nothing'}; allowed: images under the key "
                    f"{', '.join(IMAGE_KEYS[:-1])} or {IMAGE_KEYS[-1]}, and labels under {' or '.join(LABEL_KEYS)}"
                )
            what = f"{path}: {key}"
            with archive.open(f"{key}.npy") as file:
                shape, _, dtype = _header(file, what)
        check_array(what, shape, dtype)
        # An archive cannot be mapped: as stored the images are in memory too.
        needed = math.prod(shape) * (1 if dtype == np.uint8 else 1 + dtype.itemsize)
        check_fits(path, needed, "saved as a .npy file (np.save) they are streamed")
        with np.load(path, allow_pickle=False) as arrays:
            images, note = images_of_array(what, arrays[key])
            label_key = next((key for key in LABEL_KEYS if key in held), None)
            labels = None if label_key is None else _labels(f"{path}: {label_key}", arrays[label_key])
    return ImageData(str(path), torch.from_numpy(images), labels, notes=(note,) if note else ())


@contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    """Errors of reading a file as a ``DataError`` that names it."""
    try:
        yield
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (EOFError, KeyError, RuntimeError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        kind, text = array_file_kind(path), " ".join(str(error).split())
        raise DataError(f"{path}: damaged, or not {kind} data as NumPy writes them: {text}") from error


def _header(file: IO[bytes], what: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, whether it is in Fortran's order, and dtype that the header of ``.npy`` data announces."""
    version = np.lib.format.read_magic(file)
    if version not in _HEADER_READERS:  # only arrays of structures with names beyond Latin 1 have another
        raise ValueError(f"version {version} of the format")
    shape, fortran_order, dtype = _HEADER_READERS[version](file)
    if dtype.hasobject:
        raise DataError(f"{what}: holds pickled Python objects, which are never loaded; allowed: plain arrays")
    return shape, fortran_order, dtype


def _labels(what: str, labels: NDArray[Any]) -> Tensor:
    if labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise DataError(f"{what}: got {labels.dtype} {list(labels.shape)}, allowed: integers [N], one per image")
    return torch.from_numpy(labels.astype(np.int64))
