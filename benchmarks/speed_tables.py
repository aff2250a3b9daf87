"""The tables of the README's section on speed, in Markdown."""

from __future__ import annotations

from typing import Any

from benchmarks.generated import threads
from infogan_fast.bench.cases import CASES, CONTENDERS, LARGE
from infogan_fast.bench.names import (
    CONVOLUTIONS,
    FORM_A,
    FORM_A_COMPILED,
    FORM_B,
    FORM_B_COMPILED,
    OURS,
    PLAIN_JOB,
)
from infogan_fast.bench.time_to_result import median_seconds

#: What a file of results holds, by the name of the processor or GPU.
Files = dict[str, dict[str, Any]]

_SHOWN_CASES = (*CASES, LARGE)
_STEPS = (OURS, PLAIN_JOB, FORM_A, CONVOLUTIONS, FORM_A_COMPILED, FORM_B, FORM_B_COMPILED)


def case_in_words(name: str) -> str:
    """The name of a case with its op as code."""
    op, _, sizes = name.partition(" ")
    return f"`{op}` {sizes}"


def rows_shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that targets are about, in their order; of the threads on a CPU, one."""
    by_name = {
        row["case"]: row
        for row in rows
        if row.get("threads", 1) == 1 and row.get("dtype", "float32") == "float32" and "skipped" not in row
    }
    return [by_name[case.name] for case in _SHOWN_CASES if case.name in by_name]


def ops_table(files: Files) -> str:
    """A row for each case and processor, the processors of a case together."""
    lines = [
        "| op | processor | eager reference | compiled reference | infogan-fast | infogan-fast, compiled |",
        "|---|---|---|---|---|---|",
    ]
    shown = [(name, row) for name, values in files.items() for row in rows_shown(values["rows"])]
    for case in _SHOWN_CASES:
        for processor, row in shown:
            if row["case"] == case.name:
                cells = [_op_cell(row, contender) for contender in CONTENDERS]
                lines.append(f"| {case_in_words(case.name)} | {processor} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _op_cell(row: dict[str, Any], contender: str) -> str:
    if contender not in row["microseconds"]:
        return "-"
    figure = figure_of(row["microseconds"][contender])
    return f"**{figure}**" if contender == OURS else f"{figure} ({row['speedup'][contender]:.1f}x)"


def steps_table(rows: list[tuple[str, dict[str, Any]]]) -> str:
    """A row for each of these, which have the name of the processor or GPU beside them; the same networks together."""
    names = [name for name in _STEPS if any(name in row["milliseconds"] for _, row in rows)]
    heads = [{OURS: "infogan-fast", PLAIN_JOB: "plain job"}.get(name, name) for name in names]
    lines = [f"| networks | processor | {' | '.join(heads)} |", "|---" * (len(names) + 2) + "|"]
    for networks in dict.fromkeys(_networks(row) for _, row in rows):
        for processor, row in rows:
            if _networks(row) == networks:
                cells = [_step_cell(row, name) for name in names]
                lines.append(f"| {networks} | {processor} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _networks(row: dict[str, Any]) -> str:
    precision = "" if row.get("precision", "float32") == "float32" else f", {row['precision']}"
    return f"{row['setting']}{precision}" + (f", {threads(row['threads'])}" if row["device"] == "cpu" else "")


def _step_cell(row: dict[str, Any], name: str) -> str:
    if name not in row["milliseconds"]:
        return "-"
    speed = f"{row['images_per_second'][name]:,.0f}"
    return f"**{speed}**" if name == OURS else f"{speed} ({row['speedup'][name]:.2f}x)"


def results_table(files: Files) -> str:
    """A row for each trainer and processor."""
    lines = ["| trainer | processor | L_I | accuracy | accuracy at the end, each seed |", "|---|---|---|---|---|"]
    runs = [(name, run) for name, values in files.items() for run in values["time_to_result"]["runs"]]
    for trainer in dict.fromkeys(run["trainer"] for _, run in runs):
        for processor in files:
            of_trainer = [run for name, run in runs if (name, run["trainer"]) == (processor, trainer)]
            if of_trainer:
                until = [median_seconds(of_trainer, key) for key in ("seconds_until_bound", "seconds_until_accuracy")]
                cells = ["never" if seconds is None else f"{seconds:.0f} s" for seconds in until]
                shown = ["-" if run["accuracy"] is None else f"{run['accuracy']:.1%}" for run in of_trainer]
                name = "infogan-fast" if trainer == OURS else trainer
                lines.append(f"| {name} | {processor} | {' | '.join(cells)} | {', '.join(shown)} |")
    return "\n".join(lines)


def figure_of(value: float) -> str:
    """Three digits or so."""
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.1f}"
