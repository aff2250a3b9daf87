"""What several commands print."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from infogan_fast.evaluation.table import closing_lines, metrics_table


def paths_console() -> Console:
    """A console for text with paths and names in it, which it prints as they are."""
    return Console(highlight=False, markup=False)


def print_summary(console: Console, metrics: dict[str, Any]) -> None:
    """Print the metrics of a run, under the names of ``summary.json``."""
    console.print(f"objective: {metrics['objective']}", soft_wrap=True)
    console.print(metrics_table(metrics))
    for line in closing_lines(metrics):
        console.print(line, soft_wrap=True)
