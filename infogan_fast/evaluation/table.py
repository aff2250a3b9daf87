"""The closing figures of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table


def figures_table(summary: dict[str, Any]) -> Table:
    """One row per code: L_I against H(c), R2 or accuracy. A column that would be empty is left out.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    accuracies = {entry["categorical_code"]: entry for entry in summary["accuracy_per_code"]}
    categorical = _number_of_categorical(summary)
    columns: dict[str, list[str]] = {
        "code": summary["code_names"],
        "L_I\nnats": [f"{bound:.3f}" for bound in summary["mi_bound_nats"]],
        "H(c)\nnats": [f"{entropy:.3f}" for entropy in summary["entropy_nats"]],
        "R2": [""] * categorical + [f"{r2:.3f}" for r2 in summary["r2"]],
    }
    for title, key in (("accuracy\nheld-out", "accuracy"), ("accuracy\ntraining", "accuracy_train")):
        shares = [accuracies.get(index + 1, {}).get(key) for index in range(categorical)]
        columns[title] = [_percent(share) for share in shares] + [""] * len(summary["r2"])
    columns = {title: cells for title, cells in columns.items() if any(cells)}

    table = Table(title="What the codes learned")
    for title in columns:
        table.add_column(title, no_wrap=True, justify="left" if title == "code" else "right")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def closing_lines(summary: dict[str, Any]) -> Iterator[str]:
    """What stands below the table: accuracy, notes."""
    if summary["r2"]:
        yield "H(c) of a continuous code is a differential entropy: it is no upper limit of its L_I."
    if summary["accuracy"] is not None:
        several = " (the code that is best on the training images)" if len(summary["accuracy_per_code"]) > 1 else ""
        yield f"Accuracy on held-out real images: {summary['accuracy']:.1%}{several}"
    elif summary["accuracy_train"] is not None:
        yield "No held-out labels, so no accuracy on images that the matching has not seen."
    elif _number_of_categorical(summary):
        yield "No accuracy: the training images have no labels to match the categories to."
    else:
        yield "No accuracy: there is no categorical code to classify images with."
    if summary["bound_note"] is not None:
        yield summary["bound_note"]


def _number_of_categorical(summary: dict[str, Any]) -> int:
    return len(summary["mi_bound_nats"]) - len(summary["r2"])


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"
