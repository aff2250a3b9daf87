"""The closing figures of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table


def figures_table(summary: dict[str, Any]) -> Table:
    """One row per code: L_I against H(c), R2 or accuracy.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    table = Table(title="What the codes learned")
    table.add_column("code", no_wrap=True)
    table.add_column("L_I, nats", justify="right")
    table.add_column("H(c), nats", justify="right")
    table.add_column("R2", justify="right")
    table.add_column("held-out acc.", justify="right")
    table.add_column("training acc.", justify="right")
    accuracies = {entry["categorical_code"]: entry for entry in summary["accuracy_per_code"]}
    categorical = len(summary["mi_bound_nats"]) - len(summary["r2"])
    rows = zip(summary["code_names"], summary["mi_bound_nats"], summary["entropy_nats"], strict=True)
    for index, (name, bound, entropy) in enumerate(rows):
        accuracy = accuracies.get(index + 1, {}) if index < categorical else {}
        table.add_row(
            name,
            f"{bound:.3f}",
            f"{entropy:.3f}",
            f"{summary['r2'][index - categorical]:.3f}" if index >= categorical else "",
            _percent(accuracy.get("accuracy")),
            _percent(accuracy.get("accuracy_train")),
        )
    return table


def closing_lines(summary: dict[str, Any]) -> Iterator[str]:
    """What stands below the table: accuracy, notes."""
    if summary["accuracy"] is not None:
        several = " (the code that is best on the training images)" if len(summary["accuracy_per_code"]) > 1 else ""
        yield f"Accuracy on held-out real images: {summary['accuracy']:.1%}{several}"
    elif summary["accuracy_train"] is not None:
        yield "No held-out labels, so no accuracy on images that the matching has not seen."
    if summary["bound_note"] is not None:
        yield summary["bound_note"]


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
