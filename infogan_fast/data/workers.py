"""Worker processes that read data ahead of the step that needs them."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from infogan_fast.data.errors import DataError

_MOST_BY_DEFAULT = 8
_DEATH = "DataLoader worker"  # how torch begins the message of a worker that died

T = TypeVar("T")


def worker_count(asked: int | None) -> int:
    """The number of worker processes: as asked for, or else one per core that this process may use, at most 8."""
    if asked is not None:
        return asked
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(cores, _MOST_BY_DEFAULT)


def read_ahead(
    read: Callable[[list[int]], T], order: Iterable[list[int]], workers: int, what: str, *, pin: bool = False
) -> Generator[T, None, None]:
    """Yield ``read`` of each element of ``order``, in that order, from worker processes of one thread each.

    They are started at the first result and are gone when the generator ends or is closed. They leave SIGINT,
    SIGTERM and SIGHUP, which a terminal or a scheduler sends to every process, to this one, and end when it does,
    however it ends.

    Args:
        read: must survive pickling where processes are not forked. A ``DataError`` of it is raised here.
        order: what to read; it may be endless.
        workers: how many processes; 0 to read in this one, nothing ahead.
        what: the data, in messages.
        pin: whether results are put into memory that a GPU copies from without waiting.

    Raises:
        DataError: ``read`` raised it, or a worker died.
    """
    loader = DataLoader(
        _Reader(read),
        batch_size=None,
        sampler=order,
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_leave_signals_to_parent,
        pin_memory=pin,
        generator=torch.Generator(),  # or it would draw from the global one
    )
    end: Callable[[], None] | None = None
    try:
        with worker_deaths_explained(what):
            results = iter(loader)
            if workers:
                end = partial(_end, results)
                atexit.register(end)  # where the program ends first, it would wait for them, who ignore SIGTERM
            for result in results:
                if isinstance(result, _Refused):
                    raise DataError(result.message)
                yield result
    finally:
        if end is not None:
            atexit.unregister(end)
            end()


@contextmanager
def worker_deaths_explained(what: str) -> Iterator[None]:
    """Raise the death of a worker as a ``DataError``.

    torch may notice it at any time, as a ``RuntimeError`` of its own, or while it takes a tensor from the worker, as
    the ``ConnectionError`` or ``EOFError`` of the connection between the two.
    """
    try:
        yield
    except (RuntimeError, ConnectionError, EOFError) as error:
        if isinstance(error, RuntimeError) and not str(error).startswith(_DEATH):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0].removeprefix(_DEATH).strip()
        raise DataError(
            f"{what}: a worker process that reads its images died: {reason} If memory ran out, take fewer of them: "
            "--set workers=1, or 0 for none"
        ) from error


def _as_it_is(result: Any) -> Any:
    return result


def _leave_signals_to_parent(_worker: int) -> None:
    for number in (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # not on Windows
        signal.signal(number, signal.SIG_IGN)


def _end(results: Any) -> None:
    """End the workers of a DataLoader's iterator now, and kill one that does not react, at a file system that hangs.

    torch has no public way: it ends workers when its iterator is deleted, which a traceback that holds it puts off, and
    it waits for one that hangs. Killed before torch stops watching them, workers make it raise in whatever runs then.
    """
    processes = list(results._workers)
    results._shutdown_workers()
    for process in processes:
        if process.is_alive():
            process.kill()
            process.join()


@dataclass(frozen=True)
class _Refused:
    """The message of a ``DataError`` on its way out of a worker, since torch would wrap an exception in its own."""

    message: str


class _Reader(Dataset[Any]):
    """``read`` as the dataset of a DataLoader, which asks it for the elements of ``order``."""

    def __init__(self, read: Callable[[list[int]], Any]) -> None:
        self._read = read

    def __getitem__(self, indices: list[int]) -> Any:
        try:
            return self._read(indices)
        except DataError as error:
            return _Refused(str(error))
