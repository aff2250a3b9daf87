"""Writing a file so that a reader, or a run that was cut off, finds either the old content or the new one."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

TEMPORARY_SUFFIX = ".tmp"


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: written beside it, flushed to the disk, then renamed."""
    temporary = path.with_name(path.name + TEMPORARY_SUFFIX)
    with open(temporary, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _flush_folder(path.parent)


def write_json(path: Path, value: Any) -> None:
    """Replace a file with a value as indented JSON."""
    write_atomically(path, (json.dumps(value, indent=2) + "\n").encode())


def _flush_folder(folder: Path) -> None:
    """Make a rename in the folder last; Windows neither needs nor allows it."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
