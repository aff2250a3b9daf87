"""Opening files in a folder that may come from a stranger: regular files in real folders, and nothing else.

A symbolic link may point at a file of the user's, and a FIFO or a device may never answer: none is followed or opened.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

# Where a system lacks one of them, it is looked before it is opened and that is all.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))

_KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegularError(OSError):
    """What lies at a path is not what may be opened there; ``strerror`` says what it is and what is allowed."""

    @classmethod
    def of(cls, path: Path, mode: int, allowed: str) -> NotRegularError:
        """What ``lstat`` says of a path that has to be ``allowed``."""
        if stat.S_ISLNK(mode):
            kind = f"a symbolic link to {os.readlink(path)!r}"
        else:
            kind = next((kind for is_kind, kind in _KINDS if is_kind(mode)), "a file")
        return cls(errno.EEXIST, f"is {kind}, allowed: {allowed}", str(path))


def regular_only(path: str | Path, flags: int) -> int:
    """An ``opener`` for ``open``, which opens a regular file and waits for nothing.

    Raises:
        NotRegularError: it is something else, or a link, or is to be written and has other names (hard links).
        OSError: as ``os.open``.
    """
    path = Path(path)
    is_file(path)
    try:
        descriptor = os.open(path, flags | _FLAGS, 0o666)
    except OSError:
        is_file(path)  # which may have come in between
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise NotRegularError.of(path, status.st_mode, "a regular file")
    if status.st_nlink > 1 and flags & (os.O_WRONLY | os.O_RDWR):  # another name may be that of a file of the user's
        os.close(descriptor)
        raise NotRegularError(
            errno.EEXIST, f"is a file with {status.st_nlink} names, allowed: one that it is written to by", str(path)
        )
    return descriptor


def read_regular(path: Path, at_most: int) -> bytes:
    """The content of a regular file.

    Args:
        path: of the file.
        at_most: bytes that it may have.

    Raises:
        NotRegularError: it is something else, or a link.
        OSError: it cannot be read, or is larger.
    """
    with open(path, "rb", opener=regular_only) as file:
        size = os.fstat(file.fileno()).st_size
        content = file.read(at_most + 1) if size <= at_most else b""
    if max(size, len(content)) > at_most:
        raise OSError(errno.EFBIG, f"holds {max(size, len(content))} bytes, allowed: at most {at_most}", str(path))
    return content


def is_file(path: Path) -> bool:
    """Whether a regular file lies at a path; False where nothing does.

    Raises:
        NotRegularError: something else does, or a link.
    """
    return _is(path, stat.S_ISREG, "a regular file")


def is_folder(path: Path) -> bool:
    """Whether a folder lies at a path; False where nothing does.

    Raises:
        NotRegularError: something else does, or a link.
    """
    return _is(path, stat.S_ISDIR, "a folder")


def _is(path: Path, wanted: Callable[[int], bool], allowed: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not wanted(mode):
        raise NotRegularError.of(path, mode, allowed)
    return True
