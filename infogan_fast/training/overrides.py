"""Settings as the user writes and reads them: ``key=value`` to the type that the annotation declares, and the list."""

from __future__ import annotations

import dataclasses
import difflib
import textwrap
import types
import typing
from collections.abc import Iterable
from typing import Any

from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.presets import DEFAULT_PRESET, PRESETS

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def parse_overrides(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings from texts ``key=value``; a later one replaces an earlier one of the same key.

    A tuple is written ``10,10`` or ``(10, 10)`` and the empty one ``()``; ``none`` stands for None where it is allowed.

    Raises:
        ConfigError: a text has no ``=``, a key is unknown, or a value is not of the setting's type. Values out of range
            are found by ``TrainConfig``.
    """
    settings = {setting.name: setting for setting in dataclasses.fields(TrainConfig)}
    hints = typing.get_type_hints(TrainConfig)
    overrides = {}
    for assignment in assignments:
        key, equals, text = (part.strip() for part in assignment.partition("="))
        if not equals or not key:
            raise ConfigError(f"--set {assignment!r}: write it as key=value")
        if key not in settings:
            close = difflib.get_close_matches(key, settings, n=1)
            suggestion = f"did you mean {close[0]}?" if close else f"known settings: {', '.join(settings)}"
            raise ConfigError(f"--set {assignment!r}: unknown setting {key!r}; {suggestion}")
        try:
            overrides[key] = _parse(text, hints[key])
        except ValueError:
            allowed = settings[key].metadata["allowed"]
            raise ConfigError(f"--set {assignment!r}: {key} got {text!r}, allowed: {allowed}") from None
    return overrides


def settings_text(width: int) -> str:
    """Every setting with its default, meaning and allowed values, in lines of ``width`` characters."""
    paragraphs = [f"Settings for --set KEY=VALUE, with the values of the preset {DEFAULT_PRESET}"]
    for setting in dataclasses.fields(TrainConfig):
        default = getattr(PRESETS[DEFAULT_PRESET], setting.name)
        about = [setting.metadata["meaning"], f"allowed: {setting.metadata['allowed']}"]
        lines = [textwrap.fill(line, width, initial_indent="    ", subsequent_indent="    ") for line in about]
        paragraphs.append("\n".join([f"{setting.name}={value_text(default)}", *lines]))
    return "\n\n".join(paragraphs)


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
        items = [item.strip() for item in inner.split(",") if item.strip()]
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
    elif hint in (int, float, str):
        return hint(text)
    raise ValueError(text)


def _parse_any(text: str, hints: tuple[Any, ...]) -> Any:
    for hint in hints:
        try:
            return _parse(text, hint)
        except ValueError:
            continue
    raise ValueError(text)
