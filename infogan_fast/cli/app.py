"""The commands under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from infogan_fast.cli import bench, doctor, evaluate, train, traverse
from infogan_fast.version import __version__

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(traverse.traverse)
app.command()(bench.bench)
app.command()(doctor.doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"infogan-fast {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """InfoGAN with fused ops: train one, and see what its codes learned."""
