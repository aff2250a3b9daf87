"""Writing a file so that a reader, or a run that was cut off, finds either the old content or the new one.

Nothing is written through a link: ``regular_files`` says why.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shlex
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from infogan_fast.regular_files import NotRegularError, regular_only

_TEMPORARY = re.compile(r"(.+?)(?:\.[0-9a-f]{8})?\.tmp", re.DOTALL)


class WriteError(RuntimeError):
    """A file cannot be written, as on a full disk; the message has the file, why, and how much space is free there."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> WriteError:
        """What the system said about a file."""
        free = None if isinstance(error, NotRegularError) else free_space(path.parent)
        room = "" if free is None else f"; free there: {bytes_text(free)}"
        return cls(f"{path}: cannot be written: {error.strerror or error}{room}")


def write_atomically(path: Path, *content: bytes | memoryview) -> None:
    """Replace a file in one step: written beside it, flushed to the disk, then renamed. Its folder is made if missing.

    Args:
        path: of the file.
        content: its parts.

    Raises:
        WriteError: it cannot be written. The old file is as it was, and nothing is left beside it.
    """
    temporary = temporary_beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "xb") as file:  # a new file, never one that a link leads to
            for part in content:
                file.write(part)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _flush_folder(path.parent)
    except BaseException as error:
        with suppress(OSError):  # the room that it took may be the last of the disk
            temporary.unlink()
        if isinstance(error, OSError):
            raise WriteError.of(path, error) from error
        raise


def temporary_beside(path: Path) -> Path:
    """A new name for the file that is to replace another one; a process that is killed may leave it behind.

    Two processes that replace one file, as with ``infogan-fast traverse`` beside a run, do not meet.
    """
    return path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")


def replaced_by(name: str) -> str | None:
    """The name of the file that a temporary one of this name was to replace; None if it is not one."""
    match = _TEMPORARY.fullmatch(name)
    return None if match is None else match[1]


def write_json(path: Path, value: Any) -> None:
    """Replace a file with a value as indented JSON.

    Raises:
        WriteError: as ``write_atomically``.
    """
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def append_line(path: Path, line: str) -> None:
    """Add a line to a file, which is made if missing.

    Raises:
        WriteError: it cannot be written. The lines before are as they were, without a part of this one.
    """
    length = None
    try:
        with open(path, "ab", opener=regular_only) as file:
            length = file.tell()
            file.write(line.encode() + b"\n")
    except OSError as error:
        if length is not None:
            with suppress(WriteError):  # a part of a line is also dropped when the run is continued
                shorten(path, length)
        raise WriteError.of(path, error) from error


def shorten(path: Path, length: int) -> None:
    """Keep the first ``length`` bytes of a file, which needs no room.

    Raises:
        WriteError: the system does not let it be done.
    """
    try:
        descriptor = regular_only(path, os.O_WRONLY)
        try:
            os.ftruncate(descriptor, length)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise WriteError.of(path, error) from error


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        WriteError: the system does not let it be removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise WriteError.of(path, error) from error


def free_space(folder: Path) -> int | None:
    """Bytes that this user can still write in a folder; None where the system does not say."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None


def bytes_text(count: int) -> str:
    """A number of bytes as people read it: ``1.5 GiB``."""
    size, units = float(count), ["bytes", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1000 and len(units) > 1:
        size, units = size / 1024, units[1:]
    return f"{size:.3g} {units[0]}"


def shell_word(path: Path) -> str:
    """A path as a shell takes it; bytes that are not UTF-8, which have come here as surrogates, as ``$'\\xff'``."""
    text = str(path)
    try:
        text.encode()
    except UnicodeEncodeError:
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
        return "$'" + re.sub("[\udc80-\udcff]", lambda byte: f"\\x{ord(byte[0]) - 0xDC00:02x}", escaped) + "'"
    return shlex.quote(text)


def _flush_folder(folder: Path) -> None:
    """Make a rename in the folder last; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
