"""``infogan-fast traverse``."""

from __future__ import annotations

import typer

from infogan_fast.cli import options
from infogan_fast.runs.evaluate import draw_run
from infogan_fast.runs.folder import RunFolder


def traverse(
    run: options.Run,
    out: options.GridsFolder = None,
    seed: options.NoiseSeed = None,
    device: options.OtherDevice = None,
    checkpoint: options.Checkpoint = "last",
) -> None:
    """Draw what each code of a trained run does.

    Rows: categories of a categorical code. Columns: a continuous code from -2 to 2, or samples.
    """
    for path in draw_run(RunFolder(run), out, seed, device, checkpoint):
        typer.echo(path)
