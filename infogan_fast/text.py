"""Names and values in messages: strangers gave them to their files, and they may be many or long."""

from __future__ import annotations

import reprlib
from collections.abc import Sequence
from typing import Any

_MOST_SHOWN = 120

_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 200
_SHORT.maxlong = 60
_SHORT.maxlist = _SHORT.maxtuple = 20
_SHORT.maxlevel = 3


def shown(name: object, most: int = _MOST_SHOWN) -> str:
    """A name as one line of printable text: what is not printable is escaped, and more than ``most`` characters cut."""
    text = printable(str(name))
    if len(text) <= most:
        return text
    return f"{text[: most // 2]}...{text[-(most // 2) :]}"


def listing(names: Sequence[str], most: int = 10) -> str:
    """The first ``most`` of some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def printable(text: str) -> str:
    """Text with its control and other invisible characters, and bytes that are not UTF-8, escaped as in ``repr``."""
    return text if text.isprintable() else "".join(map(_escaped, text))


def short(value: Any) -> str:
    """A value as Python writes it, for a message: in one line, cut where it is long or deep."""
    return _SHORT.repr(value)


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # how Python reads a byte of a file's name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
