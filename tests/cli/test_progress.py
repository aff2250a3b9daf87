"""What a user sees while a run goes on."""

import io

from rich.console import Console

from infogan_fast.cli.progress import describe, progress_on
from infogan_fast.training.history import Metrics
from infogan_fast.training.schedule import Schedule

PAPER = (
    "discriminator_loss",
    "discriminator_information_loss",
    "head_abs_max",
    "generator_loss",
    "generator_information_loss",
)


def metrics(step, seconds, names=PAPER):
    losses = dict.fromkeys(names, 1.25)
    return Metrics(step, seconds, 4321.0, losses, [2.295, -0.31, -0.28], Schedule(1.0, 1.0))


def test_lines_tell_the_time_left():
    output = io.StringIO()
    with progress_on(Console(file=output, width=80), 7000, 0) as progress:
        progress.update(metrics(1000, 30.0))
        first = output.getvalue()
        progress.update(metrics(7000, 210.0))
    assert first.startswith("step 1000/7000  4321 images/s  D 1.25  G 1.25  L_I ")
    assert first.endswith("  3 min left\n")
    assert output.getvalue().endswith(" nats\n")


def test_bar_shows_everything_on_80_columns():
    output, clock = io.StringIO(), [0.0]
    console = Console(file=output, width=80, force_terminal=True, color_system=None, get_time=lambda: clock[0])
    with progress_on(console, 7000, 0) as progress:
        for step in range(500, 4000, 500):
            clock[0] += 15.0
            progress.update(metrics(step, clock[0]))
        progress._bar.refresh()
    rows = [row.strip() for row in output.getvalue().splitlines()]
    bar = next(row for row in reversed(rows) if "3500/7000" in row)
    assert bar.endswith("0:01:45 left")
    assert any("4321 images/s  D 1.25  G 1.25  L_I 2.29 -0.31 -0.28 nats" in row for row in rows)


def test_losses_are_those_of_the_objective():
    penalty = "discriminator_loss", "gradient_penalty", "discriminator_information_loss", "generator_loss"
    assert "s  D 1.25  gradient penalty 1.25  G 1.25  L_I" in describe(metrics(1, 1.0, penalty))
    assert "s  feature matching 1.25  L_I" in describe(metrics(1, 1.0, ["feature_matching_loss"]))
    assert "s  L_I" in describe(metrics(1, 1.0, []))
