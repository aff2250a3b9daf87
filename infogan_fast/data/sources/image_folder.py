"""A data set from a folder of image files."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.errors import DataError, reading
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import Streaming
from infogan_fast.data.sources.heldout import HELDOUT_FRACTION, held_out, two_parts
from infogan_fast.data.sources.image_files import (
    FileImages,
    Outcome,
    channels_and_sha256,
    outcomes_by_workers,
    pillow_settings,
    read_or_reason,
)
from infogan_fast.data.stored import StoredImages
from infogan_fast.text import listing, shown

#: Side of the images where none is asked for.
DEFAULT_SIDE = 32

_AT_ONCE = 256  # files handed to the threads together, so that what they return does not pile up


def load_image_folder(
    folder: Path,
    image_size: int | None,
    channels: int | None,
    strict: bool,
    streaming: Streaming,
    heldout_fraction: float = HELDOUT_FRACTION,
) -> ImageData:
    """Load every image file under a folder as a square, in the order of their names.

    Subfolders are the classes if there are two or more and every image lies directly in one of them; otherwise there
    are no labels. Where there are labels, a fraction of each class is held out (``heldout.held_out``).

    Hidden files and folders are left out. Files that are no readable images, and folders that cannot be read, are
    skipped and named in the notes. Links to folders are followed as in ``walk``.

    Args:
        folder: searched with all that is below it.
        image_size: side of the images; None for ``DEFAULT_SIDE``. The short side is resized to it, the centre cropped.
        channels: 1 for grey, 3 for RGB, None for grey if no image has colour and else RGB.
        strict: whether a file or folder that cannot be read is an error.
        streaming: whether images are held in memory, or read once now and then when they are needed.
        heldout_fraction: of the images of each class, ``0 <= heldout_fraction < 1``; 0 holds none out.

    Raises:
        DataError: there is no readable image; with ``strict``, a file is none; the images would not fit into memory
            where streaming is forbidden.
        ModuleNotFoundError: Pillow is not installed.
    """
    side, walked = image_size or DEFAULT_SIDE, _walked(folder, strict)
    files = _Files(folder, [Path(name) for name in walked.files], strict, heldout_fraction)
    count = len(files.names)
    held: Tensor | None = None
    if streaming.wanted(folder, count * (channels or 3) * side * side):
        with closing(outcomes_by_workers(folder, files.names, side, channels, streaming.processes)) as outcomes:
            found, sha256, sha256_of_expected = channels_and_sha256(files.readable(outcomes), channels)
    else:
        paths = [folder / name for name in files.names]
        held = _gathered(files.readable(_squares(paths, side, channels)), count, side, channels)
    unreadable = [f"{shown(path)} ({reason})" for path, reason in walked.unreadable]
    if not files.read:
        raise DataError(
            f"{folder}: holds no image: {listing([*unreadable, *files.skipped]) or 'it has no files'}; allowed: PNG, "
            "JPEG, WebP, GIF, BMP, TIFF, PPM and TGA files, or IDX files (train-images-idx3-ubyte, plain or .gz, and "
            "the like)"
        )
    read = [files.names[row] for row in files.read]
    labels, classes = _labels(read)
    chosen = held_out(read, heldout_fraction) if classes else np.zeros(len(read), dtype=np.bool_)
    images: Tensor | StoredImages
    heldout: Tensor | StoredImages | None = None
    if held is None:
        known: str | None = sha256
        if chosen.any():
            known = sha256_of_expected if np.array_equal(chosen, files.expected[files.read]) else None
            heldout = FileImages(folder, _those(read, chosen), side, found, channels, streaming.processes)
        images = FileImages(folder, _those(read, ~chosen), side, found, channels, streaming.processes, known)
    else:
        images, heldout = two_parts(held, chosen) if chosen.any() else (held, None)

    notes = [f"skipped {len(files.skipped)} of {count} files: {listing(files.skipped)}"] if files.skipped else []
    if unreadable:
        notes.append(f"skipped {len(unreadable)} folders that cannot be read: {listing(unreadable)}")
    if image_size is None:
        notes.append(f"image_size: {side}, chosen for a folder of images; --set image_size=64 is another")
    if labels is None:
        return ImageData(str(folder), images, notes=tuple(notes))
    notes.append(f"labels: {len(classes)} classes, the subfolders {listing([shown(name) for name in classes])}")
    if heldout is not None:
        notes.append(
            f"held out: {len(heldout)} of {len(read)} images, {heldout_fraction:g} of each class; "
            "--set heldout_fraction=0 trains on all"
        )
    is_chosen = torch.from_numpy(chosen)
    return ImageData(
        str(folder),
        images,
        labels[~is_chosen],
        heldout,
        None if heldout is None else labels[is_chosen],
        class_names=tuple(classes),
        notes=tuple(notes),
    )


class _Files:
    """The files of a folder, and which of them are images, known once all have been read.

    Args:
        folder: the folder.
        names: paths in it.
        strict: whether a file that cannot be read is an error.
        heldout_fraction: of the images of each class.
    """

    def __init__(self, folder: Path, names: list[Path], strict: bool, heldout_fraction: float) -> None:
        self._folder, self._strict = folder, strict
        self.names = names
        self.expected = held_out(names, heldout_fraction)
        """Which of the names are held out if they are classes and all can be read: ``[N]``."""
        self.read: list[int] = []
        """Which of the names are readable images."""
        self.skipped: list[str] = []
        """The other names, each with the reason, as text."""

    def readable(self, outcomes: Iterable[Outcome]) -> Iterator[tuple[NDArray[np.uint8], bool]]:
        """Yield the images among the outcomes, and whether each is expected to be trained on."""
        for row, (name, pixels) in enumerate(zip(self.names, outcomes, strict=True)):
            if not isinstance(pixels, str):
                self.read.append(row)
                yield pixels, not self.expected[row]
            elif self._strict:
                raise DataError(f"{self._folder}/{shown(name)}: {pixels}; without --strict such files are skipped")
            else:
                self.skipped.append(f"{shown(name)} ({pixels})")


def _those(names: list[Path], chosen: NDArray[np.bool_]) -> list[Path]:
    return [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen]


def _walked(folder: Path, strict: bool) -> Walk:
    """``walk``, or a ``DataError`` if the folder cannot be read, or, with ``strict``, a folder in it cannot."""
    with reading(folder):
        found = walk(folder)
    if strict and found.unreadable:
        path, reason = found.unreadable[0]
        raise DataError(f"{folder}/{shown(path)}: {reason}; without --strict such folders are skipped")
    return found


def _gathered(pixels: Iterable[tuple[NDArray[np.uint8], bool]], most: int, side: int, channels: int | None) -> Tensor:
    """Images ``[C, side, side]`` as one tensor: grey if ``channels`` is None and none of them has colour."""
    images = np.empty((most, channels or 3, side, side), dtype=np.uint8)
    count, has_colour = 0, False
    for image, _ in pixels:
        has_colour |= len(image) == 3
        images[count] = image
        count += 1
    images = images[:count]
    return torch.from_numpy(images[:, :1].copy() if channels is None and not has_colour else images)


def _squares(files: Sequence[Path], side: int, channels: int | None) -> Iterator[Outcome]:
    """The outcome of each file, in order; as many threads decode them as torch has."""
    with pillow_settings(), ThreadPoolExecutor(torch.get_num_threads()) as pool:
        for first in range(0, len(files), _AT_ONCE):
            yield from pool.map(partial(read_or_reason, side=side, channels=channels), files[first : first + _AT_ONCE])


def _labels(files: Sequence[Path]) -> tuple[Tensor | None, list[str]]:
    """Labels int64 ``[N]`` and the names of the classes, which are the subfolders; None where they are no classes.

    One subfolder is no class: it is how archives are unpacked, and an accuracy of 100 % would say nothing.
    """
    classes = sorted({file.parts[0] for file in files})
    if len(classes) < 2 or any(len(file.parts) != 2 for file in files):
        return None, []
    numbers = {name: number for number, name in enumerate(classes)}
    return torch.tensor([numbers[file.parts[0]] for file in files], dtype=torch.int64), classes


@dataclass(frozen=True)
class Walk:
    """The files that a walk through a folder found."""

    files: list[str] = field(default_factory=list)
    """Regular files and links to them, as paths in the folder, sorted by the parts of their paths."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Folders that cannot be read, in the same order, each with the system's reason."""


def walk(folder: Path) -> Walk:
    """Find every file in a folder and below it that is not hidden.

    Links to folders are followed, but each real folder is gone through once, under the first of its names in that
    order: folders that are linked to each other would otherwise have more paths than anyone can list. Whatever is
    neither folder nor regular file, and links to nothing, are left out. The depth of the folders has no limit but the
    system's on the length of a path, beyond which they are unreadable.

    Raises:
        OSError: the folder itself cannot be read.
    """
    found = Walk()
    seen = {_identity(folder)}
    waiting = [iter(_entries(folder))]
    before = len(os.path.join(folder, ""))
    while waiting:
        entry = next(waiting[-1], None)
        if entry is None:
            waiting.pop()
            continue
        path = entry.path[before:]
        try:
            if entry.is_dir():
                identity = _identity(entry)
                if identity not in seen:
                    waiting.append(iter(_entries(entry)))
                    seen.add(identity)
            elif entry.is_file():
                found.files.append(path)
        except OSError as error:
            if error.errno != errno.ELOOP:  # a link to itself, to nothing that is
                found.unreadable.append((path, error.strerror or str(error)))
    return found


def _entries(folder: str | os.PathLike[str]) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        shown = [entry for entry in entries if not entry.name.startswith(".")]
    return sorted(shown, key=lambda entry: os.path.normcase(entry.name))


def _identity(folder: str | os.PathLike[str]) -> tuple[int, int]:
    status = os.stat(folder)  # not that of a DirEntry, which on Windows does not say
    return status.st_dev, status.st_ino
