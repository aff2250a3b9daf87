"""Whether data fit into the memory that is free, asked before they are read, and whether they are streamed instead."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from infogan_fast.data.errors import DataError
from infogan_fast.data.workers import worker_count

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Streaming:
    """The user's wish, for data that can be read by index: held in memory, or streamed."""

    stream: bool | None = None
    """True and False force it; None streams what would take more than half of the free memory."""
    workers: int | None = None
    """How many worker processes read streamed data; None for one per core, at most 8."""

    def wanted(self, what: object, needed: int) -> bool:
        """Whether to stream data that would take ``needed`` bytes of memory.

        Raises:
            DataError: streaming is forbidden, and they do not fit. The message begins with ``what``.
        """
        if self.stream is None:
            return not _fits(needed)
        if not self.stream:
            check_fits(what, needed, "with stream=none they are read while training")
        return self.stream

    @property
    def processes(self) -> int:
        """The number of worker processes."""
        return worker_count(self.workers)


def check_fits(what: object, needed: int, instead: str = "") -> None:
    """Raise unless ``needed`` bytes are at most half of the free memory, since training has to live beside the data.

    Anything fits on a system that does not say how much is free.

    Args:
        what: the data asked for, with which the message begins.
        needed: bytes.
        instead: what else the user can do, if there is more than fewer or smaller images.

    Raises:
        DataError: they do not fit.
    """
    if not _fits(needed):
        raise DataError(
            f"{what}: its images need {gib(needed)} of memory, allowed: half of what is free, "
            f"{gib((free_memory() or 0) // 2)}; take fewer images, or smaller ones (image_size)"
            f"{f'; {instead}' if instead else ''}"
        )


def free_memory() -> int | None:
    """Bytes that can be had without swapping, a container's limit included; None where the system does not say."""
    candidates = [free for free in (_of_machine(), _of_container()) if free is not None]
    return min(candidates, default=None)


def gib(count: int) -> str:
    """Bytes as text in GiB."""
    return f"{count / 2**30:.3g} GiB"


def _fits(needed: int) -> bool:
    free = free_memory()
    return free is None or needed <= free // 2


def _of_machine() -> int | None:
    """What the machine has, by Linux's estimate or else its free pages."""
    try:
        for line in _MEMINFO.read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):  # not Linux
        return None


def _of_container() -> int | None:
    """What a cgroup (version 2) leaves. File pages that can be dropped count as free."""
    try:
        limit, used = (int((_CGROUP / name).read_text()) for name in ("memory.max", "memory.current"))
        statistics = dict(line.split() for line in (_CGROUP / "memory.stat").read_text().splitlines())
        return max(0, limit - used + int(statistics.get("inactive_file", 0)))
    except (OSError, ValueError):  # no cgroup, or no limit ("max")
        return None
