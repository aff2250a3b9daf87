"""Write the README's section on speed from the committed results.

    python -m benchmarks.readme [--check]

Reads benchmarks/results/<device>/: ops.json, steps.json and time_to_result.json, which `infogan-fast bench --json`
writes with --op, --step and --time-to-result, and results.json of `make gpu-check`. What is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks.generated import RESULTS, ROOT, paragraph, threads, where, with_section, write_or_check
from infogan_fast.bench.cases import CASES, CONTENDERS, LARGE
from infogan_fast.bench.cuda_timing import IN_GRAPH
from infogan_fast.bench.names import FORM_A, FORM_A_COMPILED, FORM_B, FORM_B_COMPILED, OURS, PLAIN_JOB
from infogan_fast.bench.time_to_result import median_seconds

COMMAND = "python -m benchmarks.readme"

_FILES = ("ops.json", "steps.json", "time_to_result.json")
_SHOWN_CASES = (*CASES, LARGE)
_STEPS = (OURS, PLAIN_JOB, FORM_A, FORM_A_COMPILED, FORM_B, FORM_B_COMPILED)


def updated(readme: str, results: Path) -> str:
    """The README with the section that the results give.

    Raises:
        ValueError: the README has not exactly one place for it.
    """
    return with_section(readme, COMMAND, section(results))


def section(results: Path) -> str:
    """The section, in Markdown, without the marks around it."""
    parts = _on_cpu(results / "cpu")
    on_gpu = [_on_gpu(path.parent) for path in sorted(results.glob("*/results.json"))]
    if on_gpu:
        parts += [part for gpu in on_gpu for part in gpu]
    else:
        parts.append(
            "The CUDA kernels have no figures yet: no GPU has run them. `make gpu-check` measures them on yours."
        )
    return "\n\n".join(parts)


def _read(folder: Path) -> dict[str, dict[str, Any]]:
    return {name: json.loads((folder / name).read_text()) for name in _FILES if (folder / name).exists()}


def _on_cpu(folder: Path) -> list[str]:
    files = _read(folder)
    parts: list[str] = []
    if "ops.json" in files:
        values = files["ops.json"]
        parts.append(
            paragraph(
                "**The ops.** Forward and backward of the loss, and the sampler, float32, one thread, in microseconds;",
                "in brackets how many times as long as infogan-fast. From `infogan-fast bench --op`:",
            )
        )
        parts.append(_ops_table(values["rows"]))
        parts.append(
            paragraph(
                f"{where(values['machine'])}; two threads and the raw figures are in",
                f"[benchmarks/results](benchmarks/results/{folder.name}). `make bench` measures again on yours.",
                "The reference is this package's own, in plain PyTorch; compiled with `torch.compile` it is the honest",
                "opponent.",
            )
        )
    parts += _steps_and_results(files, folder)
    return parts


def _steps_and_results(files: dict[str, dict[str, Any]], folder: Path) -> list[str]:
    parts: list[str] = []
    if "steps.json" in files:
        values = files["steps.json"]
        parts.append(
            paragraph(
                "**The training step**, in images per second; in brackets how many times as long as infogan-fast.",
                "Forms A and B are the steps that common PyTorch implementations compute, on the same networks and",
                "digits; ours has the loss and the learning rates of form A, the plain job (`--preset mnist5k-plain`)",
                "random views and noise in addition. From `infogan-fast bench --step`:",
            )
        )
        parts.append(_steps_table(values["steps"]))
        parts.append(f"{where(values['machine'])}.")
    if "time_to_result.json" in files:
        values = files["time_to_result.json"]
        result = values["time_to_result"]
        seeds = len({run["seed"] for run in result["runs"]})
        parts.append(
            paragraph(
                f"**Time to a result**: seconds of training on {result['data']} until L_I of the categorical code",
                f"stays above {result['bound_nats']} nats, and until its accuracy on held-out images stays above",
                f"{result['accuracy']:.0%}; medians of {seeds} seeds, at most {result['most_seconds']:.0f} s a run,",
                f"{threads(result['threads'])}. Both have the paper's objective, ours by `--preset mnist5k-plain`.",
                "From",
                f"`infogan-fast bench --time-to-result --seconds {result['most_seconds']:.0f}`:",
            )
        )
        parts.append(_results_table(result["runs"]))
    judged = [one for values in files.values() for one in values.get("targets", [])]
    if judged:
        met = sum(one["verdict"] == "met" for one in judged)
        parts.append(
            paragraph(
                f"Of the {len(judged)} targets that the package sets itself, {met} are met:",
                "`infogan-fast bench --check` lists them, and",
                "[benchmarks/NOTES.md](benchmarks/NOTES.md) says what stands in the way of the others.",
            )
        )
    return parts


def _case(name: str) -> str:
    op, _, sizes = name.partition(" ")
    return f"`{op}` {sizes}"


def _rows_shown(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The cases that targets are about, in their order; of the threads on a CPU, one."""
    by_name = {
        row["case"]: row
        for row in rows
        if row.get("threads", 1) == 1 and row.get("dtype", "float32") == "float32" and "skipped" not in row
    }
    return [by_name[case.name] for case in _SHOWN_CASES if case.name in by_name]


def _ops_table(rows: list[dict[str, Any]]) -> str:
    lines = [
        "| op | eager reference | compiled reference | infogan-fast | infogan-fast, compiled |",
        "|---|---|---|---|---|",
    ]
    for row in _rows_shown(rows):
        cells = []
        for name in CONTENDERS:
            if name not in row["microseconds"]:
                cells.append("-")
                continue
            figure = _figure(row["microseconds"][name])
            cells.append(f"**{figure}**" if name == "infogan_fast" else f"{figure} ({row['speedup'][name]:.1f}x)")
        lines.append(f"| {_case(row['case'])} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _steps_table(rows: list[dict[str, Any]]) -> str:
    names = [name for name in _STEPS if any(name in row["milliseconds"] for row in rows)]
    heads = [{OURS: "infogan-fast", PLAIN_JOB: "plain job"}.get(name, name) for name in names]
    lines = [f"| networks | {' | '.join(heads)} |", "|---" * (len(names) + 1) + "|"]
    for row in rows:
        cells = []
        for name in names:
            if name not in row["milliseconds"]:
                cells.append("-")
                continue
            speed = f"{row['images_per_second'][name]:,.0f}"
            cells.append(f"**{speed}**" if name == OURS else f"{speed} ({row['speedup'][name]:.2f}x)")
        where = f", {threads(row['threads'])}" if row["device"] == "cpu" else ""
        lines.append(f"| {row['setting']}{where} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _results_table(runs: list[dict[str, Any]]) -> str:
    lines = ["| trainer | L_I | accuracy | accuracy at the end, each seed |", "|---|---|---|---|"]
    for trainer in dict.fromkeys(run["trainer"] for run in runs):
        of_trainer = [run for run in runs if run["trainer"] == trainer]
        until = [median_seconds(of_trainer, key) for key in ("seconds_until_bound", "seconds_until_accuracy")]
        cells = ["never" if seconds is None else f"{seconds:.0f} s" for seconds in until]
        accuracies = ", ".join("-" if run["accuracy"] is None else f"{run['accuracy']:.1%}" for run in of_trainer)
        name = "infogan-fast" if trainer == "infogan_fast" else trainer
        lines.append(f"| {name} | {' | '.join(cells)} | {accuracies} |")
    return "\n".join(lines)


def _on_gpu(folder: Path) -> list[str]:
    results = json.loads((folder / "results.json").read_text())
    details = {part["name"]: part.get("details", {}) for part in results["parts"]}
    parts = []
    rows = _rows_shown(details.get("operations", {}).get("rows", []))
    if rows:
        copy = details["operations"]["baselines"]["copy_bytes_per_second"] / 1e12
        parts.append(
            paragraph(
                f"**{results['device']}**, torch {results['torch']}, CUDA {results['cuda']}; microseconds per call",
                f"within a CUDA graph, a copy moves {copy:.2f} TB/s. From `make gpu-check`:",
            )
        )
        lines = ["| op | eager reference | compiled reference | infogan-fast | of copy |", "|---|---|---|---|---|"]
        for row in rows:
            times, ours = row["microseconds"], OURS + IN_GRAPH
            cells = []
            for name in CONTENDERS[:3]:
                figure = times.get(name + IN_GRAPH)
                if figure is None:
                    cells.append("-")
                elif name == OURS:
                    cells.append(f"**{_figure(figure)}**")
                else:
                    cells.append(_figure(figure) + (f" ({figure / times[ours]:.1f}x)" if ours in times else ""))
            share = row["bytes_per_second_of_copy"].get(ours)
            cells.append("-" if share is None else "in the L2 cache" if row["fits_l2"] else f"{share:.0%}")
            lines.append(f"| {_case(row['case'])} | {' | '.join(cells)} |")
        parts.append("\n".join(lines))
    training = details.get("training", {})
    speeds = [
        f"{training[kind]['images_per_second']:,.0f} images/s {kind}"
        for kind in ("eager", "compiled")
        if kind in training
    ]
    if speeds:
        parts.append(
            f"Training on {results['device']}, width {training['width']:g}, batch {training['batch_size']}: "
            f"{', '.join(speeds)}."
        )
    files = _read(folder)
    if details.get("steps", {}).get("steps"):
        files.setdefault("steps.json", details["steps"])
    return parts + _steps_and_results(files, folder)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.1f}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the README would change")
    options = parser.parse_args(arguments)
    path = ROOT / "README.md"
    return write_or_check({path: updated(path.read_text(), RESULTS)}, COMMAND, options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
