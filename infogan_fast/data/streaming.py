"""Whether images are held in memory or read when they are needed."""

from __future__ import annotations

from dataclasses import dataclass

from infogan_fast.data.memory import check_fits, fits
from infogan_fast.data.workers import worker_count


@dataclass(frozen=True)
class Streaming:
    """What was asked for; of data that can be read by index."""

    stream: bool | None = None
    """True and False force it; None streams what would take more than half of the free memory."""
    workers: int | None = None
    """Worker processes; None for one per core, at most 8."""

    def wanted(self, what: object, needed: int) -> bool:
        """Whether to stream images that would take ``needed`` bytes of memory.

        Raises:
            DataError: not to stream was asked for, and they do not fit. The message begins with ``what``.
        """
        if self.stream is None:
            return not fits(needed)
        if not self.stream:
            check_fits(what, needed, "with stream=none they are read while training")
        return self.stream

    @property
    def processes(self) -> int:
        """How many worker processes."""
        return worker_count(self.workers)
