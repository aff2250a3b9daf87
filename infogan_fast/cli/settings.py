"""``infogan-fast train --settings``."""

from __future__ import annotations

import dataclasses
import shutil
from typing import Any

import typer

from infogan_fast.training.overrides import settings_text
from infogan_fast.training.presets import preset

_WIDEST = 100  # characters in a line


def print_settings(name: str, overrides: dict[str, Any]) -> None:
    """Print every setting with its value, meaning and allowed values.

    Args:
        name: of the preset whose values they are.
        overrides: values in the place of the preset's.

    Raises:
        ConfigError: there is no such preset, or a value is not allowed.
    """
    config = dataclasses.replace(preset(name), **overrides)
    changed = f", changed by the command line: {', '.join(overrides)}" if overrides else ""
    heading = f"Settings for --set KEY=VALUE, with the values of the preset {name}{changed}"
    typer.echo(settings_text(config, heading, min(shutil.get_terminal_size().columns, _WIDEST)))
