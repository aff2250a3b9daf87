"""Whether images fit into the memory that is free, asked before they are read."""

from __future__ import annotations

import os
from pathlib import Path

from infogan_fast.data.errors import DataError

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def fits(needed: int) -> bool:
    """Whether ``needed`` bytes are at most half of the free memory: the training has to live beside the images.

    Anything fits on a system that does not say how much is free.
    """
    free = free_memory()
    return free is None or needed <= free // 2


def check_fits(what: object, needed: int, instead: str = "") -> None:
    """Raise unless ``needed`` bytes fit.

    Args:
        what: the data asked for, with which the message begins.
        needed: bytes.
        instead: what else the user can do, if there is more than fewer or smaller images.

    Raises:
        DataError: they do not.
    """
    free = free_memory()
    if free is not None and needed > free // 2:
        raise DataError(
            f"{what}: its images need {gib(needed)} of memory, allowed: half of what is free, {gib(free // 2)}; "
            f"take fewer images, or smaller ones (image_size){f'; {instead}' if instead else ''}"
        )


def free_memory() -> int | None:
    """Bytes that can be had without swapping, a container's limit included; None where the system does not say."""
    candidates = [free for free in (_of_machine(), _of_container()) if free is not None]
    return min(candidates, default=None)


def _of_machine() -> int | None:
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


def gib(count: int) -> str:
    """Bytes as text in GiB."""
    return f"{count / 2**30:.3g} GiB"
