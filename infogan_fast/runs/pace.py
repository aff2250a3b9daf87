"""A run's own first steps, timed, so that it can be said how long the run will take."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch

from infogan_fast.runs.estimate import estimate_lines
from infogan_fast.training.loop import TrainingLoop

_MOST_STEPS, _LEAST_STEPS = 10, 2
_ENOUGH_SECONDS, _MOST_SECONDS = 5.0, 10.0

#: Who is told how long a run will take: called with each line.
Tell: TypeAlias = Callable[[str], None]


class Pace:
    """Advances a loop, and says once, after its first steps, how long the run will take.

    Timed are up to ten steps, in some five seconds but at least two of them, after those in which memory is allocated
    and the step compiled. Where that would take more than ten seconds, a single step will do; and on a CPU, unless the
    step is compiled, the very first one, if it takes more than ten seconds by itself. What is written between the steps
    does not count. On a GPU each of these steps is waited for, which makes them a little longer than the others. The
    steps are those of the run, whose results are the same bits with and without.

    Args:
        loop: that is advanced.
        shape: of one item of the data.
        tell: called with each line of ``estimate_lines``, unless the run ends before; None, and nothing is timed.
    """

    def __init__(self, loop: TrainingLoop, shape: Sequence[int], tell: Tell | None) -> None:
        self._loop, self._shape, self._tell = loop, shape, tell
        self._done_before = loop.step
        self._seconds: list[float] = []  # of each step

    def advance(self) -> None:
        """Do one step.

        Raises:
            DataError: streamed images cannot be read any more.
        """
        if self._tell is None:
            self._loop.advance()
            return
        started = time.perf_counter()
        self._loop.advance()
        if self._loop.device.type == "cuda":
            torch.cuda.synchronize(self._loop.device)
        self._seconds.append(time.perf_counter() - started)
        steps = self._representative()
        if steps and self._loop.step < self._loop.config.steps:
            tell, self._tell = self._tell, None
            seconds, alone = sum(steps) / len(steps), len(self._seconds) == 1
            for line in estimate_lines(self._loop.config, self._shape, self._done_before, seconds, first_alone=alone):
                tell(line)

    def _representative(self) -> list[float]:
        """Seconds of the steps that stand for the others; none while there are too few."""
        sets_up = self._loop.warm_up_steps > 1
        if len(self._seconds) == 1 and self._seconds[0] > _MOST_SECONDS and not sets_up:
            return self._seconds
        timed = self._seconds[self._loop.warm_up_steps :]
        spent = sum(timed if sets_up else self._seconds)
        enough = len(timed) >= _LEAST_STEPS and spent >= _ENOUGH_SECONDS
        late = bool(timed) and spent + timed[-1] > _MOST_SECONDS
        return timed if enough or late or len(timed) == _MOST_STEPS else []
