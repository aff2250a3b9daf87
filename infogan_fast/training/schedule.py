"""The schedules of a run: learning rates fall at its end, the continuous codes' weight rises early on."""

from __future__ import annotations

from typing import NamedTuple

from infogan_fast.training.settings import TrainConfig


class Schedule(NamedTuple):
    """Multipliers at one training step, each from 0 to 1."""

    learning_rate: float
    """The multiplier of every learning rate: 1, then falling linearly to 0 over the last part of the run."""
    continuous_weight: float
    """The multiplier of the continuous codes' weight: 0, then rising linearly to 1 early in the run; 1 throughout where
    there are no categorical codes."""


def schedule_at(config: TrainConfig, step: int) -> Schedule:
    """The multipliers in training step ``step``, counted from 0, of ``config.steps``."""
    done = step / config.steps
    decay = 1.0 if done <= config.decay_from else (1.0 - done) / (1.0 - config.decay_from)
    ramp = _ramp(done, config.continuous_from, config.continuous_full) if config.categorical else 1.0
    return Schedule(decay, ramp)


def _ramp(done: float, first: float, full: float) -> float:
    if done >= full:
        return 1.0
    return 0.0 if done <= first else (done - first) / (full - first)
