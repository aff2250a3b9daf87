"""The classes that categories are matched to, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from infogan_fast.text import shown

_MOST_NAMED = 1_000  # classes whose names a summary holds
_MOST_CHARACTERS = 40  # of a name beside a category


def names_for_summary(class_names: Sequence[str]) -> list[str]:
    """Names of classes as ``summary.json`` holds them: the first 1,000, printable, long ones cut in the middle."""
    return [shown(name) for name in class_names[:_MOST_NAMED]]


def classes_of_categories(entry: dict[str, Any], summary: dict[str, Any]) -> list[str]:
    """The class that each category of a code was matched to: its name, or its label where it has none.

    Args:
        entry: one of ``accuracy_per_code``.
        summary: what the entry is in, as ``summary.json`` holds it. Those of earlier versions have no ``class_names``.

    Returns:
        A printable text of one line for each category; ``none`` for a category that is one too many. The label stands
        behind a name that is not shown as it is, since two such names may look the same.
    """
    names = summary.get("class_names", [])
    return ["none" if label < 0 else _text(label, names) for label in entry["class_of_category"]]


def _text(label: int, names: Sequence[str]) -> str:
    if label >= len(names):
        return str(label)
    text = shown(names[label], _MOST_CHARACTERS)
    return text if text == names[label] else f"{text} ({label})"
