"""Data sets that have a name and are IDX files on this machine: where they are looked for. Nothing is downloaded."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from infogan_fast.data.idx_folder import has_training_images, load_idx_folder
from infogan_fast.data.images import DataError, ImageData

#: The environment variable that names a folder with a subfolder per data set.
VARIABLE = "INFOGAN_FAST_DATA"


@dataclass(frozen=True)
class _Published:
    """Where to get a data set."""

    source: str
    debian_package: str | None = None
    debian_folder: Path | None = None


PUBLISHED = {
    "mnist": _Published("https://ossci-datasets.s3.amazonaws.com/mnist"),
    "fashion-mnist": _Published(
        "https://github.com/zalandoresearch/fashion-mnist",
        "dataset-fashion-mnist",
        Path("/usr/share/datasets/fashion-mnist"),
    ),
}


def load_named(name: str) -> ImageData:
    """A data set of ``PUBLISHED``, from the first place that has it.

    The places are ``$INFOGAN_FAST_DATA/<name>``, the folder ``<name>`` of the cache (``cache_folder``), and, where
    there is one, its Debian package.

    Raises:
        DataError: no place has its training images, or the files are damaged.
    """
    published, tried = PUBLISHED[name], []
    set_to = os.environ.get(VARIABLE)
    for folder in ([Path(set_to).expanduser() / name] if set_to else []) + [cache_folder() / name]:
        if has_training_images(folder):
            return _named(name, folder)
        tried.append(str(folder))
    if not set_to:
        tried.append(f"${VARIABLE}/{name} (the variable is not set)")
    if published.debian_package:
        for folder in _folders_of_package(published):
            if has_training_images(folder):
                return _named(name, folder)
        tried.append(f"{published.debian_folder}, where Debian's package {published.debian_package} has them")
    apt = f", or apt install {published.debian_package}" if published.debian_package else ""
    here = f"; the folder in this directory is ./{name}" if Path(name).exists() else ""
    raise DataError(
        f"data {name!r}: not found in {'; '.join(tried)}. Get the four files train-images-idx3-ubyte.gz, "
        f"train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and t10k-labels-idx1-ubyte.gz from {published.source} "
        f"and put them into {cache_folder() / name}{apt}{here}"
    )


def cache_folder() -> Path:
    """The user's cache of this package, by the platform's custom; it need not exist.

    Linux: ``$XDG_CACHE_HOME/infogan-fast``, by default ``~/.cache/infogan-fast``; macOS:
    ``~/Library/Caches/infogan-fast``; Windows: ``%LOCALAPPDATA%/infogan-fast/Cache``.
    """
    if sys.platform == "win32":
        local = os.environ.get("LOCALAPPDATA")
        return (Path(local) if local else Path.home() / "AppData" / "Local") / "infogan-fast" / "Cache"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "infogan-fast"
    xdg = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(xdg) if Path(xdg).is_absolute() else Path.home() / ".cache") / "infogan-fast"


def _named(name: str, folder: Path) -> ImageData:
    data = load_idx_folder(folder)
    return dataclasses.replace(data, name=name, notes=(*data.notes, f"{name}: read from {folder}"))


def _folders_of_package(published: _Published) -> Iterator[Path]:
    """Where Debian's package has its files: the folder that is known, then what dpkg says, as a later one may move."""
    if published.debian_folder:
        yield published.debian_folder
    dpkg = shutil.which("dpkg")
    if dpkg and published.debian_package:
        command = [dpkg, "-L", published.debian_package]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        yield from sorted({Path(line).parent for line in listed if "-ubyte" in line})
