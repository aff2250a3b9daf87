"""The speeds that the package sets itself as targets, and whether a run of the benchmarks met them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infogan_fast.bench.cases import CASES, LARGE, Case
from infogan_fast.bench.cuda_timing import IN_GRAPH
from infogan_fast.bench.names import FORM_A, FORM_A_COMPILED, OURS, PLAIN_JOB

#: How much of a target may be missed before ``--check`` fails: what a busy machine does to a ratio.
TOLERANCE = 0.10

_EAGER, _COMPILED = "eager reference", "compiled reference"
_PAPER, _QUARTER = "paper's net, B=128", "quarter width, B=64"

#: On a CPU: how many times as long as ours the eager and the compiled reference shall take.
CPU_OPS: dict[str, tuple[float, float]] = {
    CASES[0].name: (8.0, 4.0),
    CASES[1].name: (20.0, 8.0),
    LARGE.name: (20.0, 8.0),
    CASES[2].name: (10.0, 5.0),
    CASES[3].name: (4.0, 2.0),
    CASES[4].name: (10.0, 4.0),
}
#: The fraction of a copy's bytes per second that the loss shall reach on ``LARGE`` with two threads.
CPU_COPY_FRACTION = 0.5
#: How many times as long as our step the eager and the compiled form A shall take.
CPU_STEPS = {_PAPER: (1.5, 1.3), _QUARTER: (2.0, 1.8)}
CUDA_STEPS = {_PAPER: (6.0, 2.0)}

_CUDA_SPEEDUPS = (10.0, 1.5)
_CUDA_COPY_FRACTION, _CUDA_COPY_BYTES = 0.85, 64 * 2**20
_CUDA_EMPTY_KERNELS, _CUDA_LAUNCH_BOUND_BATCH = 1.2, 4096
_CUDA_IMAGES_PER_SECOND = 50 * 60_000 / 30.0


@dataclass(frozen=True)
class Judged:
    """A target, and what a run measured."""

    what: str
    against: str
    threads: int | None
    """None on a GPU."""
    wanted: float
    measured: float
    unit: str = "x"
    at_most: bool = False
    """Whether less is better."""

    @property
    def shortfall(self) -> float:
        """How much of the target is missing, as a fraction of it; 0 or less where it is met."""
        if self.at_most:
            return self.measured / self.wanted - 1.0
        return 1.0 - self.measured / self.wanted

    @property
    def met(self) -> bool:
        """Whether the target itself was reached."""
        return self.shortfall <= 0.0

    @property
    def failed(self) -> bool:
        """Whether it was missed by more than ``TOLERANCE``."""
        return self.shortfall > TOLERANCE + 1e-9

    @property
    def verdict(self) -> str:
        """The outcome in words: ``met``, or ``missed by 12 %``."""
        return "met" if self.met else f"missed by {100.0 * self.shortfall:.0f} %"

    def to_json(self) -> dict[str, Any]:
        """The fields and the verdict, for JSON."""
        return {
            "what": self.what,
            "against": self.against,
            "threads": self.threads,
            "wanted": self.wanted,
            "measured": self.measured,
            "unit": self.unit,
            "verdict": self.verdict,
        }


def cases(device: str) -> list[Case]:
    """The cases of the ops that targets are about."""
    return [*CASES, LARGE] if device == "cpu" else list(CASES)


def judge(values: dict[str, Any]) -> list[Judged]:
    """Every target of which the JSON values of a run hold the results."""
    judged: list[Judged] = []
    for row in values.get("rows", []):
        if "skipped" not in row:
            judged += _of_op_on_gpu(row, values["baselines"]) if row["device"] == "cuda" else _of_op(row)
    for row in values.get("steps", []):
        judged += _of_step(row)
    return judged


def _of_op(row: dict[str, Any]) -> Iterator[Judged]:
    wanted = CPU_OPS.get(row["case"]) if row["dtype"] == "float32" else None
    if wanted is not None:
        for contender, ratio in zip((_EAGER, _COMPILED), wanted, strict=True):
            if contender in row["speedup"]:
                yield Judged(row["case"], contender, row["threads"], ratio, row["speedup"][contender])
    if row["case"] == LARGE.name and row["threads"] == 2:
        fraction = row["bytes_per_second_of_copy"]["infogan_fast"]
        yield Judged(row["case"], "copy of as many bytes", 2, 100.0 * CPU_COPY_FRACTION, 100.0 * fraction, "%")


def _of_op_on_gpu(row: dict[str, Any], baselines: dict[str, Any]) -> Iterator[Judged]:
    ours = "infogan_fast" + IN_GRAPH
    if row["op"] != "info_loss" or row["dtype"] != "float32" or ours not in row["microseconds"]:
        return
    name = f"{row['case']}, CUDA graph"
    if row["case"] in CPU_OPS:
        for contender, ratio in zip((_EAGER, _COMPILED), _CUDA_SPEEDUPS, strict=True):
            if contender + IN_GRAPH in row["speedup"]:
                yield Judged(name, contender, None, ratio, row["speedup"][contender + IN_GRAPH])
    if row["head_dim"] * row["batch"] * 4 >= _CUDA_COPY_BYTES:
        fraction = row["bytes_per_second_of_copy"][ours]
        yield Judged(name, "large copy", None, 100.0 * _CUDA_COPY_FRACTION, 100.0 * fraction, "%")
    elif row["batch"] <= _CUDA_LAUNCH_BOUND_BATCH and row["case"] in CPU_OPS:
        empty = baselines["empty_kernel_within_a_graph_microseconds"]
        measured = row["microseconds"][ours] / empty
        yield Judged(name, "empty kernel", None, _CUDA_EMPTY_KERNELS, measured, "x its time", at_most=True)


def _of_step(row: dict[str, Any]) -> Iterator[Judged]:
    on_gpu = row["device"] == "cuda"
    wanted = (CUDA_STEPS if on_gpu else CPU_STEPS).get(row["setting"])
    if wanted is None:
        return
    threads = None if on_gpu else row["threads"]
    times = row["milliseconds"]
    for ours in (OURS, PLAIN_JOB):
        for form, ratio in zip((FORM_A, FORM_A_COMPILED), wanted, strict=True):
            if ours in times and form in times:
                suffix = "" if ours == OURS else ", with the plain job's views and noise"
                yield Judged(f"step, {row['setting']}{suffix}", form, threads, ratio, times[form] / times[ours])
    if on_gpu:
        measured = row["images_per_second"][OURS]
        what = f"step, {row['setting']}: 50 epochs of 60,000 images in 30 s"
        yield Judged(what, "images/s", None, _CUDA_IMAGES_PER_SECOND, measured, " images/s")


def table(judged: list[Judged]) -> str:
    """The targets as lines of text."""
    lines = [f"{'target':66} {'against':22} {'threads':>7} {'wanted':>14} {'measured':>14}"]
    for one in judged:
        bound = "<= " if one.at_most else ""
        lines.append(
            f"{one.what:66} {one.against:22} {one.threads or '-':>7} {bound + _figure(one.wanted, one.unit):>14} "
            f"{_figure(one.measured, one.unit):>14}  {one.verdict}"
        )
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100.0 or unit == "%" else 1 if abs(value) >= 10.0 else 2
    return f"{value:,.{digits}f}{unit if len(unit) <= 1 else ''}"
