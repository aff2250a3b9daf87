"""What is wrong with a run folder, and values as its messages show them."""

from __future__ import annotations

import reprlib
from typing import Any

from infogan_fast.text import printable

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlong = 60
_SHORT.maxlist = _SHORT.maxtuple = 20
_SHORT.maxlevel = 3


class RunFolderError(ValueError):
    """The folder of a run cannot be used; the message, in one line, names the file and the key and says what to do."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


def short(value: Any) -> str:
    """A value as Python writes it, for a message: in one line, cut where it is long or deep."""
    return _SHORT.repr(value)
