"""Names, values and durations in messages: strangers gave names to their files, and they may be many or long."""

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

_MINUTE, _HOUR, _DAY = 60, 3600, 86400

# Up to which duration, in seconds, to how many seconds it is rounded.
_ROUNDING = ((_MINUTE, 1), (10 * _MINUTE, 10), (2 * _HOUR, _MINUTE), (10 * _HOUR, 10 * _MINUTE), (2 * _DAY, _HOUR))


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


def duration(seconds: float) -> str:
    """A duration as a person says it, in at most two units: ``4 min 30 s``, ``5 h 30 min``, ``3 days``.

    It is rounded to seconds below a minute, to 10 s below ten minutes, to minutes below two hours, to 10 min below ten
    hours, to hours below two days, and to days above.

    Args:
        seconds: at least 0, finite.
    """
    unit = next((unit for below, unit in _ROUNDING if seconds < below), _DAY)
    rounded = round(seconds / unit) * unit
    if rounded >= 2 * _DAY:
        return f"{round(rounded / _DAY)} days"
    hours, rest = divmod(rounded, _HOUR)
    minutes, left = divmod(rest, _MINUTE)
    parts = [f"{count} {name}" for count, name in ((hours, "h"), (minutes, "min"), (left, "s")) if count]
    return " ".join(parts) or "less than a second"


def short_duration(seconds: float) -> str:
    """A duration to two digits: ``0.25 ms``, ``38 ms``, ``1.2 s``, ``140 s``.

    Args:
        seconds: at least 0, finite.
    """
    rounded = float(f"{seconds:.2g}")
    return f"{rounded:.6g} s" if rounded >= 1.0 else f"{rounded * 1000.0:.6g} ms"


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    if "\udc80" <= character <= "\udcff":  # how Python reads a byte of a file's name that is not UTF-8
        return f"\\x{ord(character) - 0xDC00:02x}"
    return character.encode("unicode_escape").decode("ascii")
