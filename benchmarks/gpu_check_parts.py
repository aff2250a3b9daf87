"""The parts of gpu_check: each a function that does its work in subprocesses and gives the details for the results."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

_NOT_COPIED = ("*.so", "__pycache__", ".*_cache")  # wherever they are
_NOT_COPIED_FROM_THE_TOP = (".git", ".venv*", "build", "dist", "runs", ".hypothesis")
_LOGGED_CHARACTERS = 1_000_000  # of each command: the end of what it printed
_SANITIZERS = ("memcheck", "racecheck", "initcheck", "synccheck")


class PartError(Exception):
    """A part failed; what is known of it nevertheless is in ``details``."""

    def __init__(self, message: str, details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class AbsentTool(Exception):  # noqa: N818 (it is no error)
    """What a part would run is not installed here."""


@dataclass
class Context:
    """Where the parts run, and until when."""

    root: Path
    """The repository."""
    work: Path
    """A folder that is removed at the end."""
    log: TextIO
    deadline: float
    """Of everything, on the clock of ``time.monotonic``."""
    part_deadline: float = 0.0
    environment: dict[str, str] = field(default_factory=lambda: {**os.environ, "PYTHONUNBUFFERED": "1"})

    @property
    def tree(self) -> Path:
        """The copy of the repository that the package is built in and that everything runs from."""
        return self.work / "tree"

    def begin(self, name: str, seconds: float) -> None:
        """Give a part its time."""
        self.part_deadline = time.monotonic() + seconds
        self.say(f"== {name}: {seconds:.0f} s at most")

    def seconds_left(self) -> float:
        """Until the end of everything."""
        return self.deadline - time.monotonic()

    def part_seconds_left(self) -> float:
        """Until the end of the part that runs."""
        return max(1.0, self.part_deadline - time.monotonic())

    def say(self, text: str) -> None:
        """To the log and to the terminal."""
        print(text, flush=True)
        self.log.write(text + "\n")
        self.log.flush()


@dataclass
class Command:
    """How a command ended."""

    status: int
    output: str
    seconds: float
    timed_out: bool

    def last_line(self) -> str:
        """What it printed last."""
        lines = self.output.strip().splitlines()
        return lines[-1][:300] if lines else "no output"

    def problem(self) -> str | None:
        """Why it is not as it should be; None if it is."""
        if self.timed_out:
            return f"stopped after {self.seconds:.0f} s"
        return None if self.status == 0 else f"exit status {self.status}: {self.last_line()}"


def run(context: Context, command: list[str], **environment: str) -> Command:
    """Run a command in the tree until the part's time is over: then it is interrupted, and killed if it goes on."""
    started, timed_out = time.monotonic(), False
    process = subprocess.Popen(
        command,
        cwd=context.tree,
        env={**context.environment, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=context.part_seconds_left())
    except subprocess.TimeoutExpired:
        timed_out = True
        process.send_signal(signal.SIGINT)
        try:
            output, _ = process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate()
    seconds = time.monotonic() - started
    cut = "[the end of the output]\n" if len(output) > _LOGGED_CHARACTERS else ""
    context.log.write(f"$ {' '.join(command)}\n{cut}{output[-_LOGGED_CHARACTERS:]}\n[{seconds:.1f} s]\n")
    context.log.flush()
    return Command(process.returncode, output, seconds, timed_out)


def build(context: Context) -> dict[str, Any]:
    """Compile for the GPU at hand, in a copy of the tree."""
    copy_tree(context.root, context.tree)
    command = [sys.executable, "setup.py", "build_ext", "--inplace"]
    compiled = run(context, command, INFOGAN_FAST_CUDA="1", TORCH_CUDA_ARCH_LIST="native")
    details = {"compile_seconds": round(compiled.seconds, 1)}
    if compiled.problem():
        raise PartError(f"build_ext: {compiled.problem()}", details)
    ask = "import json, infogan_fast; print(json.dumps(infogan_fast.build_info()))"
    info = run(context, [sys.executable, "-c", ask])
    if info.problem():
        raise PartError(f"import: {info.problem()}", details)
    details["build_info"] = json.loads(info.output.strip().splitlines()[-1])
    if not details["build_info"]["cuda_kernels"]:
        raise PartError("the package was built without CUDA kernels", details)
    return details


def copy_tree(root: Path, target: Path) -> None:
    """Copy the repository without what was built or run in it."""
    anywhere = shutil.ignore_patterns(*_NOT_COPIED)
    at_the_top = shutil.ignore_patterns(*_NOT_COPIED_FROM_THE_TOP)

    def left_out(folder: str, names: list[str]) -> set[str]:
        return anywhere(folder, names) | (at_the_top(folder, names) if Path(folder) == root else set())

    shutil.copytree(root, target, ignore=left_out)


def tests(context: Context) -> dict[str, Any]:
    """tests/gpu, several processes side by side where pytest-xdist is there."""
    report = context.work / "tests.xml"
    command = [sys.executable, "-m", "pytest", "tests/gpu", "-q", "-rf", "--durations=15", f"--junitxml={report}"]
    if importlib.util.find_spec("xdist"):
        command += ["-n", "4"]
    ended = run(context, command)
    details = junit_counts(report)
    if ended.problem():
        raise PartError(f"{details.get('failed', '?')} failed; {ended.problem()}", details)
    if not details.get("passed"):
        raise PartError("no test ran", details)
    return details


def junit_counts(report: Path) -> dict[str, Any]:
    """How many tests passed, failed and were skipped, the reasons, and which failed; empty without a report."""
    if not report.exists():
        return {}
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = [case for case in cases if case.find("failure") is not None or case.find("error") is not None]
    skipped = [skip.get("message") or "" for case in cases if (skip := case.find("skipped")) is not None]
    return {
        "passed": len(cases) - len(failed) - len(skipped),
        "failed": len(failed),
        "skipped": len(skipped),
        "skip_reasons": sorted(set(skipped)),
        "failures": [f"{case.get('classname')}::{case.get('name')}" for case in failed][:100],
    }


def sanitizers(context: Context) -> dict[str, Any]:
    """compute-sanitizer's tools over a short program, side by side."""
    tool = find_sanitizer()
    if tool is None:
        raise AbsentTool("compute-sanitizer is not installed here")

    has_ports = "--base-port" in run(context, [str(tool), "--help"]).output

    def check(number: int) -> Command:
        options = ["--tool", _SANITIZERS[number], "--error-exitcode", "9", "--print-limit", "20"]
        if has_ports:  # so that those that run side by side do not meet
            options += ["--base-port", str(43_000 + 100 * number)]
        if _SANITIZERS[number] == "memcheck":
            options += ["--report-api-errors", "no"]  # torch asks for what a driver may not have
        command = [str(tool), *options, sys.executable, "-m", "benchmarks.sanitizer_run"]
        return run(context, command, PYTORCH_NO_CUDA_MEMORY_CACHING="1")

    with ThreadPoolExecutor(len(_SANITIZERS)) as pool:
        ended = dict(zip(_SANITIZERS, pool.map(check, range(len(_SANITIZERS))), strict=True))
    details: dict[str, Any] = {
        name: {"seconds": round(command.seconds, 1), "problem": command.problem(), "summary": _summary(command.output)}
        for name, command in ended.items()
    }
    problems = [name for name, command in ended.items() if command.problem() or not _summary(command.output)]
    if problems:
        raise PartError(", ".join(f"{name}: {ended[name].problem() or 'no summary'}" for name in problems), details)
    return details


def find_sanitizer() -> Path | None:
    """On the path, in the toolkit, or in /opt/nvidia."""
    home = Path(os.environ.get("CUDA_HOME", "/usr/local/cuda"))
    found = shutil.which("compute-sanitizer")
    candidates = [Path(found)] if found else []
    candidates += [home / "bin" / "compute-sanitizer", home / "compute-sanitizer" / "compute-sanitizer"]
    candidates += sorted(Path("/opt/nvidia").glob("**/compute-sanitizer"), reverse=True)
    return next((path for path in candidates if path.is_file() and os.access(path, os.X_OK)), None)


def _summary(output: str) -> str | None:
    found: list[str] = re.findall(r"=+ ((?:ERROR|RACECHECK) SUMMARY: .*)", output)
    return found[-1] if found else None


def operations(context: Context) -> dict[str, Any]:
    """The benchmark sweep; what was measured until its time was over counts."""
    path = context.work / "ops.json"
    budget = context.part_seconds_left() - 15.0
    command = [sys.executable, "-m", "benchmarks.op_run"]
    ended = run(context, [*command, "--budget", f"{budget:.0f}", "--json", str(path)])
    details = json.loads(path.read_text()) if path.exists() else {}
    if ended.problem():
        raise PartError(f"{ended.problem()}; {len(details.get('rows', []))} rows", details)
    return details


def training(context: Context) -> dict[str, Any]:
    """A minute of training, eager and compiled."""
    path = context.work / "train.json"
    seconds = min(60.0, context.part_seconds_left() - 15.0)
    command = [sys.executable, "-m", "benchmarks.train_run", "--device", "cuda", "--seconds", f"{seconds:.0f}"]
    ended = run(context, [*command, "--json", str(path)])
    details = json.loads(path.read_text()) if path.exists() else {}
    if ended.problem():
        raise PartError(str(ended.problem()), details)
    if not all(details[kind]["finite"] for kind in ("eager", "compiled")):
        raise PartError("a loss is not finite", details)
    return details


def steps(context: Context) -> dict[str, Any]:
    """The training step against the common ones: eager first, then compiled too, as far as the time goes."""
    details: dict[str, Any] = {}
    for options in (["--no-compile"], []):
        path = context.work / "steps.json"
        path.unlink(missing_ok=True)
        command = [sys.executable, "-m", "benchmarks.step_run", "--device", "cuda", *options]
        ended = run(context, [*command, "--json", str(path)])
        measured = json.loads(path.read_text()) if path.exists() else {}
        rows = {row["setting"]: row for row in (*details.get("steps", []), *measured.get("steps", []))}
        details = {**details, **measured, "steps": list(rows.values())}
        if ended.problem() and not (ended.timed_out and rows):
            raise PartError(f"{ended.problem()}; {len(rows)} settings", details)
    return details


@dataclass(frozen=True)
class Part:
    """One thing to check."""

    name: str
    run: Callable[[Context], dict[str, Any]]
    most: float
    """Seconds that it may take where the others leave them."""
    least: float
    """Seconds that those before it have to leave."""
    needs: tuple[str, ...] = ()
    """Parts without which it makes no sense."""


PARTS = (
    Part("build", build, most=240.0, least=60.0),
    Part("tests", tests, most=160.0, least=90.0, needs=("build",)),
    Part("sanitizers", sanitizers, most=90.0, least=45.0, needs=("build",)),
    Part("operations", operations, most=100.0, least=60.0, needs=("build",)),
    Part("training", training, most=80.0, least=55.0, needs=("build",)),
    Part("steps", steps, most=150.0, least=80.0, needs=("build",)),
)
