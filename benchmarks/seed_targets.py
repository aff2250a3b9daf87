"""What the runs on several seeds are held to, and whether they reach it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks.generated import threads
from benchmarks.seed_tables import ACCURACY, R2, SECONDS, Run, Values, entry

MOST_SECONDS = 300.0
"""Of a run on two cores."""
LEAST_R2 = 0.8
"""Of each continuous code, in the mean of the seeds."""
MOST_RATIO = 1.6
"""Of a step with the term on real images to one without."""
NOT_RUN = "not run"

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Target:
    """One thing that is asked of the runs of an objective."""

    what: str
    wanted: str
    measured: str
    verdict: str


def targets(runs: list[Run] | None, mean: float, worst: float) -> list[Target]:
    """The targets of an objective on mnist5k.

    Args:
        runs: its runs, None where there are none.
        mean, worst: the held-out accuracies that are wanted.
    """
    return [
        _accuracy("accuracy, mean of the seeds", mean, ACCURACY.mean(runs) if runs else None),
        _accuracy("accuracy, worst seed", worst, ACCURACY.worst_of(runs) if runs else None),
        _recovery(runs),
        _seconds(runs),
    ]


def cost(steps: list[dict[str, Any]] | None) -> Target:
    """The target of a step with the term on real images.

    Args:
        steps: what ``benchmarks.term_cost`` measured, None where it has not.
    """
    what, wanted = "a step, against one without the term", f"at most {MOST_RATIO:g} times"
    if not steps:
        return Target(what, wanted, "-", NOT_RUN)
    measured = ", ".join(f"{step['ratio']:.2f} times on {threads(step['threads'])}" for step in steps)
    over = max(step["ratio"] for step in steps) - MOST_RATIO
    return Target(what, wanted, measured, "**met**" if over <= _ROUNDING else f"missed by {over:.2f}")


def at_least(values: Values | None, wanted: float, unit: str = "", scale: float = 1.0) -> str:
    """The verdict on values of which the least has to reach what is wanted."""
    if values is None:
        return NOT_RUN
    short = wanted - min(values)
    return "**met**" if short <= _ROUNDING else f"missed by {short * scale:.3g}{unit}"


def _accuracy(what: str, wanted: float, measured: Values | None) -> Target:
    text = "-" if measured is None else f"{measured[0]:.2%}"
    return Target(what, f"{wanted:.0%}", text, at_least(measured, wanted, " points", 100.0))


def _recovery(runs: list[Run] | None) -> Target:
    mean, worst = (R2.mean(runs), R2.worst_of(runs)) if runs else (None, None)
    text = "-"
    if mean is not None and worst is not None:
        text = f"{', '.join(f'{value:.3f}' for value in mean)} (worst {', '.join(f'{value:.3f}' for value in worst)})"
    return Target("R2 of each continuous code, mean of the seeds", f"{LEAST_R2:g}", text, at_least(mean, LEAST_R2))


def _seconds(runs: list[Run] | None) -> Target:
    what, wanted = "training on two cores, slowest seed", f"{MOST_SECONDS:.0f} s"
    slowest = SECONDS.worst_of(runs) if runs else None
    if slowest is None or not runs:
        return Target(what, wanted, "-", NOT_RUN)
    counts = sorted({entry(run, "threads") or 0 for run in runs})
    measured = f"{slowest[0]:.0f} s" + (" on one thread" if counts == [1] else "")
    if slowest[0] <= MOST_SECONDS:
        return Target(what, wanted, measured, "**met**")
    if counts == [1]:
        return Target(what, wanted, measured, "not on one thread; two not measured")
    return Target(what, wanted, measured, f"missed by {slowest[0] - MOST_SECONDS:.1f} s")
