"""How a download shows its progress: a bar per file on a terminal, a line per file elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.progress import Progress as Bar

from infogan_fast.data import Progress


@contextmanager
def download_progress_on(console: Console) -> Iterator[Progress]:
    """A ``progress`` for ``data.load`` that suits the console; it shows nothing where nothing is downloaded."""
    bar = Bar(
        TextColumn("downloading {task.description}"),
        BarColumn(bar_width=24),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
    )
    tasks = {}

    def update(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(name, total=total)
            if console.is_terminal:
                bar.start()
            else:
                console.print(f"downloading {name}: {decimal(total)}", soft_wrap=True)
        bar.update(tasks[name], completed=done)

    try:
        yield update
    finally:
        if console.is_terminal and tasks:
            bar.stop()
