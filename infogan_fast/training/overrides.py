"""Settings as the user writes and reads them: ``key=value`` in the type of the setting, and the list of all."""

from __future__ import annotations

import dataclasses
import difflib
import re
import textwrap
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from infogan_fast.training.settings import ConfigError, TrainConfig, allowed_values

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
# Python's own int() and float() also take digits of other scripts, underscores, inf and nan.
_NUMBERS: dict[type, re.Pattern[str]] = {
    int: re.compile(r"[+-]?[0-9]{1,20}"),
    float: re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"),
}
_LONGEST_SHOWN = 80


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings from texts ``key=value``; a later one replaces an earlier one of the same key.

    A tuple is written ``10,10`` or ``(10, 10)`` and the empty one ``()``; ``none`` stands for None where it is allowed.

    Raises:
        ConfigError: a text has no ``=`` or nothing after it, a key is unknown, or a value is not allowed.
    """
    hints, allowed = typing.get_type_hints(TrainConfig), allowed_values()
    overrides = {}
    for assignment in assignments:
        given = f"--set {shortened(assignment)}"
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not key:
            raise ConfigError(f"{given}: write it as key=value; train --settings lists the keys")
        if key not in allowed:
            raise ConfigError(f"{given}: {_unknown(key)}")
        try:
            overrides[key] = allowed[key].checked(_parse(text, hints[key]))
        except ValueError:
            raise ConfigError(f"{given}: {key} got {shortened(text)}, allowed: {allowed[key].text}") from None
    return overrides


def settings_of(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings from Python: names are checked, and lists taken as tuples.

    Raises:
        ConfigError: a name is unknown.
    """
    for key in values:
        if key not in allowed_values():
            raise ConfigError(_unknown(key))
    plain = {key: _plain(value) for key, value in values.items()}
    if isinstance(options := plain.get("game_options"), Mapping):
        plain["game_options"] = ",".join(f"{name}:{value}" for name, value in options.items()) or None
    return plain


def _plain(value: Any) -> Any:
    """A list as a tuple, and a number of NumPy's as Python's."""
    if isinstance(value, list):
        return tuple(value)
    return value.item() if isinstance(value, np.generic) else value


def _unknown(key: str) -> str:
    known = allowed_values()
    close = difflib.get_close_matches(key[:_LONGEST_SHOWN], known, n=1)
    suggestion = f"did you mean {close[0]}?" if close else f"known settings: {', '.join(known)}"
    return f"unknown setting {shortened(key)}; {suggestion}"


def settings_text(config: TrainConfig, heading: str, width: int) -> str:
    """Every setting with its value, meaning and allowed values.

    Args:
        config: the values.
        heading: what they are of.
        width: of the lines, in characters.
    """
    paragraphs = [textwrap.fill(heading, width)]
    for setting in dataclasses.fields(TrainConfig):
        about = [setting.metadata["meaning"], f"allowed: {allowed_values()[setting.name].text}"]
        lines = [textwrap.fill(line, width, initial_indent="    ", subsequent_indent="    ") for line in about]
        paragraphs.append("\n".join([f"{setting.name}={value_text(getattr(config, setting.name))}", *lines]))
    return "\n\n".join(paragraphs)


def shortened(text: str) -> str:
    """A text as a message shows it: in quotes, control characters as escapes, the middle of a long one left out."""
    half = _LONGEST_SHOWN // 2
    return repr(text if len(text) <= _LONGEST_SHOWN else f"{text[:half]}...{text[-half:]}")


def value_text(value: Any) -> str:
    """A setting's value as ``parse_overrides`` takes it."""
    if isinstance(value, tuple):
        return ",".join(map(str, value)) or "()"
    text = str(value)
    return text.lower() if value is None or isinstance(value, bool) else text


def _parse(text: str, hint: Any) -> Any:
    """The value that ``text`` stands for as a ``hint``; ValueError if it is none."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _parse_any(text, arguments)
    if origin is typing.Literal:
        if text in arguments:
            return text
    elif origin is tuple:
        inner = text[1:-1] if text[:1] + text[-1:] in ("()", "[]") else text
        items = [item.strip() for item in inner.split(",")]
        if inner != text and not items[-1]:  # (10,) is Python's tuple of one, () that of none
            items.pop()
        if arguments[1:] == (Ellipsis,):
            return tuple(_parse(item, arguments[0]) for item in items)
        if len(items) == len(arguments):
            return tuple(_parse(item, argument) for item, argument in zip(items, arguments, strict=True))
    elif hint is type(None):
        if text.lower() == "none":
            return None
    elif hint is bool:
        if text.lower() in _BOOLEANS:
            return _BOOLEANS[text.lower()]
    elif hint in _NUMBERS:
        if _NUMBERS[hint].fullmatch(text):
            return hint(text)
    elif hint is str and text:
        return text
    raise ValueError(text)


def _parse_any(text: str, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _parse(text, hint)
        except ValueError:
            continue
    raise ValueError(text)
