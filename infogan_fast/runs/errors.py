"""What is wrong with a run folder."""

from __future__ import annotations

from infogan_fast.text import printable


class RunFolderError(ValueError):
    """The folder of a run cannot be used; the message, in one line, names the file and the key and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))
