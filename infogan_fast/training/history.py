"""What a run measures: kept on the device between log lines, so that the loop never waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from torch import Tensor

from infogan_fast.finite import NAMED, NonFiniteError, not_finite
from infogan_fast.objectives import nll_names
from infogan_fast.spec import LatentSpec
from infogan_fast.text import listing
from infogan_fast.training.schedule import Schedule

#: What a line of ``metrics.jsonl`` holds beside what the terms of the objective log.
OTHER_METRICS = ("step", "seconds", "images_per_second", "mi_bound_nats", "schedule")


@dataclass(frozen=True)
class Metrics:
    """Means over the steps since the line before; losses and bounds in nats."""

    step: int
    """Training steps done."""
    seconds: float
    """Seconds of training until now, pictures and checkpoints included."""
    images_per_second: float
    """Training images processed per second since the line before."""
    losses: dict[str, float]
    """What the terms of the objective log, by name; losses in nats where the game's are."""
    mi_bound_nats: list[float]
    """L_I of each code as Q sees it in training, on images with instance noise; categorical first."""
    schedule: Schedule
    """Multipliers at the last of these steps."""

    def to_json(self) -> dict[str, Any]:
        """A line of ``metrics.jsonl``."""
        values = asdict(self)
        losses = values.pop("losses")
        values.pop("schedule")
        return {"step": values.pop("step"), **losses, **values, "schedule": self.schedule._asdict()}

    def __str__(self) -> str:
        """One line for a person."""
        losses = ", ".join(f"{name} {value:.4g}" for name, value in self.losses.items())
        bounds = ", ".join(f"{bound:.3f}" for bound in self.mi_bound_nats)
        return f"step {self.step}: L_I {bounds} nats; {losses}; {self.images_per_second:.0f} images/s"


class History:
    """The metrics of the steps since the last log line, on the device.

    Args:
        spec: the latent variables.
        names: of the metrics, ``TrainingStep.metrics``; those of ``nll_names`` among them.
        capacity: most steps between log lines.
        like: of their dtype, on their device.
    """

    def __init__(self, spec: LatentSpec, names: Sequence[str], capacity: int, like: Tensor) -> None:
        self._names = list(names)
        self._nll = [self._names.index(name) for name in nll_names(spec)]
        self._entropy = spec.entropy()
        self._rows = like.new_zeros((capacity, len(self._names)))
        self._size = 0

    def append(self, terms: Tensor) -> None:
        """Keep the metrics of one step, as ``TrainingStep`` gives them; the device is not waited for."""
        self._rows[self._size].copy_(terms)
        self._size += 1

    @property
    def rows(self) -> Tensor:
        """``[steps, metrics]``: what a checkpoint has to hold to resume in the middle of an interval."""
        return self._rows[: self._size]

    def restore(self, rows: Tensor) -> None:
        """Put back what ``rows`` gave.

        Raises:
            ValueError: they are of other codes, or more than fit.
        """
        if (
            rows.dtype != self._rows.dtype
            or rows.ndim != 2
            or rows.shape[1] != len(self._names)
            or len(rows) > len(self._rows)
        ):
            raise ValueError(
                f"history: got {rows.dtype} {list(rows.shape)}, allowed: {self._rows.dtype}, at most "
                f"{len(self._rows)} rows of {len(self._names)} metrics"
            )
        self._size = len(rows)
        self._rows[: self._size].copy_(rows)

    def clear(self) -> None:
        """Forget all rows."""
        self._size = 0

    def check_finite(self, step: int) -> None:
        """Look at all kept rows; waits for the device.

        Args:
            step: training steps done.

        Raises:
            NonFiniteError: at the first step of which a term is not finite.
        """
        finite = self.rows.isfinite().all(dim=1).cpu()
        if bool(finite.all()):
            return
        first = int((~finite).nonzero()[0])
        values = self.rows[first].tolist()
        terms = ", ".join(f"{name} = {value:.6g}" for name, value in zip(self._names, values, strict=True))
        raise NonFiniteError(f"step {step - self._size + first + 1}: not finite: {terms}")

    def means(self) -> tuple[dict[str, float], list[float]]:
        """Mean of each metric, and L_I of each code in nats, over the kept rows; waits for the device."""
        means = self.rows.double().mean(dim=0).cpu()
        losses = {
            name: value
            for index, (name, value) in enumerate(zip(self._names, means.tolist(), strict=True))
            if index not in self._nll
        }
        return losses, (self._entropy - means[self._nll]).tolist()


def check_weights(tensors: dict[str, Tensor], step: int) -> None:
    """Look at everything that a checkpoint is to hold.

    Raises:
        NonFiniteError: a tensor has a value that is not finite.
    """
    names = not_finite(tensors)
    if names:
        raise NonFiniteError(f"step {step}: not finite: {listing(names, NAMED)}")
