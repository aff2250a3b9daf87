"""What values a setting may have, in words and as a check."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import field
from typing import Any, NamedTuple

LARGEST_WHOLE = 2**31 - 1


class Allowed(NamedTuple):
    """The values that are allowed."""

    text: str
    """For the user, as in "allowed: an integer >= 1"."""
    check: Callable[[Any], bool]
    """Whether a value is one of them. It may raise TypeError at a foreign one."""


def setting(default: Any, allowed: Allowed, meaning: str) -> Any:
    """A dataclass field whose metadata hold its ``meaning``, with unit, and what is ``allowed``.

    Args:
        default: of the setting.
        allowed: its values.
        meaning: for the user.
    """
    return field(default=default, metadata={"meaning": meaning, "allowed": allowed.text, "check": allowed.check})


def one_of(*values: str | int) -> Allowed:
    """These values."""
    return Allowed(
        ", ".join(map(str, values)), lambda v: any(type(v) is type(value) and v == value for value in values)
    )


def whole(minimum: int, maximum: int | None = None, remark: str = "") -> Allowed:
    """Integers from ``minimum`` to ``maximum``, or to ``LARGEST_WHOLE`` where that is None."""
    text = f"an integer >= {minimum}" if maximum is None else f"an integer from {minimum} to {maximum}"
    most = LARGEST_WHOLE if maximum is None else maximum
    return Allowed(text + remark, lambda v: type(v) is int and minimum <= v <= most)


def real(minimum: float, maximum: float = math.inf) -> Allowed:
    """Finite numbers from ``minimum`` to ``maximum``."""
    text = f"a number >= {minimum:g}" if maximum == math.inf else f"a number from {minimum:g} to {maximum:g}"
    return Allowed(text, lambda v: _is_number(v) and minimum <= v <= maximum)


def positive(maximum: float = math.inf) -> Allowed:
    """Finite numbers above 0, up to ``maximum``."""
    text = "a number > 0" if maximum == math.inf else f"a number > 0 and <= {maximum:g}"
    return Allowed(text, lambda v: _is_number(v) and 0.0 < v <= maximum)


def or_none(allowed: Allowed) -> Allowed:
    """These values, and None."""
    comma = "," if allowed.text[:2] not in ("a ", "an") else ", or"
    return Allowed(f"{allowed.text}{comma} none", lambda v: v is None or allowed.check(v))


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


BOOLEAN = Allowed("true, false", lambda v: type(v) is bool)
