"""What is raised where data cannot be had."""

from __future__ import annotations

from infogan_fast.text import printable


class DataError(ValueError):
    """The data asked for are missing, damaged or do not fit together; the message says which file and what to do.

    Names in files of strangers end up in messages: what a terminal would obey, or cannot print, is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__("\n".join(printable(line) for line in message.split("\n")))
