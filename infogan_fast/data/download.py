"""One file from a list of mirrors into a folder: continued where it was cut, checked, then renamed in place."""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import re
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infogan_fast.data.images import DataError
from infogan_fast.version import __version__

if sys.platform != "win32":
    import fcntl

#: Told how far a download is: the file's name, the bytes that are there, and the bytes of the whole file.
Progress = Callable[[str, int, int], None]

_TIMEOUT = 20.0  # seconds, to connect and for each read
_PAUSES = (0.5, 1.0, 2.0)  # seconds, before each further attempt at one mirror
_CHUNK = 2**16
_LOCK = "download.lock"


@dataclass(frozen=True)
class RemoteFile:
    """A file as it is published, to the byte."""

    name: str
    size: int
    """Bytes."""
    sha256: str
    """Of its content, in hexadecimal."""


class _MirrorError(Exception):
    """A mirror did not give the file; the message says why."""

    def __init__(self, reason: str, *, again: bool = False, afresh: bool = False) -> None:
        super().__init__(reason)
        self.again, self.afresh = again or afresh, afresh


def fetch(file: RemoteFile, urls: Sequence[str], folder: Path, progress: Progress | None = None) -> Path:
    """The file in the folder, downloaded unless it is there.

    It is written to ``<name>.part``, which is kept where the connection is cut and continued by the next attempt or
    the next call, checked, and renamed: under its own name it is whole at any time. Processes that want it at the same
    time wait for each other, by a lock on ``download.lock`` in the folder. Where there are no such locks (Windows, some
    network file systems) they may spoil each other's part, which the checksum notices.

    Args:
        file: what to download.
        urls: of the file itself, tried in turn.
        folder: made if it does not exist.
        progress: told about every piece that comes.

    Returns:
        Its path.

    Raises:
        DataError: no URL gave it, the folder cannot be written, or another file is there under its name.
    """
    target, part = folder / file.name, folder / f"{file.name}.part"

    def report() -> None:
        if progress is not None:
            progress(file.name, _size(part), file.size)

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _lock(folder / _LOCK, report):
            if target.exists():
                _check_present(file, target)
            else:
                _download(file, urls, part, report)
                os.replace(part, target)
    except OSError as error:
        room = f"; the file needs {file.size} bytes" if error.errno == errno.ENOSPC else ""
        raise DataError(f"{error.filename or part}: cannot be written: {error.strerror}{room}") from error
    return target


def _check_present(file: RemoteFile, target: Path) -> None:
    """Raise if a file that is there is another one: it may be the user's own, so that it is not overwritten."""
    problem = _difference(file, target)
    if problem:
        raise DataError(f"{target}: is there but is not the file that is published: {problem}; move it away")


def _download(file: RemoteFile, urls: Sequence[str], part: Path, report: Callable[[], None]) -> None:
    """Fill the part, from the first URL that gives the file."""
    if _size(part) >= file.size:  # a process ended before it could check or rename it
        if not _difference(file, part):
            return
        part.unlink()
    report()
    failures = []
    for url in urls:
        try:
            _from_mirror(file, url, part, report)
        except _MirrorError as failure:
            failures.append(f"{url} ({failure})")
        else:
            return
    kept = _size(part)
    if not kept:
        part.unlink(missing_ok=True)
    part_text = f". {kept} of {file.size} bytes are kept in {part}: the same command continues there" if kept else ""
    raise DataError(f"{file.name} could not be downloaded, tried {', '.join(failures)}{part_text}")


def _from_mirror(file: RemoteFile, url: str, part: Path, report: Callable[[], None]) -> None:
    """Fill the part from one URL, in a few attempts.

    Raises:
        _MirrorError: of the last attempt.
    """
    foreign = _size(part) > 0  # begun by another call or mirror, so perhaps not with this file's bytes
    afresh = False
    for pause in (*_PAUSES, None):
        try:
            _receive(file, url, part, 0 if afresh else _size(part), report)
            problem = _difference(file, part)
            if not problem:
                return
            part.unlink()
            raise _MirrorError(problem, again=foreign)
        except _MirrorError as failure:
            if pause is None or not failure.again:
                raise
            afresh = failure.afresh
            foreign = foreign and _size(part) > 0 and not afresh
        time.sleep(pause)


def _receive(file: RemoteFile, url: str, part: Path, offset: int, report: Callable[[], None]) -> None:
    """Append what comes after ``offset`` bytes to the part, or write it anew where the server sends all of it.

    Raises:
        _MirrorError: not all of it came, or something else did.
        OSError: the part cannot be written.
    """
    with _open(url, offset) as response:
        if response.status == 206:
            _check_range(response.headers.get("Content-Range", ""), offset, file.size)
        elif response.status == 200:
            offset = 0
        else:
            raise _MirrorError(f"HTTP {response.status} {response.reason}")
        if response.length is not None and offset + response.length != file.size:
            raise _MirrorError(f"expected {file.size} bytes, got a file of {offset + response.length}")
        with part.open("ab" if offset else "wb") as out:
            while chunk := _read(response):
                if offset + len(chunk) > file.size:
                    out.truncate(0)  # it is another file
                    raise _MirrorError(f"expected {file.size} bytes, got more")
                out.write(chunk)
                out.flush()
                offset += len(chunk)
                report()
            os.fsync(out.fileno())
    if offset < file.size:
        raise _MirrorError(f"cut after {offset} of {file.size} bytes", again=True)


def _open(url: str, offset: int) -> Any:
    """The response to a request of what comes after ``offset`` bytes."""
    headers = {"User-Agent": f"infogan-fast/{__version__}"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        raise _MirrorError(f"HTTP {error.code} {error.reason}", afresh=error.code == 416 and offset > 0) from error
    except urllib.error.URLError as error:  # no connection: another attempt would rarely get one
        raise _MirrorError(getattr(error.reason, "strerror", None) or str(error.reason)) from error
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(str(error) or type(error).__name__, again=True) from error


def _read(response: Any) -> bytes:
    """The next piece; nothing at the end, which may be too early."""
    try:
        return bytes(response.read1(_CHUNK))
    except (OSError, http.client.HTTPException) as error:
        raise _MirrorError(f"cut: {str(error) or type(error).__name__}", again=True) from error


def _check_range(content_range: str, offset: int, size: int) -> None:
    if not re.fullmatch(rf"bytes {offset}-{size - 1}/({size}|\*)", content_range.strip()):
        expected = f"bytes {offset}-{size - 1}/{size}"
        raise _MirrorError(f"expected Content-Range {expected!r}, got {content_range!r}", afresh=True)


def _difference(file: RemoteFile, path: Path) -> str:
    """How a file's content differs from the one published; empty if it does not."""
    if _size(path) != file.size:
        return f"expected {file.size} bytes, got {_size(path)}"
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return "" if digest == file.sha256 else f"wrong checksum: expected SHA-256 {file.sha256}, got {digest}"


def _size(path: Path) -> int:
    """Bytes; 0 where there is no such file."""
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock that ends with the process, where the system has such; ``waiting`` is called until it is free."""
    with path.open("ab") as file:
        if sys.platform != "win32":
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    waiting()
                    time.sleep(0.2)
                except OSError:  # a file system without locks
                    break
        yield
