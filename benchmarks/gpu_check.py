"""Everything that only a machine with a GPU can check, in one command and within eight minutes.

    python3 -m benchmarks.gpu_check [--out DIR] [--commit NAME] [--seconds S] [--parts NAMES]

Builds the package from a copy of this tree for the GPU at hand, runs tests/gpu, compute-sanitizer, the benchmark sweep,
a training run and the step against the common ones. A part that fails does not stop the others; the exit status is 0
only if every part passed, or has a tool that is absent. DIR gets results.json, table.md and log.txt. With --parts the
other parts keep what results.json in DIR has of them; every part says of which commit it is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu_check_parts import PARTS, AbsentTool, Context, Part, PartError
from benchmarks.gpu_check_table import table

ROOT = Path(__file__).resolve().parents[1]
DEFAULT_SECONDS = 470.0

PASSED, FAILED, SKIPPED, ABSENT = "passed", "failed", "skipped", "absent"


@dataclass
class Outcome:
    """What became of a part."""

    name: str
    status: str
    seconds: float = 0.0
    reason: str | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self, commit: str | None) -> dict[str, Any]:
        """For results.json."""
        values = {"name": self.name, "status": self.status, "seconds": round(self.seconds, 1), "reason": self.reason}
        return values | {"commit": commit} | ({"details": self.details} if self.details else {})


def device() -> dict[str, str | None]:
    """Name and driver of the GPU; None where there is none."""
    try:
        query = ["nvidia-smi", "--query-gpu=name,driver_version,memory.total", "--format=csv,noheader"]
        text = subprocess.run(query, capture_output=True, text=True, check=True, timeout=30).stdout
        name, driver, memory = (value.strip() for value in text.splitlines()[0].split(","))
    except (OSError, subprocess.SubprocessError, IndexError, ValueError):
        name = torch.cuda.get_device_name() if torch.cuda.is_available() else None
        return {"device": name, "driver": None, "memory": None}
    return {"device": name, "driver": driver, "memory": memory}


def commit_of(root: Path) -> str | None:
    """What git says of the tree; None where it cannot."""
    try:
        command = ["git", "describe", "--always", "--dirty"]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None


def run_parts(context: Context, parts: Sequence[Part], why_not: str | None) -> list[Outcome]:
    """Run the parts one after the other, each within its time.

    Args:
        context: where they run.
        parts: in their order.
        why_not: why none can run; None if they can.
    """
    outcomes: dict[str, Outcome] = {}
    for number, part in enumerate(parts):
        unmet = [name for name in part.needs if outcomes[name].status != PASSED]
        if why_not is not None or unmet:
            outcomes[part.name] = Outcome(part.name, SKIPPED, reason=why_not or f"needs: {', '.join(unmet)}")
            continue
        reserved = sum(later.least for later in parts[number + 1 :])
        context.begin(part.name, min(part.most, context.seconds_left() - reserved))
        started = time.monotonic()
        outcome = Outcome(part.name, PASSED)
        try:
            outcome.details = part.run(context)
        except AbsentTool as absent:
            outcome.status, outcome.reason = ABSENT, str(absent)
        except PartError as error:
            outcome.status, outcome.reason, outcome.details = FAILED, str(error), error.details
        except Exception as error:  # a mistake of this script must not cost the other parts
            outcome.status, outcome.reason = FAILED, f"{type(error).__name__}: {error}"
        outcome.seconds = time.monotonic() - started
        outcomes[part.name] = outcome
        reason = f": {outcome.reason}" if outcome.reason else ""
        context.say(f"{part.name}: {outcome.status} in {outcome.seconds:.0f} s{reason}")
    return list(outcomes.values())


def chosen(names: str | None) -> tuple[Part, ...]:
    """The parts of a comma-separated list, and those that they need; all without one."""
    if names is None:
        return PARTS
    wanted = set(names.split(","))
    if unknown := wanted - {part.name for part in PARTS}:
        allowed = ", ".join(part.name for part in PARTS)
        raise SystemExit(f"--parts: got {', '.join(sorted(unknown))}, allowed: {allowed}")
    needed = {name for part in PARTS if part.name in wanted for name in part.needs}
    return tuple(part for part in PARTS if part.name in wanted | needed)


def kept(path: Path, run: Sequence[Part]) -> list[dict[str, Any]]:
    """What an earlier results.json has of the parts that are not run."""
    if len(run) == len(PARTS) or not path.exists():
        return []
    return [part for part in json.loads(path.read_text())["parts"] if part["name"] not in {one.name for one in run}]


def slug(name: str | None) -> str:
    """A device's name as that of a folder."""
    return "-".join("".join(c if c.isalnum() else " " for c in (name or "no gpu").lower()).split())


def main(arguments: list[str] | None = None) -> int:
    """The command line; gives the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="default: benchmarks/results/ and the device's name")
    parser.add_argument("--commit", help="of this tree, where git cannot tell")
    parser.add_argument("--seconds", type=float, default=DEFAULT_SECONDS, help=f"in all (default: {DEFAULT_SECONDS:g})")
    parser.add_argument("--parts", help=f"run only these, of {','.join(part.name for part in PARTS)}")
    options = parser.parse_args(arguments)
    parts = chosen(options.parts)
    started = time.monotonic()
    where = device()
    commit = options.commit or commit_of(ROOT)
    out: Path = options.out or ROOT / "benchmarks" / "results" / slug(where["device"])
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work, open(out / "log.txt", "w") as log:
        context = Context(ROOT, Path(work), log, started + options.seconds)
        why_not = None if torch.cuda.is_available() else f"no GPU: torch {torch.__version__} finds none"
        outcomes = run_parts(context, parts, why_not)
    all_parts = kept(out / "results.json", parts) + [outcome.to_json(commit) for outcome in outcomes]
    order = [part.name for part in PARTS]
    results = {
        "commit": commit,
        **where,
        "python": sys.version.split()[0],
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "seconds": round(sum(part["seconds"] for part in all_parts), 1),
        "parts": sorted(all_parts, key=lambda part: order.index(part["name"])),
    }
    (out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    (out / "table.md").write_text(table(results))
    for outcome in outcomes:
        print(f"{outcome.name:12} {outcome.status:8} {outcome.seconds:6.0f} s  {outcome.reason or ''}")
    print(f"results: {out}")
    return 0 if all(outcome.status in (PASSED, ABSENT) for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
