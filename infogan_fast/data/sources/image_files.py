"""Image files as squares: read one by one, by worker processes, or when they are needed."""

from __future__ import annotations

import hashlib
import logging
import os
import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError
from infogan_fast.data.stored import StoredImages, in_chunks
from infogan_fast.data.workers import read_ahead
from infogan_fast.text import shown

#: The outcome of reading a file: uint8 ``[C, side, side]``, or the reason why there is no image.
Outcome: TypeAlias = "NDArray[np.uint8] | str"

_FILES_AT_ONCE = 32
_MOST_TEXT = 4 * 2**20  # characters, of up to four bytes


def read_or_reason(file: Path, side: int, channels: int | None) -> Outcome:
    """Read one file as a square (``pillow.read_square``), or say why it cannot be; inside ``pillow_settings``.

    Raises:
        DataError: the machine does not have the memory that decoding it takes.
    """
    from PIL import Image, UnidentifiedImageError

    from infogan_fast.data.decoding.pillow import format_not_read, read_square

    try:
        return read_square(file, side, channels)
    except DataError:
        raise
    except UnidentifiedImageError:
        found = format_not_read(file)
        return f"{found}, a format that is not read" if found else "not an image of a format that is read"
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        return f"more than {Image.MAX_IMAGE_PIXELS} pixels, perhaps a decompression bomb"
    except MemoryError:
        return "not enough memory"
    except Exception as error:  # Pillow's decoders raise nearly anything at damaged files
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return shown(" ".join(text.split()) or type(error).__name__)


@contextmanager
def pillow_settings() -> Iterator[None]:
    """In the block, Pillow is quiet about odd files, and too many pixels or too much text in a file are errors.

    The pixels are ``PIL.Image.MAX_IMAGE_PIXELS``, the text is ``_MOST_TEXT`` characters in a PNG file.
    """
    from PIL import Image, PngImagePlugin

    log = logging.getLogger("PIL")
    before, level = PngImagePlugin.MAX_TEXT_MEMORY, log.level
    PngImagePlugin.MAX_TEXT_MEMORY = min(before, _MOST_TEXT)
    log.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    finally:
        PngImagePlugin.MAX_TEXT_MEMORY = before
        log.setLevel(level)


def outcomes_by_workers(
    folder: Path, files: Sequence[Path], side: int, channels: int | None, workers: int
) -> Generator[Outcome, None, None]:
    """The outcome of each of a folder's files, in order; worker processes read them."""
    read = partial(_outcomes, folder, Names(files), side, channels)
    parts = read_ahead(read, in_chunks(len(files), _FILES_AT_ONCE), workers, str(folder))
    with closing(parts):
        for part in parts:
            yield from part


def channels_and_sha256(pixels: Iterable[tuple[NDArray[np.uint8], bool]], channels: int | None) -> tuple[int, str, str]:
    """How many channels a set of images gets, the hash of all its bytes, and that of a part of the images.

    Args:
        pixels: the images in order, ``[C, side, side]``, each grey or RGB, and whether each is in the part.
        channels: the number that was asked for; None where all are to be grey if none of them has colour.
    """
    of_all, of_part, has_colour = _Sha256(channels), _Sha256(channels), False
    for image, in_part in pixels:
        has_colour |= len(image) == 3
        for sha256 in (of_all, of_part) if in_part else (of_all,):
            sha256.update(image, has_colour)
    found = channels or (3 if has_colour else 1)
    return found, of_all.hexdigest(has_colour), of_part.hexdigest(has_colour)


class _Sha256:
    """The hash of images of which it is not known yet whether all are grey."""

    def __init__(self, channels: int | None) -> None:
        self._as_grey, self._as_they_are, self._channels = hashlib.sha256(), hashlib.sha256(), channels

    def update(self, image: NDArray[np.uint8], has_colour: bool) -> None:
        """Add an image; ``has_colour`` says whether it or one before it has colour."""
        if self._channels is None and not has_colour:
            self._as_grey.update(np.ascontiguousarray(image).data)
        self._as_they_are.update(np.ascontiguousarray(_with_channels(image, self._channels or 3)).data)

    def hexdigest(self, has_colour: bool) -> str:
        """Give the hash where one of all images has colour, or none."""
        as_grey = self._channels is None and not has_colour
        return (self._as_grey if as_grey else self._as_they_are).hexdigest()


class FileImages(StoredImages):
    """Image files under a folder, read as squares when they are needed.

    Args:
        folder: the folder.
        files: paths in it, of readable images.
        side: height and width of the images.
        shape_channels: the number of channels that they all get.
        channels: the number that was asked for; None for grey or RGB by content.
        workers: how many processes read them.
        sha256: the hash of the images in order, where it is known.
    """

    def __init__(
        self,
        folder: Path,
        files: Sequence[Path],
        side: int,
        shape_channels: int,
        channels: int | None,
        workers: int,
        sha256: str | None = None,
    ) -> None:
        super().__init__(str(folder), (len(files), shape_channels, side, side), workers, sha256)
        self._folder, self._names, self._channels = folder, Names(files), channels

    def read(self, indices: Sequence[int]) -> Tensor:
        """Read some images; a ``DataError`` says that a file is gone, or has been replaced by something else."""
        _, channels, height, width = self.shape
        result = np.empty((len(indices), channels, height, width), dtype=np.uint8)
        outcomes = _outcomes(self._folder, self._names, width, self._channels, indices)
        for target, outcome, index in zip(result, outcomes, indices, strict=True):
            if not isinstance(outcome, str) and len(outcome) > channels:
                outcome = "it has colour"
            if isinstance(outcome, str):
                raise DataError(
                    f"{self._folder}/{shown(self._names[index])}: {outcome}; it was not so at the start of the run"
                )
            target[:] = _with_channels(outcome, channels)
        return torch.from_numpy(result)


class Names:
    """Paths as one array of bytes, which forked worker processes share, unlike as many Python objects."""

    def __init__(self, files: Sequence[Path]) -> None:
        names = [os.fsencode(file) for file in files]
        self._ends = np.cumsum([len(name) for name in names], dtype=np.int64)
        self._bytes = np.frombuffer(b"".join(names), dtype=np.uint8)

    def __getitem__(self, index: int) -> str:
        first = self._ends[index - 1] if index else 0
        return os.fsdecode(self._bytes[first : self._ends[index]].tobytes())


def _outcomes(folder: Path, names: Names, side: int, channels: int | None, indices: Sequence[int]) -> list[Outcome]:
    with pillow_settings():
        return [read_or_reason(folder / names[index], side, channels) for index in indices]


def _with_channels(pixels: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    """An image with that many channels, grey repeated for RGB."""
    return np.broadcast_to(pixels, (channels, *pixels.shape[1:]))
