"""The training step: ours as the trainer runs it, against the two common ones, eager and compiled, interleaved.

Floating-point operations are those of the matrix products and convolutions that a step really computes, counted by
``torch.utils.flop_counter``; their rate is reported as a fraction of that of the fastest large matrix product in the
same run.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from infogan_fast.bench import memory
from infogan_fast.bench.common_steps import FormA, FormB
from infogan_fast.bench.jobs import CommonJob, Job, OurJob, as_form_a
from infogan_fast.bench.machine import machine
from infogan_fast.bench.names import (
    CONVOLUTIONS,
    FORM_A,
    FORM_A_COMPILED,
    FORM_B,
    FORM_B_COMPILED,
    OURS,
    OURS_COMPILED,
    PLAIN_JOB,
)
from infogan_fast.bench.products import Products
from infogan_fast.bench.timing import interleaved
from infogan_fast.data import ImageData
from infogan_fast.training.device import resolve
from infogan_fast.training.presets import PRESETS
from infogan_fast.training.processor import processor
from infogan_fast.training.settings import TrainConfig

_ENDLESS = 10**9  # steps, so that none of those timed is beyond the end of the run
_SECONDS_PER_SAMPLE = 0.1
_MOST_SECONDS = 120.0


@dataclass(frozen=True)
class Setting:
    """Networks and batch of one comparison."""

    name: str
    config: TrainConfig
    """Ours, with the maths of form A; device and width are resolved."""
    plain_job: TrainConfig | None = None
    """What the trainer does by default with these networks and this batch, if that is something else as well."""


def settings(device: str = "cpu", precision: str = "float32", matrix_product: str = "auto") -> tuple[Setting, ...]:
    """The paper's networks at batch 128, and the plain job of a CPU: a quarter of the width, batch 64.

    Args:
        device: ``cpu`` or ``cuda``.
        precision: ``float32`` or ``bfloat16``, of every contender.
        matrix_product: of our steps on a CPU, as the setting of a run: ``auto``, ``blas`` or ``onednn``.

    Raises:
        ConfigError: there is no such product here.
    """
    asked: dict[str, Any] = {"device": device, "precision": precision, "matrix_product": matrix_product}
    paper, _ = resolve(dataclasses.replace(PRESETS["mnist"], **asked))
    job, _ = resolve(dataclasses.replace(PRESETS["mnist5k-plain"], width=0.25, **asked))
    paper, job = (dataclasses.replace(config, steps=_ENDLESS) for config in (paper, job))
    return (
        Setting("paper's net, B=128", as_form_a(paper)),
        Setting("quarter width, B=64", as_form_a(job), plain_job=job),
    )


def jobs(setting: Setting, data: ImageData, compiled: bool) -> Iterator[tuple[str, Job]]:
    """Name and job of each contender: ours as the device has it by default, unless nothing is to be compiled."""
    config = dataclasses.replace(setting.config, compile=bool(setting.config.compile) and compiled)
    yield OURS, OurJob(config, data)
    if setting.plain_job is not None:
        yield PLAIN_JOB, OurJob(dataclasses.replace(setting.plain_job, compile=config.compile), data)
    yield FORM_A, CommonJob(FormA, config, data)
    yield CONVOLUTIONS, CommonJob(FormA, config, data, convolutions=True)
    yield FORM_B, CommonJob(FormB, config, data)
    if compiled:
        if not config.compile:
            yield OURS_COMPILED, OurJob(dataclasses.replace(config, compile=True), data)
        yield FORM_A_COMPILED, CommonJob(FormA, config, data, compile=True)
        yield FORM_B_COMPILED, CommonJob(FormB, config, data, compile=True)


def _linear(input: Sequence[int], weight: Sequence[int], *_: Any, out_shape: Any = None) -> int:
    """Count multiplications and additions: every weight with every row."""
    return 2 * math.prod(weight) * input[0]


def _downsample(input: Sequence[int], weight: Sequence[int], *_: Any, out_shape: Any = None) -> int:
    """As ``_linear``: every weight with a quarter of the pixels of the larger images."""
    return 2 * math.prod(weight) * input[0] * input[2] * input[3] // 4


def _upsample(input: Sequence[int], weight: Sequence[int], *_: Any, out_shape: Any = None) -> int:
    return 2 * math.prod(weight) * input[0] * input[2] * input[3]


def _backward(forward: Callable[..., int], index_of_wanted: int) -> Callable[..., int]:
    """Count a backward op: the gradients of input and weight take as many operations each as the op itself."""

    def count(grad: Sequence[int], input: Sequence[int], weight: Sequence[int], *others: Any, **_: Any) -> int:
        wanted = others[index_of_wanted]
        return forward(input, weight) * (int(wanted[0]) + int(wanted[1]))

    return count


def flop_formulas() -> dict[Any, Callable[..., int]]:
    """How ``FlopCounterMode`` counts the package's layers; it gives shapes in the place of tensors."""
    ops = torch.ops.infogan_fast
    return {
        ops.linear: _linear,
        ops.linear_backward: _backward(_linear, 0),
        ops.downsample_conv2d: _downsample,
        ops.downsample_conv2d_backward: _backward(_downsample, 2),
        ops.upsample_conv2d: _upsample,
        ops.upsample_conv2d_backward: _backward(_upsample, 0),
    }


def count_flop(job: Job) -> int:
    """Floating-point operations of the next step of a job that is neither compiled nor captured."""
    with FlopCounterMode(display=False, custom_mapping=flop_formulas()) as counter:
        job()
    return int(counter.get_total_flops())


def plain(setting: Setting) -> Setting:
    """The setting without compilation and CUDA graph: a compiled step changes where it runs under a counter."""
    jobs = (setting.config, setting.plain_job)
    config, plain_job = (job and dataclasses.replace(job, compile=False, cuda_graph=False) for job in jobs)
    assert config is not None
    return Setting(setting.name, config, plain_job)


def start(named: Iterator[tuple[str, Job]]) -> tuple[dict[str, Job], dict[str, float], dict[str, str]]:
    """Do the first steps of each job.

    Returns:
        The jobs that can do them, how many seconds those took, and why the others, none of which are ours, cannot: what
        torch fails to compile leaves the rest their results.
    """
    able: dict[str, Job] = {}
    seconds: dict[str, float] = {}
    missing: dict[str, str] = {}
    for name, job in named:
        started = time.perf_counter()
        try:
            for _ in range(2):  # the second has the optimisers' state and, compiled, gradients as they will be
                job()
        except Exception as error:
            if isinstance(job, OurJob):
                raise
            missing[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            continue
        able[name], seconds[name] = job, time.perf_counter() - started
    return able, seconds, missing


def row_of(setting: Setting, data: ImageData, threads: int, rounds: int, compiled: bool = True) -> dict[str, Any]:
    """The results of a setting with the number of threads that is set."""
    config, device, batch = setting.config, setting.config.device, setting.config.batch_size
    flop = {}
    for name, job in jobs(plain(setting), data, compiled=False):
        flop[name] = flop[f"{name}, compiled"] = count_flop(job)
    contenders, first_steps, missing = start(jobs(setting, data, compiled))
    products = Products(device, config.precision)
    multiply = products.functions()
    seconds, done = interleaved({**contenders, **multiply}, rounds, _SECONDS_PER_SAMPLE, _MOST_SECONDS)
    rates = products.rates({name: seconds.pop(name) for name in multiply})
    rate = rates["matrix_product_flop_per_second"]
    return {
        "setting": setting.name,
        "device": device,
        "threads": threads,
        "batch": batch,
        "width": config.width,
        "precision": config.precision,
        "matrix_product": config.matrix_product,
        "rounds": done,
        "milliseconds": {name: 1e3 * value for name, value in seconds.items()},
        "images_per_second": {name: batch / value for name, value in seconds.items()},
        "speedup": {name: value / seconds[OURS] for name, value in seconds.items()},
        "flop": {name: flop[name] for name in seconds},
        **rates,
        "share_of_matrix_product": {name: flop[name] / value / rate for name, value in seconds.items()},
        "peak_bytes": {name: memory.peak_bytes(job, device) for name, job in contenders.items() if not job.captured},
        "seconds_of_first_two_steps": first_steps,
        "missing": missing,
    }


def measure_and_print(
    chosen: list[Setting],
    data: ImageData,
    threads: list[int],
    rounds: int,
    compiled: bool = True,
    save: Callable[[dict[str, Any]], None] = lambda values: None,
) -> dict[str, Any]:
    """Measure setting by setting.

    Args:
        chosen: of ``settings``.
        data: the images.
        threads: numbers of threads, one after the other.
        rounds: samples per contender.
        compiled: measure the compiled contenders too, each of which takes a minute or so to compile.
        save: given what is there after each setting.

    Returns:
        Machine and rows, for JSON.
    """
    where, before = machine(), torch.get_num_threads()
    config = chosen[0].config
    print(f"{where['cpu']}, torch {where['torch']}; one training step, {arithmetic(config)}, on {data.name}")
    if config.precision == "bfloat16" and config.device == "cpu" and not processor().has_bfloat16:
        print(
            "(this processor has no instructions for bfloat16, in which PyTorch then takes much longer than in float32)"
        )
    rows: list[dict[str, Any]] = []
    values: dict[str, Any] = {"machine": where, "steps": rows}
    try:
        for count in threads:
            torch.set_num_threads(count)
            for setting in chosen:
                torch.compiler.reset()
                rows.append(row_of(setting, data, count, rounds, compiled))
                print("\n".join(lines_of(rows[-1])), flush=True)
                save(values)
    finally:
        torch.set_num_threads(before)
    print(
        "(times as long: as infogan_fast's step with the maths of form A. The plain job has random views and noise "
        "in addition. Of a matrix product: the step's floating-point operations per second as a fraction of its)"
    )
    return values


def arithmetic(config: TrainConfig) -> str:
    """Precision, and on a CPU the library of our products, in words."""
    if config.device != "cpu" or config.precision != "float32":
        return config.precision
    return f"{config.precision}, our products by {'oneDNN' if config.matrix_product == 'onednn' else 'torch.mm'}"


def lines_of(row: dict[str, Any]) -> list[str]:
    """A row as lines of the printed table, one per contender."""
    lines = [
        f"{row['setting']}, {row['threads']} thread{'s' if row['threads'] > 1 else ''}; {_rates(row)}",
        f"  {'step':28} {'ms':>9} {'images/s':>10} {'times as long':>14} {'GFLOP':>7} {'of a matrix product':>20}",
    ]
    for name, milliseconds in row["milliseconds"].items():
        fraction = row["share_of_matrix_product"][name]
        lines.append(
            f"  {name:28} {milliseconds:>9.1f} {row['images_per_second'][name]:>10,.0f} "
            f"{row['speedup'][name]:>13.2f}x {row['flop'][name] / 1e9:>7.2f} {fraction:>20.0%}"
        )
    lines += [f"  {name:28} failed: {reason}" for name, reason in row["missing"].items()]
    return lines


def _rates(row: dict[str, Any]) -> str:
    """The rate of the fastest matrix product, and of the others."""
    best, rates = row["fastest_matrix_product"], row["matrix_flop_per_second"]
    others = "".join(f", by {name} {rate / 1e9:,.0f}" for name, rate in rates.items() if name != best)
    return f"a matrix product ({row['matrix_dtype']}): {rates[best] / 1e9:,.0f} GFLOP/s by {best}{others}"
