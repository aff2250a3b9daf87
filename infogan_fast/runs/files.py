"""The files of a run folder: what they are called, whether they can be written, and what they hold."""

from __future__ import annotations

import os
from pathlib import Path

from infogan_fast.files import WriteError, remove, replaced_by, temporary_beside
from infogan_fast.regular_files import NotRegularError, is_file, is_folder, read_regular, regular_only
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.lock import LOCK_NAME, SOFT_LOCK_NAME
from infogan_fast.runs.schemas import MOST_BYTES

#: What a run writes, by folder. Nothing else in there is read, written or removed.
_FILES = {
    ".": ("config.json", "metrics.jsonl", "summary.json", "report*.html", LOCK_NAME, SOFT_LOCK_NAME),
    "checkpoints": ("step_*.safetensors",),
    "traversals": ("*.png",),
    "tensorboard": ("events.*",),
}
_MOST_PICTURE_BYTES = 64 * 2**20


def prepare(path: Path) -> None:
    """See that a run folder can be written, and remove what a run that was killed was in the middle of writing.

    Args:
        path: of the folder, which is held.

    Raises:
        RunFolderError: it cannot be written, or has something else in the place of a file or folder of a run.
    """
    try:
        for name, patterns in _FILES.items():
            folder = path / name
            if name == "." or is_folder(folder):
                for found in sorted(folder.iterdir()):
                    _prepare_file(found, patterns)
                _try_to_write(folder)
    except NotRegularError as error:
        raise RunFolderError(f"{error.filename}: {error.strerror}") from error
    except (OSError, WriteError) as error:
        raise RunFolderError(f"--out {path}: {error}") from error


def read_bytes(path: Path, at_most: int = MOST_BYTES) -> bytes:
    """The content of a file.

    Raises:
        RunFolderError: it is not a regular file, is larger than ``at_most`` bytes, or cannot be read.
    """
    try:
        return read_regular(path, at_most)
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror or error}") from error


def read_picture(path: Path) -> bytes | None:
    """The content of a picture; None if it is not there.

    Raises:
        RunFolderError: as ``read_bytes``.
    """
    return read_bytes(path, _MOST_PICTURE_BYTES) if os.path.lexists(path) else None


def _prepare_file(path: Path, patterns: tuple[str, ...]) -> None:
    """Remove a temporary file of a run, and look at another file of it."""
    replaced = replaced_by(path.name)
    if replaced is not None and any(Path(replaced).match(pattern) for pattern in patterns):
        remove(path)
    elif any(path.match(pattern) for pattern in patterns) and is_file(path) and path.name == "metrics.jsonl":
        os.close(regular_only(path, os.O_WRONLY))  # it is written to in place


def _try_to_write(folder: Path) -> None:
    """Raise what the system says where a file cannot be made in a folder."""
    path = temporary_beside(folder / "config.json")
    try:
        path.touch(exist_ok=False)
        path.unlink()
    except OSError as error:
        raise WriteError.of(path, error) from error
