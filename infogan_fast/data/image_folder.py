"""A data set from a folder of image files, in the formats that Pillow reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.memory import check_fits

#: Side of the images where none is asked for.
DEFAULT_SIDE = 32

_AT_ONCE = 256  # files handed to the threads together, so that what they return does not pile up
_MOST_NAMED = 10


def load_image_folder(
    folder: Path, image_size: int | None = None, channels: int | None = None, strict: bool = False
) -> ImageData:
    """Every image file under a folder, in the order of their names, as squares; no held-out part.

    Subfolders are the classes if there are two or more and every image lies directly in one of them; otherwise there
    are no labels. Hidden files and folders are left out. Files that are no readable images are skipped and named in the
    notes.

    Args:
        folder: it is searched with all that is below it.
        image_size: side of the images; None for ``DEFAULT_SIDE``. The short side is resized to it, the centre cropped.
        channels: 1 for grey, 3 for RGB, None for grey if no image has colour and else RGB.
        strict: whether a file that cannot be read is an error.

    Raises:
        DataError: there is no readable image; with ``strict``, a file is none; the images would not fit into memory.
        ModuleNotFoundError: Pillow is not installed.
    """
    side, files = image_size or DEFAULT_SIDE, list(_files_under(folder))
    check_fits(folder, len(files) * (channels or 3) * side * side)
    images = np.empty((len(files), channels or 3, side, side), dtype=np.uint8)
    read: list[Path] = []
    skipped: list[str] = []
    has_colour = False
    for file, pixels in zip(files, _squares(files, side, channels), strict=True):
        if isinstance(pixels, str):
            if strict:
                raise DataError(f"{file}: {pixels}; without --strict such files are skipped")
            skipped.append(f"{file.relative_to(folder)} ({pixels})")
            continue
        has_colour |= len(pixels) == 3
        images[len(read)] = pixels
        read.append(file.relative_to(folder))
    if not read:
        raise DataError(
            f"{folder}: holds no image: {_listing(skipped) or 'it has no files'}; allowed: files that Pillow reads, "
            "such as PNG and JPEG, or IDX files (train-images-idx3-ubyte, plain or .gz, and the like)"
        )
    images = images[: len(read)]
    if channels is None and not has_colour:
        images = images[:, :1].copy()
    labels, classes = _labels(read)
    notes = [f"skipped {len(skipped)} of {len(files)} files: {_listing(skipped)}"] if skipped else []
    if image_size is None:
        notes.append(f"image_size: {side}, chosen for a folder of images; --set image_size=64 is another")
    if classes:
        notes.append(f"labels: {len(classes)} classes, the subfolders {_listing(classes)}")
    return ImageData(str(folder), torch.from_numpy(images), labels, notes=tuple(notes))


def _files_under(folder: Path, above: tuple[Path, ...] = ()) -> Iterator[Path]:
    """Files that are not hidden, sorted by the parts of their paths; links to folders are followed."""
    above = (*above, folder.resolve())
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            if entry.resolve() not in above:  # a link to a folder that it lies in
                yield from _files_under(entry, above)
        elif entry.is_file():
            yield entry


def _squares(files: Sequence[Path], side: int, channels: int | None) -> Iterator[NDArray[np.uint8] | str]:
    """Of each file its image ``[C, side, side]``, or why there is none; decoded by as many threads as torch has."""
    from PIL import Image, UnidentifiedImageError

    from infogan_fast.data.pillow import read_square

    def read(file: Path) -> NDArray[np.uint8] | str:
        try:
            return read_square(file, side, channels)
        except UnidentifiedImageError:
            return "not an image that Pillow reads"
        except (Image.DecompressionBombWarning, Image.DecompressionBombError):
            return f"more than {Image.MAX_IMAGE_PIXELS} pixels, perhaps a decompression bomb"
        except Exception as error:  # Pillow's decoders raise nearly anything at damaged files
            text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            return " ".join(text.split()) or type(error).__name__

    with warnings.catch_warnings(), ThreadPoolExecutor(torch.get_num_threads()) as pool:
        warnings.filterwarnings("ignore", module=r"PIL\.")  # remarks about odd metadata
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        for first in range(0, len(files), _AT_ONCE):
            yield from pool.map(read, files[first : first + _AT_ONCE])


def _labels(files: Sequence[Path]) -> tuple[Tensor | None, list[str]]:
    """Labels int64 ``[N]`` and the classes' names, by the subfolders in relative paths; None where they are no classes.

    One subfolder is no class: it is how archives are unpacked, and an accuracy of 100 % would say nothing.
    """
    classes = sorted({file.parts[0] for file in files})
    if len(classes) < 2 or any(len(file.parts) != 2 for file in files):
        return None, []
    return torch.tensor([classes.index(file.parts[0]) for file in files], dtype=torch.int64), classes


def _listing(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
