"""The closing metrics of a run as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from infogan_fast.evaluation.classes import classes_of_categories
from infogan_fast.evaluation.headlines import (
    DIFFERENTIAL,
    DISENTANGLEMENT,
    INTERVALS,
    SCORES,
    SWD,
    fid_meaning,
    why_no_accuracy,
    why_no_image_quality,
)
from infogan_fast.evaluation.quality import NOT_ASKED
from infogan_fast.text import listing


def metrics_table(summary: dict[str, Any]) -> Table:
    """One row per code: L_I with its 95 % interval, H(c), how well Q reads the code back, and accuracy.

    Q reads a category back where it is the most probable one; of a continuous code R2 is given. A column that would be
    empty is left out.

    Args:
        summary: as ``Evaluation.to_json`` gives it and ``summary.json`` holds it.
    """
    accuracies = {entry["categorical_code"]: entry for entry in summary["accuracy_per_code"]}
    categorical = _number_of_categorical(summary)
    columns: dict[str, list[str]] = {
        "code": summary["code_names"],
        "L_I ±95 %\nnats": list(map(_with_interval, summary["mi_bound_nats"], summary["mi_bound_ci_nats"])),
        "H(c)\nnats": [f"{entropy:.3f}" for entropy in summary["entropy_nats"]],
        "read\nback": [*map(_percent, summary["categories_recovered"]), *(f"R2 {r2:.2f}" for r2 in summary["r2"])],
    }
    for title, key in (("accuracy\nheld-out", "accuracy"), ("accuracy\ntraining", "accuracy_train")):
        fractions = [accuracies.get(index + 1, {}).get(key) for index in range(categorical)]
        columns[title] = [_percent(fraction) for fraction in fractions] + [""] * len(summary["r2"])
    columns = {title: cells for title, cells in columns.items() if any(cells)}

    table = Table(title="What the codes learned")
    for title in columns:
        table.add_column(title, no_wrap=True, justify="left" if title == "code" else "right")
    for row in zip(*columns.values(), strict=True):
        table.add_row(*row)
    return table


def closing_lines(summary: dict[str, Any]) -> Iterator[str]:
    """The lines below the table: the other metrics, what each can and cannot show, and what is wrong."""
    yield INTERVALS
    if summary["r2"]:
        yield DIFFERENTIAL
    yield from _accuracy_lines(summary)
    if summary["bound_note"] is not None:
        yield summary["bound_note"]
    if summary["disentanglement"] is not None:
        yield from _disentanglement_lines(summary["disentanglement"])
    reason = why_no_image_quality(summary)
    if reason is None:
        yield from _quality_lines(summary["image_quality"])
    else:
        yield reason
    for finding in summary.get("findings", ()):
        yield f"Look at: {finding['sentence']} {finding['advice']}"


def _accuracy_lines(summary: dict[str, Any]) -> Iterator[str]:
    if summary["accuracy"] is not None:
        several = " (the code that is best on the training images)" if len(summary["accuracy_per_code"]) > 1 else ""
        low, high = summary["accuracy_ci"]
        yield (
            f"Accuracy on held-out real images: {summary['accuracy']:.1%}{several}, "
            f"95 % interval {low:.1%} to {high:.1%}"
        )
    reason = why_no_accuracy(summary)
    if reason is not None:
        yield reason
    if summary["accuracy_per_code"]:
        best = summary["accuracy_per_code"][0]
        if summary.get("class_names"):
            pairs = [f"{category} {name}" for category, name in enumerate(classes_of_categories(best, summary))]
            yield f"Its categories, from 0, and the classes that they were matched to: {listing(pairs, 20)}."
        yield (
            f"Its categories and the classes agree with NMI {best['nmi']:.3f} and ARI {best['ari']:.3f}: "
            "1 if they are the same groups, ARI 0 by chance; no matching is needed for it."
        )


def _disentanglement_lines(scores: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Disentanglement of {', '.join(scores['factors'])}: "
        + ", ".join(f"{name} {scores[key]:.3f}" for key, name in SCORES.items())
        + f". 1 is best, but for SAP; chance is {1 / len(scores['factors']):.2f} for FactorVAE and BetaVAE, else 0. "
        + DISENTANGLEMENT
    )


def _quality_lines(quality: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Distance of generated to real images (sliced Wasserstein): {quality['swd']:.3f}; between real ones "
        f"{quality['swd_floor']:.3f}. {SWD}"
    )
    if quality["fid"] is not None:
        yield (
            f"FID: {quality['fid']:.1f}; between real images {quality['fid_floor']:.1f}. "
            + fid_meaning(quality["images"])
        )
    elif quality["fid_note"] != NOT_ASKED:
        yield quality["fid_note"]


def _with_interval(bound: float, interval: list[float]) -> str:
    """The bound and how far the farther end of its interval is from it."""
    return f"{bound:.3f} ±{max(bound - interval[0], interval[1] - bound):.3f}"


def _number_of_categorical(summary: dict[str, Any]) -> int:
    return len(summary["mi_bound_nats"]) - len(summary["r2"])


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{fraction:.1%}"
