"""The lock on a run folder: one process at a time writes in it, and who comes second is told who that is.

The system holds the lock for the process and lets go of it when the process ends, however it ends. Where a file system
has no locks, as some on a network, a file whose existence is the lock stands in: see docs/runs.md.
"""

from __future__ import annotations

import errno
import json
import os
import platform
import time
import weakref
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Annotated

from filelock import SoftFileLock, Timeout, lock_descriptor
from pydantic import Field

from infogan_fast.regular_files import NotRegularError, is_file, read_regular, regular_only
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.schemas import Schema, checked, parse_json

#: In the folder of the run. The first says who holds it; the second is there only where a file system has no locks.
LOCK_NAME, SOFT_LOCK_NAME = "run.lock", "run.lock.held"

_NO_LOCKS = (errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK)
_SOFT_SECONDS = 3.0  # for filelock to see that the process that a file names is gone
_MOST_BYTES = 4096
_TRIES = 20

#: Descriptors of the locks that this process holds. A forked child has them too, and would hold on to the locks.
_descriptors: set[int] = set()


def _close_in_child() -> None:
    for descriptor in _descriptors:
        with suppress(OSError):
            os.close(descriptor)
    _descriptors.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


class _Holder(Schema):
    """What the file of the lock says."""

    pid: Annotated[int, Field(ge=1)]
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,255}$")]
    since: Annotated[str, Field(pattern=r"^[0-9-]{10} [0-9:]{8}$")]


class RunLock:
    """The lock on a folder, held from construction until ``release``, until it is garbage, or the process ends.

    Args:
        folder: which exists.

    Raises:
        RunFolderError: another process holds it, or this one by another ``RunLock``; or the folder cannot be written.
    """

    def __init__(self, folder: Path) -> None:
        self._pid = os.getpid()
        try:
            descriptor, soft = _locked(folder)
        except OSError as error:
            # An error of the lock itself, unlike one of opening the file, comes without the file's name.
            doing = "cannot be written: " if error.filename else "cannot be locked: "
            what = f"{'' if isinstance(error, NotRegularError) else doing}{error.strerror or error}"
            raise RunFolderError(f"{error.filename or folder / LOCK_NAME}: {what}") from error
        _descriptors.add(descriptor)
        self._let_go = weakref.finalize(self, _release, descriptor, soft)
        record = {"pid": self._pid, "host": platform.node(), "since": f"{datetime.now():%Y-%m-%d %H:%M:%S}"}
        with suppress(OSError):  # a full disk: the lock holds without it
            os.ftruncate(descriptor, 0)
            os.write(descriptor, json.dumps(record).encode())

    @property
    def held(self) -> bool:
        """Whether this process holds it; a forked child does not."""
        return self._let_go.alive and self._pid == os.getpid()

    def release(self) -> None:
        """Let go of it, if it is held."""
        if self.held:
            self._let_go()


def _locked(folder: Path) -> tuple[int, SoftFileLock | None]:
    """The descriptor of the locked file, and the lock that stands in where there are no locks."""
    path = folder / LOCK_NAME
    for _ in range(_TRIES):
        descriptor = regular_only(path, os.O_RDWR | os.O_CREAT)
        soft = None
        try:
            try:
                held = lock_descriptor(descriptor, blocking=False)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                held = (soft := _soft_lock(folder)) is not None
            if not held:
                raise RunFolderError(f"{folder}: is in use by {_holder(path)}")
            if _is_at(descriptor, path):
                return descriptor, soft
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # who held it has removed the file: that is not a lock any more
        if soft is not None:
            soft.release()
    raise RunFolderError(f"{folder}: {LOCK_NAME} is replaced again and again")


def _soft_lock(folder: Path) -> SoftFileLock | None:
    """The lock by existence; None where another process holds it."""
    path = folder / SOFT_LOCK_NAME
    is_file(path)
    lock = SoftFileLock(path, timeout=_SOFT_SECONDS, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        return None
    return lock


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def _release(descriptor: int, soft: SoftFileLock | None) -> None:
    if descriptor not in _descriptors:  # in a forked child the number may stand for another file by now
        return
    _descriptors.discard(descriptor)
    try:
        with suppress(OSError):
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)
    if soft is not None:
        soft.release()


def _holder(path: Path) -> str:
    """The message that says who holds the lock, and what to do."""
    todo = "wait until it ends, stop it, or give another folder"
    soft = path.with_name(SOFT_LOCK_NAME)
    for _ in range(_TRIES):
        try:
            holder = checked(_Holder, parse_json(read_regular(path, _MOST_BYTES), path), path)
        except (RunFolderError, OSError):  # it has not come to write it yet
            time.sleep(0.01)
            continue
        who = "this process" if (holder.pid, holder.host) == (os.getpid(), platform.node()) else "process"
        if soft.exists():
            todo += f"; if it is gone, which another machine cannot see here, remove {soft}"
        return f"{who} {holder.pid} on {holder.host} since {holder.since}; {todo}"
    return f"another process; {todo}"
