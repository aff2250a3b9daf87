"""Fuzzes the readers of files, two side by side: ``python tests/fuzz/run.py [TARGET ...]``, or ``make fuzz``.

Each reader gets some seconds under atheris, which changes files and keeps those that reach new lines. They begin with
undamaged files of this version (``seeds``), the kept corpus, and files that once showed a fault. A line for each reader
says how many files were tried, how many edges of the code were reached, and how large the corpus became. A file that
shows a fault makes the exit code 1; it is left in the folder of the run, with how to try it again.
"""

import argparse
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
NAMES = ("idx", "arrays", "image", "checkpoint", "config", "metrics", "summary")

#: Of one process, most of it torch; beyond it libFuzzer says that memory ran out.
MOST_MEMORY_MIB = 3072
#: After so many seconds on one file, which may have to share the machine, libFuzzer says that the reader hangs.
MOST_SECONDS = 60
#: Of the corpus that is kept: the smallest files that reach everything come first.
MOST_KEPT = 60


def main():
    options = _options()
    if importlib.util.find_spec("atheris") is None:
        print(
            f"atheris is not installed, and has no wheel for every Python and system (this is "
            f"{platform.python_implementation()} {platform.python_version()} on {platform.system()} "
            f"{platform.machine()}); {'the readers are not fuzzed' if options.optional else 'OPTIONAL=1 skips this'}",
            file=sys.stderr,
        )
        return 0 if options.optional else 1
    with ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda name: _fuzz(name, options), options.targets))
    return 0 if all(results) else 1


def _options():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"of {', '.join(NAMES)}; all by default")
    parser.add_argument("--seconds", type=int, default=30, help="of fuzzing for each (default: 30)")
    parser.add_argument("--jobs", type=int, default=2, help="how many side by side (default: 2)")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "fuzz", help="folder (default: build/fuzz)")
    parser.add_argument("--optional", action="store_true", help="do nothing where atheris is not installed")
    parser.add_argument("--keep", action="store_true", help="replace the kept corpus by the best of it and what is new")
    options = parser.parse_args()
    unknown = sorted(set(options.targets) - set(NAMES))
    if unknown:
        parser.error(f"TARGET: got {', '.join(unknown)}, allowed: {', '.join(NAMES)}")
    options.targets = options.targets or NAMES
    return options


def _fuzz(name, options):
    """Fuzz one reader and print its line; whether nothing was found."""
    out = options.out / name
    shutil.rmtree(out, ignore_errors=True)
    for folder in ("corpus", "seeds", "findings"):
        (out / folder).mkdir(parents=True)
    known = [
        out / "seeds",
        *(path for path in (FOLDER / "corpus" / name, FOLDER / "regressions" / name) if path.is_dir()),
    ]
    arguments = [
        f"-max_total_time={options.seconds}",
        f"-timeout={MOST_SECONDS}",
        f"-rss_limit_mb={MOST_MEMORY_MIB}",
        f"-report_slow_units={MOST_SECONDS}",  # or it would write those to the findings
        f"-artifact_prefix={out / 'findings'}{os.sep}",
        "-print_final_stats=1",
    ]
    code, log = _atheris(name, out, [*arguments, out / "corpus", *known])
    found = sorted(path.name for path in (out / "findings").iterdir())
    faults = re.findall(r"^FINDING (.*)$", log, flags=re.MULTILINE)
    if code == 0 and options.keep:
        _keep(name, out)
    print(f"{name:<12}{_line(log)}; {f'{len(found)} FOUND' if found else 'nothing found'}", flush=True)
    for line in faults:
        print(f"  {line}")
    for file in found:
        print(f"  {out / 'findings' / file}: try it with python tests/fuzz/replay.py {name} FILE")
    if code != 0:
        print(f"  the fuzzer ended with {code}; the end of {out / 'log'}:\n" + "\n".join(log.splitlines()[-15:]))
    return code == 0 and not found


def _atheris(name, out, arguments):
    """Exit code and log of ``fuzz_one.py``."""
    command = [sys.executable, str(FOLDER / "fuzz_one.py"), name, str(out), *map(str, arguments)]
    # libFuzzer ends the process without its clean-up, so the folder of the files under test is made here.
    in_memory = Path("/dev/shm") if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=in_memory) as scratch, open(out / "log", "ab") as log:
        environment = {**_environment(), "TMPDIR": scratch}
        code = subprocess.run(command, stdout=log, stderr=log, env=environment, check=False, cwd=ROOT).returncode
    return code, (out / "log").read_text(errors="replace")


def _environment():
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def _line(log):
    """Executions, coverage and corpus, from the last lines of libFuzzer's log that have them."""
    status = re.findall(r"cov: (\d+) ft: (\d+) corp: (\d+)/(\S+)", log)
    runs = re.findall(r"stat::number_of_executed_units: *(\d+)", log) or re.findall(r"^#(\d+)", log, re.MULTILINE)
    speed = re.findall(r"stat::average_exec_per_sec: *(\d+)", log)
    if not status or not runs:
        return "did not start"
    edges, features, files, size = status[-1]
    return (
        f"{int(runs[-1]):>8,} executions ({speed[-1] if speed else '?'}/s), coverage {edges} edges "
        f"({features} features), corpus {files} files of {size}"
    )


def _keep(name, out):
    """The kept corpus anew: of the files without a fault, seeds aside, the least number that reach every edge."""
    kept, good, merged = FOLDER / "corpus" / name, out / "good", out / "merged"
    good.mkdir()
    merged.mkdir()
    found = [path for folder in (out / "corpus", kept) if folder.is_dir() for path in sorted(folder.iterdir())]
    replay = [sys.executable, FOLDER / "replay.py", name, *found]
    lines = subprocess.run(replay, capture_output=True, text=True, check=False, cwd=ROOT, env=_environment()).stdout
    for path in found:
        if f"{path}: nothing" in lines.splitlines():
            shutil.copy(path, good / path.name)
    code, _ = _atheris(name, out, ["-set_cover_merge=1", "-use_counters=0", merged, good])
    if code != 0:
        print(f"{name}: merging ended with {code}: {out / 'log'}")
        return
    seeds = {path.read_bytes() for path in (out / "seeds").iterdir()}
    files = sorted(
        (path for path in merged.iterdir() if path.read_bytes() not in seeds), key=lambda p: p.stat().st_size
    )
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for path in files[:MOST_KEPT]:
        shutil.copy(path, kept / path.name[:12])


if __name__ == "__main__":
    sys.exit(main())
