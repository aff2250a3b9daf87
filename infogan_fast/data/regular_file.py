"""Regular files, opened so that nothing else at their path can do harm."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path, *, buffered: bool = True) -> BinaryIO:
    """A regular file, or a link to one, open for reading.

    What is at the path is looked at first, as opening a device may have effects, and once more when it is open: a FIFO
    that has taken its place since neither hangs nor is read.

    Raises:
        OSError: it cannot be opened, or is no regular file, which ``strerror`` says.
    """
    return open(path, "rb", -1 if buffered else 0, opener=_descriptor)


def read_into(file: BinaryIO, view: memoryview) -> int:
    """Fill bytes from a file of ``open_regular``, or from one that unpacks another; how many there were."""
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]  # typing's files lack it
        if not count:
            break
        done += count
    return done


def kind_of(mode: int) -> str | None:
    """What a path is, by ``st_mode``, in words; None for a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "no file")


def _descriptor(path: str, flags: int) -> int:
    _check(path, os.stat(path).st_mode)
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0))
    try:
        _check(path, os.fstat(descriptor).st_mode)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _check(path: str, mode: int) -> None:
    kind = kind_of(mode)
    if kind is not None:
        raise OSError(errno.EINVAL, f"{kind}, not a regular file", path)
