"""Reading ``metrics.jsonl``, whose last line a run that was killed may have left cut off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from infogan_fast.files import shorten, write_atomically
from infogan_fast.regular_files import is_file, regular_only
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.schemas import MOST_BYTES, MetricsLine, checked, parse_json


def read_lines(path: Path, codes: int) -> list[dict[str, Any]]:
    """The lines as ``MetricsLine`` has them; none if there is no such file. A last line that was cut off is left out.

    Args:
        path: of the file.
        codes: how many codes L_I is given of.

    Raises:
        RunFolderError: it cannot be read, or a line is damaged; the message names the line and the key.
    """
    values = []
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path}, line {number}"
        if len(line) > MOST_BYTES:
            raise RunFolderError(f"{where}: damaged, it is longer than {MOST_BYTES} bytes")
        if not line.endswith(b"\n"):
            break
        value = checked(MetricsLine, parse_json(line, where), where)
        if len(value.mi_bound_nats) != codes:
            raise RunFolderError(
                f"{where}: mi_bound_nats: got {len(value.mi_bound_nats)} values, allowed: {codes}, one per code"
            )
        values.append(value.model_dump())
    return values


def drop_lines_after(path: Path, step: int) -> None:
    """Remove the lines of steps after one, and lines that are damaged; nothing happens if there is no such file.

    Raises:
        RunFolderError: it cannot be read.
        WriteError: it cannot be written.
    """
    kept_until, kept_later = 0, []
    dropped = False
    for line in _lines(path):
        if not _is_until(line, step):
            dropped = True
        elif dropped:  # as on a damaged disk
            kept_later.append(line)
        else:
            kept_until += len(line)
    if kept_later:
        with open(path, "rb", opener=regular_only) as file:
            write_atomically(path, file.read(kept_until), *kept_later)
    elif dropped:
        shorten(path, kept_until)


def _lines(path: Path) -> Iterator[bytes]:
    """The lines with their ends, until one that is too long, of which a part shows it."""
    try:
        if not is_file(path):
            return
        with open(path, "rb", opener=regular_only) as file:
            while line := file.readline(MOST_BYTES + 1):
                yield line
                if len(line) > MOST_BYTES:
                    return
    except OSError as error:
        raise RunFolderError(f"{path}: {error.strerror or error}") from error


def _is_until(line: bytes, step: int) -> bool:
    try:
        return line.endswith(b"\n") and checked(MetricsLine, parse_json(line, ""), "").step <= step
    except RunFolderError:
        return False
