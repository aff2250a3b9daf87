"""How a run shows its progress: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar
from rich.text import Text

from infogan_fast.text import duration
from infogan_fast.training.history import Metrics

_SECONDS_BETWEEN_LINES = 10.0

# Of the metrics, those that metrics.jsonl alone has: L_I says the same, or they are for who looks into a divergence.
_LEFT_OUT = frozenset({"discriminator_information_loss", "generator_information_loss", "head_abs_max"})


def describe(metrics: Metrics) -> str:
    """Throughput, what the terms of the objective log, and L_I per code in nats, on one line."""
    losses = [f"{_abbreviated(name)} {value:.2f}" for name, value in metrics.losses.items() if name not in _LEFT_OUT]
    bounds = " ".join(f"{bound:.2f}" for bound in metrics.mi_bound_nats)
    return "  ".join([f"{metrics.images_per_second:.0f} images/s", *losses, f"L_I {bounds} nats"])


def _abbreviated(name: str) -> str:
    """A metric's name with D and G for the players, and without the word loss: ``D`` for ``discriminator_loss``."""
    short = name.replace("discriminator", "D").replace("generator", "G").removesuffix("_loss")
    return short.replace("_", " ")


class _BarAboveMetrics(Bar):
    """A progress bar and, on a row of its own, the metrics."""

    metrics = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        """The bar's row and that of the metrics."""
        yield self.make_tasks_table(self.tasks)
        yield Text(self.metrics)


class BarProgress:
    """Keeps a rich progress bar up to date: steps and time left on one row, metrics below."""

    def __init__(self, bar: _BarAboveMetrics, steps: int, done: int) -> None:
        self._bar = bar
        self._task = bar.add_task("train", total=steps, completed=done)

    def update(self, metrics: Metrics) -> None:
        """Show a line of metrics."""
        self._bar.metrics = describe(metrics)
        self._bar.update(self._task, completed=metrics.step)


class LineProgress:
    """Prints a line at most every ten seconds, and one at the end."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console, self._steps = console, steps
        self._printed = -_SECONDS_BETWEEN_LINES

    def update(self, metrics: Metrics) -> None:
        """Print a line of metrics if it is time to."""
        now = time.monotonic()
        if now - self._printed >= _SECONDS_BETWEEN_LINES or metrics.step == self._steps:
            self._printed = now
            seconds = metrics.seconds / metrics.step * (self._steps - metrics.step)
            left = f"  {duration(seconds)} left" if metrics.step < self._steps else ""
            self._console.print(f"step {metrics.step}/{self._steps}  {describe(metrics)}{left}", soft_wrap=True)


@contextmanager
def progress_on(console: Console, steps: int, done: int) -> Iterator[BarProgress | LineProgress]:
    """Progress of a run of ``steps`` training steps of which ``done`` are done, as suits the console."""
    if not console.is_terminal:
        yield LineProgress(console, steps)
        return
    columns = (TextColumn("step"), MofNCompleteColumn(), BarColumn(bar_width=24), TimeRemainingColumn())
    with _BarAboveMetrics(*columns, TextColumn("left"), console=console) as bar:
        yield BarProgress(bar, steps, done)
