"""The error that is raised where data cannot be had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from infogan_fast.text import printable


class DataError(ValueError):
    """The data asked for are missing, damaged or do not fit together; the message says which file and what to do.

    Names in files of strangers end up in messages: what a terminal would obey, or cannot print, is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(printable(line) for line in message.split("\n")))


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Raise an ``OSError`` in the block as a ``DataError`` that says that what is at a path cannot be read."""
    try:
        yield
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from error
