"""The speeds that the package sets itself as targets, and whether a run of the benchmarks met them.

On a CPU both have a limit that was measured beside them: a training step its floating-point operations at the rate of
the fastest matrix product, an op a copy of the bytes that it has to move. Where another step or op takes less than
``RULED_OUT`` times the wanted ratio of that limit, ours would have to come within a tenth of the limit to reach the
ratio, with nothing but products or copying in it: none does. Instructions or bytes rule such a target out, and in its
place ours shall take at most ``OF_LIMIT`` times the limit.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from infogan_fast.bench.cases import CASES, LARGE, Case
from infogan_fast.bench.cuda_timing import IN_GRAPH
from infogan_fast.bench.machine import vendor_of
from infogan_fast.bench.names import CONVOLUTIONS, FORM_A, FORM_A_COMPILED, OURS, PLAIN_JOB

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

Ratios = dict[str, dict[str, float]]

#: By setting, how many times as long as our step the others shall take, in float32 on a CPU.
CPU_STEPS: Ratios = {
    _PAPER: {FORM_A: 1.5, CONVOLUTIONS: 1.5, FORM_A_COMPILED: 1.3},
    _QUARTER: {FORM_A: 1.9, FORM_A_COMPILED: 1.8},
}
#: The same on an AMD processor, where it is something else.
AMD_STEPS: Ratios = {_PAPER: {FORM_A: 1.8, CONVOLUTIONS: 1.6, FORM_A_COMPILED: 1.3}}
#: In bfloat16, on a CPU that has instructions for it.
BFLOAT16_STEPS: Ratios = {_PAPER: {FORM_A: 3.0, CONVOLUTIONS: 2.0}}
CUDA_STEPS: Ratios = {_PAPER: {FORM_A: 6.0, FORM_A_COMPILED: 2.0}}

#: A ratio is ruled out where the other step or op takes less than this times the ratio, in limits of ours.
RULED_OUT = 1.1
#: How many times its limit ours may then take.
OF_LIMIT = 1.3
LIMIT_OF_PRODUCTS, LIMIT_OF_BYTES = "limit of products", "copy of as many bytes"

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
    instead_of: tuple[str, ...] = ()
    """The targets that instructions or bytes rule out, in whose place this one is."""

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
            **({"instead_of": list(self.instead_of)} if self.instead_of else {}),
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
        judged += _of_step(row, values.get("machine", {}))
    return judged


def _of_op(row: dict[str, Any]) -> Iterator[Judged]:
    of_copy = row["bytes_per_second_of_copy"]["infogan_fast"]
    if row["dtype"] == "float32" and row["case"] in CPU_OPS:
        wanted = dict(zip((_EAGER, _COMPILED), CPU_OPS[row["case"]], strict=True))
        yield from _of_ratios(row["case"], row["threads"], wanted, row["speedup"], LIMIT_OF_BYTES, 1.0 / of_copy)
    if row["case"] == LARGE.name and row["threads"] == 2:
        yield Judged(row["case"], LIMIT_OF_BYTES, 2, 100.0 * CPU_COPY_FRACTION, 100.0 * of_copy, "%")


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


def _of_step(row: dict[str, Any], machine: dict[str, Any]) -> Iterator[Judged]:
    on_gpu, times = row["device"] == "cuda", row["milliseconds"]
    wanted = _wanted_of_step(row, machine)
    for ours in (OURS, PLAIN_JOB):
        if ours in times:
            bfloat16 = ", bfloat16" if row.get("precision", "float32") == "bfloat16" else ""
            suffix = "" if ours == OURS else ", with the plain job's views and noise"
            what, threads = f"step, {row['setting']}{bfloat16}{suffix}", None if on_gpu else row["threads"]
            measured = {form: milliseconds / times[ours] for form, milliseconds in times.items()}
            # On a GPU convolutions use TF32, and the products that were measured do not.
            in_limits = None if on_gpu else times[ours] / _limit_in_milliseconds(row, ours)
            yield from _of_ratios(what, threads, wanted, measured, LIMIT_OF_PRODUCTS, in_limits)
    if on_gpu and wanted:
        what, per_second = f"step, {row['setting']}: 50 epochs of 60,000 images in 30 s", row["images_per_second"][OURS]
        yield Judged(what, "images/s", None, _CUDA_IMAGES_PER_SECOND, per_second, " images/s")


def _wanted_of_step(row: dict[str, Any], machine: dict[str, Any]) -> dict[str, float]:
    """The ratios wanted of a row's steps, by the form; none where the row is of no target."""
    setting, in_bfloat16 = row["setting"], row.get("precision", "float32") == "bfloat16"
    if row["device"] == "cuda":
        return {} if in_bfloat16 else CUDA_STEPS.get(setting, {})
    if in_bfloat16:
        return BFLOAT16_STEPS.get(setting, {}) if row["matrix_dtype"] == "bfloat16" else {}
    of_amd = AMD_STEPS.get(setting) if vendor_of(machine) == "amd" else None
    return of_amd or CPU_STEPS.get(setting, {})


def _of_ratios(
    what: str,
    threads: int | None,
    wanted: dict[str, float],
    measured: dict[str, float],
    limit: str,
    in_limits: float | None,
) -> Iterator[Judged]:
    """A target for each contender that was measured, and the limit in the place of those ruled out.

    Args:
        what: the step or op.
        threads: as in ``Judged``.
        wanted: by contender, how many times as long as ours it shall take.
        measured: by contender, how many times as long as ours it took.
        limit: the limit's name.
        in_limits: how many limits ours took; None where none was measured.
    """
    ruled_out = []
    for contender, ratio in wanted.items():
        if contender not in measured:
            continue
        if in_limits is not None and measured[contender] * in_limits < RULED_OUT * ratio:
            ruled_out.append(f"{contender} {_figure(ratio, 'x')}")
        else:
            yield Judged(what, contender, threads, ratio, measured[contender])
    if in_limits is not None and ruled_out:
        yield Judged(what, limit, threads, OF_LIMIT, in_limits, at_most=True, instead_of=tuple(ruled_out))


def _limit_in_milliseconds(row: dict[str, Any], ours: str) -> float:
    """What a step takes whose products all run at the rate of the fastest one, and which does nothing else."""
    return 1e3 * float(row["flop"][ours] / row["matrix_product_flop_per_second"])


def table(judged: list[Judged]) -> str:
    """The targets as lines of text."""
    lines = [f"{'target':66} {'against':26} {'threads':>7} {'wanted':>14} {'measured':>14}"]
    for one in judged:
        bound = "<= " if one.at_most else ""
        instead = f"; instead of {', '.join(one.instead_of)}" if one.instead_of else ""
        lines.append(
            f"{one.what:66} {one.against:26} {one.threads or '-':>7} {bound + _figure(one.wanted, one.unit):>14} "
            f"{_figure(one.measured, one.unit):>14}  {one.verdict}{instead}"
        )
    return "\n".join(lines)


def _figure(value: float, unit: str) -> str:
    digits = 0 if abs(value) >= 100.0 or unit == "%" else 1 if abs(value) >= 10.0 else 2
    return f"{value:,.{digits}f}{unit if len(unit) <= 1 else ''}"
