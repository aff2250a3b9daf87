"""Writing a file so that a reader, or a run that was cut off, finds either the old content or the new one."""

from __future__ import annotations

import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

#: Of the file beside the one that is being replaced; a process that was killed may leave it behind.
TEMPORARY_SUFFIX = ".tmp"


class WriteError(RuntimeError):
    """A file cannot be written, as on a full disk; the message has the file, why, and how much space is free there."""

    @classmethod
    def of(cls, path: Path, error: OSError) -> WriteError:
        """What the system said about a file."""
        free = free_space(path.parent)
        room = "" if free is None else f"; free there: {bytes_text(free)}"
        return cls(f"{path}: cannot be written: {error.strerror or error}{room}")


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: written beside it, flushed to the disk, then renamed. Its folder is made if missing.

    Raises:
        WriteError: it cannot be written. The old file is as it was, and nothing is left beside it.
    """
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(content)
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
        with open(path, "ab") as file:
            length = file.tell()
            file.write(line.encode() + b"\n")
    except OSError as error:
        if length is not None:
            with suppress(OSError):  # a part of a line is also dropped when the run is continued
                os.truncate(path, length)
        raise WriteError.of(path, error) from error


def shorten(path: Path, length: int) -> None:
    """Keep the first ``length`` bytes of a file, which needs no room.

    Raises:
        WriteError: the system does not let it be done.
    """
    try:
        os.truncate(path, length)
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


def _flush_folder(folder: Path) -> None:
    """Make a rename in the folder last; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
