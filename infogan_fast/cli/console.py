"""What several commands print."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from infogan_fast.evaluation.table import closing_lines, metrics_table


def paths_console() -> Console:
    """For text with paths and names in it, which are printed as they are."""
    return Console(highlight=False, markup=False)


def print_summary(console: Console, figures: dict[str, Any]) -> None:
    """The figures of a run, under the names of ``summary.json``."""
    console.print(f"objective: {figures['objective']}", soft_wrap=True)
    console.print(metrics_table(figures))
    for line in closing_lines(figures):
        console.print(line, soft_wrap=True)
