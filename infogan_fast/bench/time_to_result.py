"""Seconds of training until the codes mean something: our trainer's plain job and common form A, on the same digits.

A run is stopped now and then to look at it; the clock stands still meanwhile. Neither run writes log lines, checkpoints
or image grids. Compilation is not counted: a few steps of a job that is thrown away come first, and are reported apart.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from infogan_fast.bench.common_steps import FormA
from infogan_fast.bench.jobs import CommonJob, Job, OurJob
from infogan_fast.bench.machine import machine
from infogan_fast.data import ImageData
from infogan_fast.evaluation import code_accuracies, recover_codes
from infogan_fast.training.device import resolve
from infogan_fast.training.presets import PRESETS
from infogan_fast.training.randomness import EVALUATION
from infogan_fast.training.settings import TrainConfig

#: L_I of the categorical code that counts as having learned it, in nats of at most log 10 = 2.303.
BOUND_NATS = 2.2
#: Fraction of held-out digits that counts as classifying them.
ACCURACY = 0.8

#: The batch size of the common implementations of form A.
FORM_A_BATCH = 128

_RESOLUTION = 0.05  # of the seconds that are reported
_FIRST_STEPS = 5

TRAINERS = ("infogan_fast", "form A")


def configuration(trainer: str, seed: int, device: str) -> TrainConfig:
    """The plain job, or form A's batch size on the networks of the plain job."""
    config, _ = resolve(dataclasses.replace(PRESETS["mnist5k-plain"], seed=seed, device=device))  # type: ignore[arg-type]
    return config if trainer == TRAINERS[0] else dataclasses.replace(config, batch_size=FORM_A_BATCH)


def make_job(trainer: str, config: TrainConfig, data: ImageData) -> Job:
    """The job of one of ``TRAINERS``."""
    torch.manual_seed(config.seed)  # form A draws from torch's generator
    return OurJob(config, data) if trainer == TRAINERS[0] else CommonJob(FormA, config, data)


def look(job: Job, data: ImageData, config: TrainConfig, samples: int) -> dict[str, Any]:
    """Evaluate the networks now: L_I of the categorical code, and its accuracy on held-out images."""
    seed = torch.tensor(config.seed, device=config.device)
    recovery = recover_codes(job.nets, seed, EVALUATION, samples)
    accuracies = code_accuracies(job.nets, data)
    return {
        "mi_bound_nats": recovery.mi_bound_nats[0],
        "accuracy": accuracies[0].heldout if accuracies else None,
        "accuracy_train": accuracies[0].train if accuracies else None,
    }


def first_steps(trainer: str, config: TrainConfig, data: ImageData) -> float:
    """Seconds of the first steps of a job that is thrown away: where they are compiled, that is once per process."""
    started = time.perf_counter()
    job = make_job(trainer, config, data)
    for _ in range(_FIRST_STEPS):
        job()
    _wait(config.device)
    return time.perf_counter() - started


def _wait(device: str) -> None:
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize()


def train(
    trainer: str, config: TrainConfig, data: ImageData, seconds: float, every: float = 1.0, samples: int = 2000
) -> dict[str, Any]:
    """Train once, and tell how it went.

    Args:
        trainer: one of ``TRAINERS``.
        config: its settings, with device and width resolved.
        data: the images.
        seconds: of training, at most. Ours ends after ``config.steps``, if that is earlier; form A has no end.
        every: seconds between looks, or a twentieth of those that have passed if that is more.
        samples: images generated for L_I at each look.
    """
    job = make_job(trainer, config, data)
    curve: list[dict[str, Any]] = []
    clock, ended = 0.0, False
    while not ended:
        due = clock + max(every, _RESOLUTION * clock)
        started = time.perf_counter()
        while True:
            job()
            now = clock + time.perf_counter() - started
            ended = now >= seconds or (trainer == TRAINERS[0] and job.step >= config.steps)
            if ended or now >= due:
                break
        _wait(config.device)
        clock += time.perf_counter() - started
        curve.append({"seconds": clock, "step": job.step, **look(job, data, config, samples)})
    complete = trainer == TRAINERS[0] and job.step >= config.steps
    return {
        "trainer": trainer,
        "seed": config.seed,
        "batch": job.batch_size,
        "width": config.width,
        "steps": job.step,
        "seconds": clock,
        "complete": complete,
        "images_per_second": job.step * job.batch_size / clock,
        "seconds_until_bound": stays_above(curve, "mi_bound_nats", BOUND_NATS),
        "seconds_until_accuracy": stays_above(curve, "accuracy", ACCURACY),
        "mi_bound_nats": curve[-1]["mi_bound_nats"],
        "accuracy": curve[-1]["accuracy"],
        "curve": curve,
    }


def stays_above(curve: list[dict[str, Any]], key: str, level: float) -> float | None:
    """Seconds at the first look from which on the value is above the level at every look; None if the last is not."""
    since = None
    for point in curve:
        above = point[key] is not None and point[key] > level
        since = (since if since is not None else point["seconds"]) if above else None
    return since


def measure_and_print(
    data: ImageData,
    seeds: list[int],
    device: str,
    seconds: float | None,
    every: float = 1.0,
    samples: int = 2000,
    change: Callable[[TrainConfig], TrainConfig] = lambda config: config,
    save: Callable[[dict[str, Any]], None] = lambda values: None,
) -> dict[str, Any]:
    """Train both on each seed, one after the other.

    Args:
        data: the images, with labels.
        seeds: of the runs.
        device: ``cpu`` or ``cuda``.
        seconds: most of training per run; None for 600.
        every, samples: as for ``train``.
        change: of the settings of both.
        save: given what is there after each run.

    Returns:
        Machine, levels and runs, for JSON.
    """
    limit = 600.0 if seconds is None else seconds
    where = machine()
    runs: list[dict[str, Any]] = []
    values: dict[str, Any] = {
        "machine": where,
        "time_to_result": {
            "data": data.name,
            "device": device,
            "threads": torch.get_num_threads(),
            "most_seconds": limit,
            "bound_nats": BOUND_NATS,
            "accuracy": ACCURACY,
            "seconds_of_first_steps": {},
            "runs": runs,
        },
    }
    print(f"{where['cpu']}, torch {where['torch']}; {data.name}, at most {limit:g} s of training per run")
    print(header())
    for trainer in TRAINERS:
        config = change(configuration(trainer, seeds[0], device))
        values["time_to_result"]["seconds_of_first_steps"][trainer] = first_steps(trainer, config, data)
    for seed in seeds:
        for trainer in TRAINERS:
            runs.append(train(trainer, change(configuration(trainer, seed, device)), data, limit, every, samples))
            print(line_of(runs[-1]), flush=True)
            save(values)
    for line in medians(runs):
        print(line)
    print(
        f"(seconds of training until L_I of the categorical code stays above {BOUND_NATS} nats and until the accuracy "
        f"on held-out images stays above {ACCURACY:.0%}; - is never. In brackets: the steps that were done)"
    )
    return values


def header() -> str:
    """The heading of the printed table."""
    return (
        f"{'trainer':14} {'seed':>6} {'s until L_I':>12} {'s until accuracy':>17} {'L_I at end':>11} "
        f"{'accuracy at end':>16} {'seconds':>9}"
    )


def line_of(run: dict[str, Any]) -> str:
    """A run as a line of the printed table."""
    accuracy = "-" if run["accuracy"] is None else f"{run['accuracy']:.1%}"
    return (
        f"{run['trainer']:14} {run['seed']:>6} {_seconds(run['seconds_until_bound']):>12} "
        f"{_seconds(run['seconds_until_accuracy']):>17} {run['mi_bound_nats']:>11.3f} {accuracy:>16} "
        f"{run['seconds']:>9.0f}  ({run['steps']} steps)"
    )


def medians(runs: list[dict[str, Any]]) -> list[str]:
    """A line per trainer: medians over its seeds, a run that never got there counting as the longest."""
    lines = []
    for trainer in dict.fromkeys(run["trainer"] for run in runs):
        of_trainer = [run for run in runs if run["trainer"] == trainer]
        until = [median_seconds(of_trainer, key) for key in ("seconds_until_bound", "seconds_until_accuracy")]
        lines.append(f"{trainer:14} {'median':>6} {_seconds(until[0]):>12} {_seconds(until[1]):>17}")
    return lines


def median_seconds(runs: list[dict[str, Any]], key: str) -> float | None:
    """The median over runs, None standing for never."""
    middle = statistics.median_high([float("inf") if run[key] is None else run[key] for run in runs])
    return None if middle == float("inf") else middle


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
