"""The files of a folder and of all that is below it."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Walk:
    """What a walk through a folder found."""

    files: list[str] = field(default_factory=list)
    """Regular files and links to them, as paths in the folder, sorted by the parts of their paths."""
    unreadable: list[tuple[str, str]] = field(default_factory=list)
    """Folders that cannot be read, in the same order, and what the system says of them."""


def walk(folder: Path) -> Walk:
    """Every file that is not hidden.

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
