"""Tables of the figures of runs that differ in nothing but their seed.

A run is what its summary.json holds. A figure that a run has not, or has as null, is shown as "-"; so are the mean and
the worst of a figure, unless every run has it.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Run = dict[str, Any]
Values = list[float]


@dataclass(frozen=True)
class Figure:
    """A figure of a run, or one for each of its codes."""

    head: str
    of: Callable[[Run], Values | None]
    """The values of a run, None where it has none."""
    form: str
    """The format of a value."""
    worst: Callable[[Sequence[float]], float] | None = min
    """Which of the runs' values is the worst; None where none is."""
    note: Callable[[Run], str] = lambda run: ""
    """What stands behind the values in the row of a run."""

    def over(self, runs: list[Run], pick: Callable[[Sequence[float]], float]) -> Values | None:
        """The mean, the worst, or what ``pick`` gives, over the runs, of each value."""
        values = [self.of(run) for run in runs]
        found = [row for row in values if row is not None]
        if not found or len(found) < len(values):
            return None
        return [pick(column) for column in zip(*found, strict=True)]

    def mean(self, runs: list[Run]) -> Values | None:
        """The mean of each value over the runs."""
        return self.over(runs, statistics.mean)

    def worst_of(self, runs: list[Run]) -> Values | None:
        """The worst of each value over the runs."""
        return None if self.worst is None else self.over(runs, self.worst)

    def text(self, values: Values | None) -> str:
        """The values as a cell of a table."""
        return "-" if values is None else ", ".join(f"{value:{self.form}}" for value in values)


def entry(run: Run, *keys: str | int) -> Any:
    """What lies at the end of these keys; None where one is missing or null."""
    value: Any = run
    for key in keys:
        if isinstance(value, dict):
            value = value.get(str(key))
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return None
    return value


def _one(*keys: str | int) -> Callable[[Run], Values | None]:
    def of(run: Run) -> Values | None:
        value = entry(run, *keys)
        return None if value is None else [value]

    return of


def _each(key: str) -> Callable[[Run], Values | None]:
    def of(run: Run) -> Values | None:
        values = entry(run, key)
        return list(values) if values and None not in values else None

    return of


def _interval(run: Run) -> str:
    interval = entry(run, "accuracy_ci")
    return f" ({interval[0]:.1%} to {interval[1]:.1%})" if interval else ""


ACCURACY = Figure("accuracy, held-out", _one("accuracy"), ".1%", note=_interval)
ACCURACY_TRAIN = Figure("accuracy, training", _one("accuracy_train"), ".1%")
NMI = Figure("NMI", _one("accuracy_per_code", 0, "nmi"), ".3f")
ARI = Figure("ARI", _one("accuracy_per_code", 0, "ari"), ".3f")
BOUNDS = Figure("L_I per code, nats", _each("mi_bound_nats"), ".3f")
CATEGORICAL_BOUND = Figure("L_I of the categorical code, nats", _one("mi_bound_nats", 0), ".3f")
R2 = Figure("R2 per continuous code", _each("r2"), ".2f")
SWD = Figure("sliced Wasserstein", _one("image_quality", "swd"), ".3f", worst=max)
SWD_FLOOR = Figure("its floor", _one("image_quality", "swd_floor"), ".3f", worst=None)
SECONDS = Figure("seconds of training", _one("seconds"), ".0f", worst=max)
SCORES = tuple(
    Figure(head, _one("disentanglement", key), ".2f")
    for head, key in (
        ("FactorVAE", "factor_vae"),
        ("MIG", "mig"),
        ("SAP", "sap"),
        ("DCI", "dci"),
        ("BetaVAE", "beta_vae"),
    )
)

DIGITS = (ACCURACY, ACCURACY_TRAIN, NMI, ARI, BOUNDS, R2, SWD, SWD_FLOOR, SECONDS)
SPRITES = (*SCORES, R2, BOUNDS, SECONDS)


def table(runs: list[Run], figures: Sequence[Figure], objective: str = "") -> str:
    """A row for each run, then their mean and the worst of them; the objective is named in the corner."""
    rows = [[str(run["seed"]), *(f.text(f.of(run)) + f.note(run) for f in figures)] for run in runs]
    rows.append(["**mean**", *(figure.text(figure.mean(runs)) for figure in figures)])
    rows.append(["**worst**", *(figure.text(figure.worst_of(runs)) for figure in figures)])
    corner = f"{objective}: seed" if objective else "seed"
    return markdown([corner, *(figure.head for figure in figures)], rows)


def markdown(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
