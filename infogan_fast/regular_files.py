"""Opening files that may come from a stranger: regular files, and nothing else.

A FIFO or a device may never answer, and opening one may have effects: what lies at a path is looked at before it is
opened, and once more when it is open. In a run folder, where files are written too, a symbolic link may point at a file
of the user's and is not followed; data are read through links.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

# Where a system lacks one of them, it is looked before it is opened and that is all.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0)

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class NotRegularError(OSError):
    """What lies at a path is not what may be opened there; ``strerror`` says what it is and what is allowed."""

    @classmethod
    def of(cls, path: Path, mode: int, allowed: str) -> NotRegularError:
        """What a path is, by ``st_mode``, that has to be ``allowed``."""
        is_link = stat.S_ISLNK(mode)
        kind = f"a symbolic link to {os.readlink(path)!r}" if is_link else _KINDS.get(stat.S_IFMT(mode), "no file")
        return cls(errno.EEXIST, f"is {kind}, allowed: {allowed}", str(path))


def open_regular(path: Path, *, buffered: bool = True) -> BinaryIO:
    """A regular file, or a link to one, open for reading.

    Raises:
        NotRegularError: it is something else.
        OSError: it cannot be opened.
    """
    return open(path, "rb", -1 if buffered else 0, opener=_through_links)


def read_into(file: BinaryIO, view: memoryview) -> int:
    """Fill bytes from a file of ``open_regular``, or from one that unpacks another; how many there were."""
    done = 0
    while done < len(view):
        count = file.readinto(view[done:])  # type: ignore[attr-defined]  # typing's files lack it
        if not count:
            break
        done += count
    return done


def regular_only(path: str | Path, flags: int) -> int:
    """An ``opener`` for ``open``, which opens a regular file and follows no link.

    Raises:
        NotRegularError: it is something else, or a link, or is to be written and has other names (hard links).
        OSError: as ``os.open``.
    """
    path = Path(path)
    is_file(path)
    try:
        descriptor = _opened(path, flags | _NO_LINKS)
    except OSError:
        is_file(path)  # which may have come in between
        raise
    status = os.fstat(descriptor)
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


def _through_links(path: str, flags: int) -> int:
    mode = os.stat(path).st_mode
    if not stat.S_ISREG(mode):
        raise NotRegularError.of(Path(path), mode, "a regular file")
    return _opened(Path(path), flags)


def _opened(path: Path, flags: int) -> int:
    """The descriptor of what turns out to be a regular file."""
    descriptor = os.open(path, flags | _FLAGS, 0o666)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise NotRegularError.of(path, mode, "a regular file")
    return descriptor


def _is(path: Path, wanted: Callable[[int], bool], allowed: str) -> bool:
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not wanted(mode):
        raise NotRegularError.of(path, mode, allowed)
    return True
