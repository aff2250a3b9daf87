"""``infogan-fast bench``, whose options are those of ``infogan_fast.bench``."""

from __future__ import annotations

import typer

from infogan_fast.bench import command


def bench(context: typer.Context) -> None:
    """Measure the ops, the training step and the time to a result against plain PyTorch."""
    raise typer.Exit(command.main(context.args, prog="infogan-fast bench"))
