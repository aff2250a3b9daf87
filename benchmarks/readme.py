"""Write the README's section on speed from the committed results.

    python -m benchmarks.readme [--check]

Reads benchmarks/results/<processor or GPU>/: ops.json, steps.json, steps-bfloat16.json and time_to_result.json, which
`infogan-fast bench --json` writes with --op, --step, --step --precision bfloat16 and --time-to-result, and results.json
of `make gpu-check`. Processors stand side by side. What is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import processors
from benchmarks.generated import RESULTS, ROOT, paragraph, threads, with_section, write_or_check
from benchmarks.speed_tables import Files, case_in_words, figure_of, ops_table, results_table, rows_shown, steps_table
from infogan_fast.bench import targets
from infogan_fast.bench.cases import CONTENDERS
from infogan_fast.bench.cuda_timing import IN_GRAPH
from infogan_fast.bench.names import CONVOLUTIONS, OURS

COMMAND = "python -m benchmarks.readme"

_OPS, _STEPS_IN_FLOAT32, _STEPS_IN_BFLOAT16 = "ops.json", "steps.json", "steps-bfloat16.json"
_TIME_TO_RESULT = "time_to_result.json"


def updated(readme: str, results: Path) -> str:
    """The README with the section that the results give.

    Raises:
        ValueError: the README has not exactly one place for it.
    """
    return with_section(readme, COMMAND, section(results))


def section(results: Path) -> str:
    """The section, in Markdown, without the marks around it."""
    parts = _on_cpu(results)
    on_gpu = [_on_gpu(path.parent) for path in sorted(results.glob("*/results.json"))]
    if on_gpu:
        parts += [part for gpu in on_gpu for part in gpu]
    else:
        parts.append(
            "The CUDA kernels have no figures yet: no GPU has run them. `make gpu-check` measures them on yours."
        )
    return "\n\n".join(parts)


def _on_cpu(results: Path) -> list[str]:
    ops, results_in_time = (processors.read(results, name) for name in (_OPS, _TIME_TO_RESULT))
    steps = [processors.read(results, name) for name in (_STEPS_IN_FLOAT32, _STEPS_IN_BFLOAT16)]
    parts: list[str] = []
    if ops:
        parts.append(
            paragraph(
                "**The ops.** Forward and backward of the loss, and the sampler, float32, one thread, in microseconds;",
                "in brackets how many times as long as infogan-fast. From `infogan-fast bench --op`:",
            )
        )
        parts.append(ops_table(ops))
        parts.append(
            paragraph(
                f"{processors.machines(ops)}; two threads and the raw figures are in",
                "[benchmarks/results](benchmarks/results). `make bench` measures again on yours.",
                "The reference is this package's own, in plain PyTorch; compiled with `torch.compile` it is the honest",
                "opponent.",
            )
        )
    both = {name: values for of_precision in reversed(steps) for name, values in of_precision.items()}
    if both:
        parts += _steps_parts(steps, f"{processors.machines(dict(sorted(both.items())))}.")
    parts += _time_parts(results_in_time)
    return parts + _judged(ops, *steps)


def _steps_parts(steps: list[Files], machines: str) -> list[str]:
    rows = [(name, row) for of_precision in steps for name, values in of_precision.items() for row in values["steps"]]
    convolutions = "; of convolutions only, their fully connected layers are written as convolutions"
    has_convolutions = any(CONVOLUTIONS in row["milliseconds"] for _, row in rows)
    return [
        paragraph(
            "**The training step**, in images per second; in brackets how many times as long as infogan-fast.",
            "Forms A and B are the steps that common PyTorch implementations compute, on the same networks and",
            f"digits{convolutions if has_convolutions else ''}; ours has the loss and the learning rates of form A,",
            "the plain job (`--preset mnist5k-plain`) random views and noise in addition. From",
            "`infogan-fast bench --step`:",
        ),
        steps_table(rows),
        machines,
    ]


def _time_parts(files: Files) -> list[str]:
    """A table for all that were measured alike."""
    alike: dict[str, Files] = {}
    for name, values in files.items():
        alike.setdefault(_how_measured(values["time_to_result"]), {})[name] = values
    parts = []
    for how, of_processors in alike.items():
        parts += [how, results_table(of_processors), f"{processors.machines(of_processors)}."]
    return parts


def _how_measured(result: dict[str, Any]) -> str:
    seeds = len({run["seed"] for run in result["runs"]})
    return paragraph(
        f"**Time to a result**: seconds of training on {result['data']} until L_I of the categorical code",
        f"stays above {result['bound_nats']} nats, and until its accuracy on held-out images stays above",
        f"{result['accuracy']:.0%}; medians of {seeds} seeds, at most {result['most_seconds']:.0f} s a run,",
        f"{threads(result['threads'])}. Both have the paper's objective, ours by `--preset mnist5k-plain`.",
        "From",
        f"`infogan-fast bench --time-to-result --seconds {result['most_seconds']:.0f}`:",
    )


def _judged(*files: Files) -> list[str]:
    """How many targets are met on each processor."""
    judged: dict[str, list[targets.Judged]] = {}
    for of_processors in files:
        for name, values in of_processors.items():
            judged.setdefault(name, []).extend(targets.judge(values))
    met = [f"{sum(one.met for one in ones)} of {len(ones)} on {name}" for name, ones in sorted(judged.items()) if ones]
    if not met:
        return []
    return [
        paragraph(
            f"Targets met, of those that the package sets itself: {'; '.join(met)}.",
            "`infogan-fast bench --check` lists them, and [benchmarks/NOTES.md](benchmarks/NOTES.md) says what stands",
            "in the way of the others.",
        )
    ]


def _on_gpu(folder: Path) -> list[str]:
    results = json.loads((folder / "results.json").read_text())
    details = {part["name"]: part.get("details", {}) for part in results["parts"]}
    parts = []
    rows = rows_shown(details.get("operations", {}).get("rows", []))
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
                    cells.append(f"**{figure_of(figure)}**")
                else:
                    cells.append(figure_of(figure) + (f" ({figure / times[ours]:.1f}x)" if ours in times else ""))
            share = row["bytes_per_second_of_copy"].get(ours)
            cells.append("-" if share is None else "in the L2 cache" if row["fits_l2"] else f"{share:.0%}")
            lines.append(f"| {case_in_words(row['case'])} | {' | '.join(cells)} |")
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
    device, machine = str(results["device"]), f"{results['device']}, torch {results['torch']}."
    steps, in_time = (_read_beside(folder, name) for name in (_STEPS_IN_FLOAT32, _TIME_TO_RESULT))
    steps = steps or (details["steps"] if details.get("steps", {}).get("steps") else None)
    if steps:
        parts += _steps_parts([{device: steps}], machine)
    return parts + (_time_parts({device: in_time}) if in_time else [])


def _read_beside(folder: Path, name: str) -> dict[str, Any] | None:
    path = folder / name
    return json.loads(path.read_text()) if path.exists() else None


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the README would change")
    options = parser.parse_args(arguments)
    path = ROOT / "README.md"
    return write_or_check({path: updated(path.read_text(), RESULTS)}, COMMAND, options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
