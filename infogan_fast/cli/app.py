"""The commands under one name."""

from __future__ import annotations

import typer

from infogan_fast.cli import bench, doctor, evaluate, train, traverse

app = typer.Typer(
    help="InfoGAN with fused ops: train one, and see what its codes learned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(train.train)
app.command()(evaluate.evaluate)
app.command()(traverse.traverse)
app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    options_metavar="[OPTIONS, see infogan-fast bench --help]",
)(bench.bench)
app.command()(doctor.doctor)
