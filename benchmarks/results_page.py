"""Write docs/results.md, and the README's section with the same figures, from the committed results.

    python -m benchmarks.results_page [--check]

Reads benchmarks/results/<processor>/: mnist5k_seeds.json, mnist5k-plain_seeds.json and sprites_seeds.json, which
`python -m benchmarks.seeds --json` writes, and term_cost.json of `python -m benchmarks.term_cost`. Processors stand
side by side. What none has is said to be not run.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import processors
from benchmarks.generated import END, RESULTS, ROOT, mark, paragraph, threads, where, with_section, write_or_check
from benchmarks.results_text import FIGURES_SHOW, INTRODUCTION, ON_SPRITES, PUBLISHED, UNLIKE_DSPRITES
from benchmarks.seed_tables import (
    ACCURACY,
    CATEGORICAL_BOUND,
    DIGITS,
    R2,
    SCORES,
    SECONDS,
    SPRITES,
    SWD,
    SWD_FLOOR,
    Figure,
    Run,
    entry,
    markdown,
    table,
)
from benchmarks.seed_targets import NOT_RUN, Target, cost, targets

COMMAND = "python -m benchmarks.results_page"

SEEDS = [0, 1, 2, 3, 4]
"""Of every file."""

#: In the place of figures by processor, where there are none.
_NONE: dict[str, dict[str, Any]] = {"-": {}}

_SEEDS_COMMAND = "OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.seeds"


@dataclass(frozen=True)
class Job:
    """Runs of one objective on several seeds."""

    objective: str
    file: str
    command: str
    """That writes the file, with PROCESSOR for the processor's folder."""
    mean: float = 0.0
    """The held-out accuracy wanted in the mean of the seeds."""
    worst: float = 0.0
    """The held-out accuracy wanted of the worst seed."""
    full: str = ""
    """The accuracy wanted on the full 60,000 digits."""


def _job(objective: str, name: str, options: str, **wanted: Any) -> Job:
    file = f"{name}_seeds.json"
    command = f"{_SEEDS_COMMAND} --out runs/seeds-{name} --json benchmarks/results/PROCESSOR/{file}{options}"
    return Job(objective, file, command, **wanted)


PLAIN = _job("plain", "mnist5k-plain", " -- --preset mnist5k-plain", mean=0.75, worst=0.65, full="95%, as in the paper")
WITH_REAL = _job("with information on real images", "mnist5k", "", mean=0.93, worst=0.88, full="98%")
ON_FACTORS = _job("plain", "sprites", " -- --preset sprites --data sprites")


def page(results: Path) -> str:
    """docs/results.md."""
    parts = [
        "# Results",
        mark(COMMAND),
        INTRODUCTION,
        "## Digits: mnist5k",
        *(part for job in (PLAIN, WITH_REAL) for part in _of_objective(job, results)),
        "## What each figure can and cannot show",
        FIGURES_SHOW,
        "## Targets",
        _targets_table(results),
        "## Known factors: sprites",
        *_of_sprites(results),
        END,
    ]
    return "\n\n".join(parts) + "\n"


def section(results: Path) -> str:
    """The README's section, in Markdown, without the marks around it."""
    files = {
        (job, processor): values for job in (PLAIN, WITH_REAL) for processor, values in _read(results, job).items()
    }
    if not files:
        return "The runs have not been made: [docs/results.md](docs/results.md) says how."
    figures = (CATEGORICAL_BOUND, R2, SWD, SWD_FLOOR, SECONDS)
    heads = ["objective", "processor", "accuracy, mean", "worst", *(figure.head for figure in figures)]
    rows = [
        [
            job.objective,
            processor,
            ACCURACY.text(ACCURACY.mean(values["runs"])),
            ACCURACY.text(ACCURACY.worst_of(values["runs"])),
            *(figure.text(figure.mean(values["runs"])) for figure in figures),
        ]
        for (job, processor), values in files.items()
    ]
    parts = [
        paragraph(
            "How often the categorical code agrees with the label, matched one-to-one, on digits that training never",
            "saw; the other figures are means of the seeds:",
        ),
        markdown(heads, rows),
        paragraph(
            *_seeds_and_machines(files),
            "None is left out, and none is among those on which the recipes were chosen. Labels serve to compute the",
            "accuracy and nothing else. Every seed, what each figure can show, the targets and the scores on sprites",
            "are in [docs/results.md](docs/results.md).",
        ),
    ]
    # Those of one processor: the others differ in the folder of the file alone.
    commands = {job: str(values["command"]) for (job, _), values in files.items() if values.get("command")}
    return "\n\n".join([*parts, *([_code(*commands.values())] if commands else [])])


def _read(results: Path, job: Job) -> dict[str, dict[str, Any]]:
    """What the file of a job holds, by the name of the processor."""
    files = processors.read(results, job.file)
    for processor, values in files.items():
        seeds = [run["seed"] for run in values["runs"]]
        if seeds != SEEDS:
            raise ValueError(
                f"{job.file} of {processor}: the runs are of seeds {seeds}; reported are {SEEDS}, none left out and no "
                "other"
            )
    return files


def _of_objective(job: Job, results: Path) -> list[str]:
    return [f"### {_capital(job.objective)}", *_tables(job, results, DIGITS, job.objective)]


def _of_sprites(results: Path) -> list[str]:
    ours = _tables(ON_FACTORS, results, SPRITES, f"{ON_FACTORS.objective}, preset `sprites`")
    heads = ["published for dSprites", *(figure.head for figure in SCORES)]
    rows = [[name, *(scores.get(figure.head, "-") for figure in SCORES)] for name, scores in PUBLISHED.items()]
    return [ON_SPRITES, *ours, markdown(heads, rows), UNLIKE_DSPRITES]


def _tables(job: Job, results: Path, figures: Sequence[Figure], title: str) -> list[str]:
    """A table for each processor, with what there is to say about it."""
    parts = []
    for processor, values in _read(results, job).items():
        runs = values["runs"]
        parts += [table(runs, figures, f"{title} ({processor})"), _about(runs), *_made(values)]
    return parts or _not_run(job)


def _not_run(job: Job) -> list[str]:
    return ["It has not been run. The command, with a folder such as amd-avx2 for PROCESSOR:", _code(job.command)]


def _about(runs: list[Run]) -> str:
    """What the figures of L_I are to be held against: H(c), and the widest interval."""
    sentences = [f"H(c) in nats: {_distinct_of(runs, _entropies)}."]
    intervals = [pair for run in runs for pair in entry(run, "mi_bound_ci_nats") or () if pair]
    if intervals:
        widest = max(high - low for low, high in intervals)
        sentences.append(f"The widest 95 % interval of an L_I above is {widest:.3f} nats from end to end.")
    sentences += dict.fromkeys(note for run in runs if (note := entry(run, "bound_note")))
    return paragraph(*sentences)


def _entropies(run: Run) -> str:
    names, entropies = entry(run, "code_names"), entry(run, "entropy_nats")
    if not names or not entropies:
        return "-"
    return ", ".join(f"{name} {value:.3f}" for name, value in zip(names, entropies, strict=True))


def _made(values: dict[str, Any]) -> list[str]:
    """How, where and when the runs were made."""
    runs, machine = values["runs"], values["machine"]
    facts = {
        "machine": where(machine),
        "threads of each run": _distinct(runs, "threads", threads),
        "steps": _distinct(runs, "steps", "{:,}".format),
        "batch": _distinct(runs, "batch_size"),
        "width, of the paper's": _distinct(runs, "width", "{:g}".format),
        "commit": machine.get("commit") or "-",
        "date": values.get("date") or "-",
    }
    made = paragraph("; ".join(f"{name}: {fact}" for name, fact in facts.items()) + ".")
    command = values.get("command")
    return [f"{made[:1].upper()}{made[1:]}", _code(str(command)) if command else "Command: -"]


def _distinct(runs: list[Run], key: str, form: Callable[[Any], str] = str) -> str:
    """What the runs have under this key: one value, unless they differ."""
    return _distinct_of(runs, lambda run: "-" if entry(run, key) is None else form(entry(run, key)))


def _distinct_of(runs: list[Run], of: Callable[[Run], str]) -> str:
    return " or ".join(dict.fromkeys(map(of, runs)))


def _targets_table(results: Path) -> str:
    rows: list[tuple[str, str, Target]] = []
    for job in (PLAIN, WITH_REAL):
        for processor, values in (_read(results, job) or _NONE).items():
            runs = values["runs"] if values else None
            rows += [(job.objective, processor, one) for one in targets(runs, job.mean, job.worst)]
    for processor, values in (processors.read(results, "term_cost.json") or _NONE).items():
        rows.append((WITH_REAL.objective, processor, cost(values["steps"] if values else None)))
    for job in (PLAIN, WITH_REAL):
        full = Target("accuracy on the full 60,000 digits", job.full, "-", f"{NOT_RUN}: no GPU")
        rows.append((job.objective, "-", full))
    cells = [(objective, where, one.what, one.wanted, one.measured, one.verdict) for objective, where, one in rows]
    return markdown(["objective", "processor", "target", "wanted", "measured", "verdict"], cells)


def _seeds_and_machines(files: dict[tuple[Job, str], dict[str, Any]]) -> list[str]:
    """On what the runs were made: one sentence for all that were made on the same."""
    made: dict[str, dict[str, None]] = {}
    for (job, _), values in files.items():
        seeds = f"seeds {', '.join(str(run['seed']) for run in values['runs'])}"
        how = f"{seeds}, {_distinct(values['runs'], 'threads', threads)} each, {where(values['machine'])}"
        made.setdefault(how, {})[job.objective] = None
    if len(made) == 1:
        return [f"{_capital(next(iter(made)))}."]
    return [f"{_capital(', '.join(objectives))}: {how}." for how, objectives in made.items()]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _code(*lines: str) -> str:
    return "\n".join(["```", *lines, "```"])


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file would change")
    options = parser.parse_args(arguments)
    readme = ROOT / "README.md"
    contents = {
        ROOT / "docs" / "results.md": page(RESULTS),
        readme: with_section(readme.read_text(), COMMAND, section(RESULTS)),
    }
    return write_or_check(contents, COMMAND, options.check)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
