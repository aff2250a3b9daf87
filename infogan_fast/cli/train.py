"""``infogan-fast train``."""

from __future__ import annotations

import os
from functools import partial

import torch
import typer
from rich.console import Console

from infogan_fast import data as datasets
from infogan_fast.cli import options
from infogan_fast.cli.console import paths_console, print_summary
from infogan_fast.cli.download_progress import download_progress_on
from infogan_fast.cli.errors import INTERRUPTED, failures_explained, how_to_resume
from infogan_fast.cli.output import going_on_without_output
from infogan_fast.cli.progress import progress_on
from infogan_fast.cli.settings import print_settings
from infogan_fast.data.images import size_text
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.interrupt import stop_on_signals
from infogan_fast.runs.start import start
from infogan_fast.runs.train import prepare, preset_for
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.settings import ConfigError, TrainConfig


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
    resume_or_start: options.ResumeOrStart = False,
    compile_step: options.Compile = None,
    tensorboard: options.TensorBoard = None,
    settings: options.Settings = False,
) -> None:
    """Train an InfoGAN. Without options: on 5,000 real MNIST digits, in some minutes on a CPU.

    The run folder gets config.json, metrics.jsonl, checkpoints/, traversals/*.png, summary.json and
    report.html, which is for a browser.
    """
    given = {
        "seed": seed,
        "data": data,
        "strict": strict,
        "steps": steps,
        "device": device,
        "compile": compile_step,
        "tensorboard": tensorboard,
    }
    if resume and resume_or_start:
        raise ConfigError("--resume and --resume-or-start: got both, allowed: one of them")
    overrides = parse_overrides(assignments or ())
    for key, value in given.items():
        if value is not None and overrides.get(key, value) != value:
            raise ConfigError(f"{key}: got {value!r} and, with --set, {overrides[key]!r}; allowed: one of them")
    overrides |= {key: value for key, value in given.items() if value is not None}
    if settings:
        print_settings(preset_for(overrides) if preset_name is None else preset_name, overrides)
        return
    folder, config, notes = prepare(out, preset_name, overrides, resume=resume, or_start=resume_or_start)
    context.call_on_close(folder.release)
    with going_on_without_output(f"training goes on, its results go to {folder.path}"):
        _train(config, folder, notes)


def _train(config: TrainConfig, folder: RunFolder, notes: list[str]) -> None:
    console = paths_console()
    try:
        if datasets.is_path(config.data):  # which may take minutes
            console.print(f"reading images: {config.data}", soft_wrap=True)
        with download_progress_on(console) as download:
            trainer = start(config, folder, download)
    except BaseException:
        folder.remove_if_unused()
        raise
    try:
        with failures_explained(trainer):
            _print_start(console, trainer, notes)
            with stop_on_signals() as stop, progress_on(console, config.steps, trainer.step) as progress:
                trainer.run(progress.update, stop, partial(console.print, soft_wrap=True))
    except KeyboardInterrupt:  # the second Ctrl-C
        console.print(f"interrupted in step {trainer.step + 1}, not saved; {how_to_resume(folder)}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    if stop():
        console.print(f"stopped after step {trainer.step}, saved; {how_to_resume(folder)}", soft_wrap=True)
        raise typer.Exit(stop.exit_code)
    try:
        with failures_explained(trainer):
            summary = trainer.finish()
    except KeyboardInterrupt:
        console.print(f"interrupted; training is done, its evaluation is not; {how_to_resume(folder)}", soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from None
    print_summary(console, summary)
    console.print(
        f"{summary['steps']} steps in {summary['seconds']:.0f} s, {summary['images_per_second']:.0f} images/s\n"
        f"image grids: {folder.traversals}{os.sep}  metrics: {folder.path / 'summary.json'}  "
        f"report: {folder.path / 'report.html'}",
        soft_wrap=True,
    )


def _print_start(console: Console, trainer: Trainer, notes: list[str]) -> None:
    """Print what is about to be trained, on what, and where the results go."""
    config, heldout = trainer.config, trainer.data.heldout_images
    lines = [
        f"run folder: {trainer.folder.path}",
        f"data: {trainer.data.name}, {len(trainer.data.images)} training images of "
        f"{size_text(trainer.data.shape)}{'' if heldout is None else f', {len(heldout)} held out'}",
        *trainer.data.notes,
        *([trainer.loop.inputs.batches.note] if trainer.loop.inputs.batches.note else []),
        *notes,
        f"seed: {config.seed}, steps: {config.steps}, threads: {torch.get_num_threads()}",
    ]
    entropies = list(zip(config.spec.code_names, config.spec.entropy().tolist(), strict=True))
    if config.categorical:
        limits = ", ".join(f"{name} {entropy:.3f}" for name, entropy in entropies[: len(config.categorical)])
        lines.append(f"H(c) in nats, the most that L_I of a categorical code can be: {limits}")
    if trainer.resumed_from is not None:
        lines.append(f"resuming from step {trainer.step}: {trainer.resumed_from}")
    for line in lines:
        console.print(line, soft_wrap=True)
