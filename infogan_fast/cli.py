"""The commands of ``infogan-fast``."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import typer
from rich.console import Console

from infogan_fast import cli_options as options
from infogan_fast import data as datasets
from infogan_fast._extension import build_info
from infogan_fast.bench import command as bench_command
from infogan_fast.data import DataError
from infogan_fast.data.images import size_text
from infogan_fast.evaluation.table import closing_lines, figures_table
from infogan_fast.files import WriteError
from infogan_fast.finite import NonFiniteError
from infogan_fast.training.checkpoint import CheckpointError, checkpoints, step_of
from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.continuation import continued_config
from infogan_fast.training.device import resolve
from infogan_fast.training.download_progress import download_progress_on
from infogan_fast.training.interrupt import stop_on_signals
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.presets import DEFAULT_PRESET, preset
from infogan_fast.training.progress import progress_on
from infogan_fast.training.run import draw_run, evaluate_run, finish, report_evaluation, start
from infogan_fast.training.run_errors import RunFolderError
from infogan_fast.training.run_folder import RunFolder, new_run_folder
from infogan_fast.training.trainer import Trainer

#: Errors whose message is meant for the user and needs no traceback.
USER_ERRORS = (ConfigError, DataError, CheckpointError, RunFolderError)

#: A run that failed midway.
RUN_ERRORS = (NonFiniteError, WriteError)

#: What the system says of a disk that cannot take more.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)

app = typer.Typer(
    help="InfoGAN with fused ops: train one, and see what its codes learned.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _console() -> Console:
    """For text with paths and names in it, which are printed as they are."""
    return Console(highlight=False, markup=False)


@app.command()
def train(
    context: typer.Context,
    out: options.Out = None,
    seed: options.Seed = None,
    data: options.Data = None,
    strict: options.Strict = None,
    preset_name: options.Preset = None,
    assignments: options.Set = None,
    steps: options.Steps = None,
    device: options.Device = None,
    resume: options.Resume = False,
    compile_step: options.Compile = None,
    tensorboard: options.TensorBoard = None,
    settings: options.Settings = False,
) -> None:
    """Train an InfoGAN. Without options: on 5,000 real MNIST digits, in some minutes on a CPU.

    The run folder gets config.json, metrics.jsonl, checkpoints/, traversals/*.png, summary.json and
    report.html, which is for a browser.
    """
    console = _console()
    given = {
        "seed": seed,
        "data": data,
        "strict": strict,
        "steps": steps,
        "device": device,
        "compile": compile_step,
        "tensorboard": tensorboard,
    }
    overrides = parse_overrides(assignments or ())
    overrides |= {key: value for key, value in given.items() if value is not None}
    if "data" in overrides:
        overrides["data"] = datasets.canonical(overrides["data"])
    if resume and out is None:
        raise RunFolderError("--resume: say which run with --out DIR")
    if resume and out is not None and RunFolder(out).is_run:
        folder = RunFolder(out)
        context.call_on_close(folder.release)
        folder.hold()
        config, notes = continued_config(folder, preset_name, overrides)
    else:
        config, notes = resolve(dataclasses.replace(preset(preset_name or DEFAULT_PRESET), **overrides))
        folder = new_run_folder(out, preset_name or DEFAULT_PRESET)
        context.call_on_close(folder.release)
    if datasets.is_path(config.data):  # which may take minutes
        console.print(f"reading images: {config.data}", soft_wrap=True)
    try:
        with download_progress_on(console) as download:
            trainer = start(config, folder, download)
    except BaseException:
        folder.remove_if_unused()
        raise
    try:
        with _failures_explained(trainer):
            _print_start(console, trainer, notes)
            with stop_on_signals() as stop, progress_on(console, config.steps, trainer.step) as progress:
                trainer.run(progress, stop)
    except KeyboardInterrupt:  # the second Ctrl-C
        console.print(f"interrupted in step {trainer.step + 1}, not saved; {_how_to_continue(folder)}", soft_wrap=True)
        raise typer.Exit(130) from None
    if stop():
        console.print(f"stopped after step {trainer.step}, saved; {_how_to_continue(folder)}", soft_wrap=True)
        raise typer.Exit(stop.exit_code)
    with _failures_explained(trainer):
        summary = finish(trainer)
    _print_summary(console, summary)
    console.print(
        f"{summary['steps']} steps in {summary['seconds']:.0f} s, {summary['images_per_second']:.0f} images/s\n"
        f"pictures: {folder.traversals}{os.sep}  figures: {folder.path / 'summary.json'}  "
        f"report: {folder.path / 'report.html'}",
        soft_wrap=True,
    )


def _print_start(console: Console, trainer: Trainer, notes: list[str]) -> None:
    """What is about to be trained, on what, and where the results go."""
    config, heldout = trainer.config, trainer.data.heldout_images
    lines = [
        f"run folder: {trainer.folder.path}",
        f"data: {trainer.data.name}, {len(trainer.data.images)} training images of "
        f"{size_text(trainer.data.image_shape)}{'' if heldout is None else f', {len(heldout)} held out'}",
        *trainer.data.notes,
        *([trainer.batches.note] if trainer.batches.note else []),
        *notes,
        f"seed: {config.seed}, steps: {config.steps}, threads: {torch.get_num_threads()}",
    ]
    entropies = list(zip(config.spec.code_names, config.spec.entropy().tolist(), strict=True))
    if config.categorical:
        limits = ", ".join(f"{name} {entropy:.3f}" for name, entropy in entropies[: len(config.categorical)])
        lines.append(f"H(c) in nats, the most that L_I of a categorical code can be: {limits}")
    if trainer.continued_from is not None:
        lines.append(f"continuing from step {trainer.step}: {trainer.continued_from}")
    for line in lines:
        console.print(line, soft_wrap=True)


def _how_to_continue(folder: RunFolder) -> str:
    if not checkpoints(folder.checkpoints):
        return "no checkpoint had been written yet"
    return f"continue with: infogan-fast train --resume --out {folder}"


@contextmanager
def _failures_explained(trainer: Trainer) -> Iterator[None]:
    """Adds to the errors of a run that fails midway what is saved of it, and what to do."""
    folder = trainer.folder
    try:
        yield
    except NonFiniteError as error:
        raise NonFiniteError(f"{error}\n{_after_divergence(folder)}") from error
    except WriteError as error:
        raise WriteError(f"{error}\n{_after_failed_write(folder)}") from error
    except DataError as error:  # streamed images went away
        over = trainer.step == trainer.config.steps
        where = "training is done, its evaluation is not" if over else f"stopped in step {trainer.step + 1}"
        raise DataError(f"{error}\n{where}; {_how_to_continue(folder)}") from error
    except OSError as error:  # not of the run's own files: the output may go to a file on the same disk
        if error.errno not in _NO_ROOM:
            raise WriteError(f"{error}\n{_how_to_continue(folder)}") from error
        what = f"{error.filename or 'standard output'}: cannot be written: {error.strerror}"
        raise WriteError(f"{what}\n{_after_failed_write(folder)}") from error


def _after_divergence(folder: RunFolder) -> str:
    """What to do: training is deterministic, so trying again is no use."""
    advice = "Resuming would diverge at the same step: start again with lower learning rates (--settings lists them)."
    if not checkpoints(folder.checkpoints):
        return f"{advice} No checkpoint had been written yet."
    return f"{advice} Figures of the last good checkpoint: infogan-fast evaluate {folder}"


def _after_failed_write(folder: RunFolder) -> str:
    """What is saved, and what to do."""
    found = checkpoints(folder.checkpoints)
    saved = f"The last good checkpoint is that of step {step_of(found[-1])}" if found else "No checkpoint is saved yet"
    return f"{saved}. Make room, then continue with: infogan-fast train --resume --out {folder}"


def _print_summary(console: Console, figures: dict[str, Any]) -> None:
    console.print(f"objective: {figures['objective']}", soft_wrap=True)
    console.print(figures_table(figures))
    for line in closing_lines(figures):
        console.print(line, soft_wrap=True)


@app.command()
def evaluate(
    run: options.Run,
    data: options.OtherData = None,
    device: options.OtherDevice = None,
    checkpoint: options.Checkpoint = "last",
    fid: options.Fid = False,
    as_json: options.AsJson = False,
    report: options.Report = False,
) -> None:
    """Show what the codes of a trained run learned: L_I in nats, R2, and accuracy on real images (0 to 100 %).

    Also how close the images come to real ones and, where the factors of the images are known, whether each code stands
    for one of them (scores from 0 to 1).

    --data gives other images than the run's own: the matching of categories to classes is
    fitted on their training part.
    """
    console = _console()
    with download_progress_on(Console(stderr=True) if as_json else console) as download:
        figures = evaluate_run(RunFolder(run), data, device, checkpoint, download, fid)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        for note in figures["data_notes"]:
            console.print(note, soft_wrap=True)
        _print_summary(console, figures)
    if report:
        path = report_evaluation(RunFolder(run), figures, data, device, checkpoint)
        typer.echo(f"report: {path}", err=as_json)


@app.command()
def traverse(
    run: options.Run,
    out: options.Pictures = None,
    seed: options.NoiseSeed = None,
    device: options.OtherDevice = None,
    checkpoint: options.Checkpoint = "last",
) -> None:
    """Draw what each code of a trained run does.

    Rows: categories of a categorical code. Columns: a continuous code from -2 to 2, or samples.
    """
    for path in draw_run(RunFolder(run), out, seed, device, checkpoint):
        typer.echo(path)


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
    options_metavar="[OPTIONS, see infogan-fast bench --help]",
)
def bench(context: typer.Context) -> None:
    """Measure the ops, the training step and the time to a result against plain PyTorch."""
    raise typer.Exit(bench_command.main(context.args, prog="infogan-fast bench"))


@app.command()
def doctor() -> None:
    """Print versions, how the ops were built and what `--device auto` chooses, to go with a bug report."""
    config, _ = resolve(TrainConfig())
    lines = {
        "python": f"{platform.python_version()} ({sys.executable})",
        "platform": platform.platform(),
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        **{f"build: {key}": value for key, value in build_info().items()},
        "GPU": torch.cuda.get_device_name() if torch.cuda.is_available() else "none",
        "device auto": config.device,
        "default width": config.width,
    }
    for name, value in lines.items():
        typer.echo(f"{name:26} {value}")
