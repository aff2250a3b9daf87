"""gpu_check: what it writes without a GPU, and how it deals with parts that fail, wait or need each other."""

import io
import json
import re
import sys
import time
from pathlib import Path

import pytest
import torch

from infogan_fast.bench.cases import sweep

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from benchmarks import gpu_check, gpu_check_parts  # noqa: E402
from benchmarks.gpu_check_parts import AbsentTool, Context, Part, PartError, run  # noqa: E402
from benchmarks.gpu_check_table import table  # noqa: E402


@pytest.fixture
def context(tmp_path):
    (tmp_path / "tree").mkdir()
    return Context(ROOT, tmp_path, io.StringIO(), time.monotonic() + 100.0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_a_gpu_it_says_so_and_fails(tmp_path, capsys):
    assert gpu_check.main(["--out", str(tmp_path / "out"), "--commit", "abc"]) == 1
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["commit"] == "abc"
    names = ["build", "tests", "sanitizers", "operations", "training", "steps"]
    assert [part["name"] for part in results["parts"]] == names
    assert all(part["status"] == "skipped" and "no GPU" in part["reason"] for part in results["parts"])
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"results.json", "table.md", "log.txt"}
    assert "no GPU" in (tmp_path / "out" / "table.md").read_text()
    assert "no GPU" in capsys.readouterr().out


def test_the_copy_has_the_sources_and_nothing_that_was_built(tmp_path):
    root, target = tmp_path / "repository", tmp_path / "copy"
    sources = {"infogan_fast/runs/a.py", "benchmarks/results/cpu/a.json", "infogan_fast/build/a.py", "setup.py"}
    built = {"runs/a.json", "build/a.o", ".git/a", "infogan_fast/_C.so", "infogan_fast/__pycache__/a.pyc", ".venv-b/a"}
    for name in sources | built:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    gpu_check_parts.copy_tree(root, target)
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == sources


def test_a_part_that_fails_stops_only_those_that_need_it(context):
    def failing(context):
        raise PartError("broken", {"figure": 1})

    def mistaken(context):
        raise ZeroDivisionError

    def absent(context):
        raise AbsentTool("not installed")

    parts = (
        Part("first", failing, 10.0, 1.0),
        Part("second", lambda context: {"seen": 2}, 10.0, 1.0, needs=("first",)),
        Part("third", mistaken, 10.0, 1.0),
        Part("fourth", absent, 10.0, 1.0),
        Part("fifth", lambda context: {"seen": 5}, 10.0, 1.0),
    )
    outcomes = gpu_check.run_parts(context, parts, None)
    assert [outcome.status for outcome in outcomes] == ["failed", "skipped", "failed", "absent", "passed"]
    assert outcomes[0].details == {"figure": 1}
    assert outcomes[1].reason == "needs: first"
    assert "ZeroDivisionError" in outcomes[2].reason
    assert outcomes[4].details == {"seen": 5}


def test_the_parts_fit_the_time():
    assert sum(part.least for part in gpu_check.PARTS) < gpu_check.DEFAULT_SECONDS <= 480.0
    assert all(part.least <= part.most for part in gpu_check.PARTS)


def test_parts_that_are_chosen_come_with_those_they_need():
    assert gpu_check.chosen(None) == gpu_check.PARTS
    assert [part.name for part in gpu_check.chosen("steps,operations")] == ["build", "operations", "steps"]
    with pytest.raises(SystemExit, match="got walk, allowed: build, tests"):
        gpu_check.chosen("tests,walk")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_other_parts_keep_their_results(tmp_path):
    earlier = [
        {"name": name, "status": "passed", "seconds": 5.0, "reason": None, "commit": "old"}
        for name in ("build", "tests", "operations")
    ]
    (tmp_path / "results.json").write_text(json.dumps({"parts": earlier}))
    assert gpu_check.main(["--out", str(tmp_path), "--commit", "new", "--parts", "tests"]) == 1
    parts = {part["name"]: part for part in json.loads((tmp_path / "results.json").read_text())["parts"]}
    assert list(parts) == ["build", "tests", "operations"]
    assert [part["commit"] for part in parts.values()] == ["new", "new", "old"]
    assert parts["operations"] == earlier[2]


def test_a_command_that_does_not_end_is_stopped(context):
    context.begin("part", 1.0)
    ended = run(context, [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"])
    assert ended.timed_out
    assert ended.seconds < 20.0
    assert "here" in context.log.getvalue()
    assert "stopped after" in ended.problem()


def test_counts_of_a_junit_report(tmp_path):
    path = tmp_path / "tests.xml"
    path.write_text(
        "<testsuites><testsuite><testcase classname='a' name='one'/><testcase classname='a' name='two'>"
        "<failure message='no'/></testcase><testcase classname='a' name='three'><skipped message='why'/></testcase>"
        "</testsuite></testsuites>"
    )
    counts = gpu_check_parts.junit_counts(path)
    assert (counts["passed"], counts["failed"], counts["skipped"]) == (1, 1, 1)
    assert counts["failures"] == ["a::two"]
    assert counts["skip_reasons"] == ["why"]
    assert gpu_check_parts.junit_counts(tmp_path / "absent.xml") == {}


def test_the_table_of_a_run():
    row = {
        "case": "info_loss K=10 C=2 B=128",
        "fits_l2": False,
        "microseconds": {"eager reference": 200.0, "infogan_fast": 20.0, "infogan_fast, CUDA graph": 4.0},
        "bytes_per_second_of_copy": {"infogan_fast, CUDA graph": 0.5},
    }
    baselines = {
        "copy_bytes_per_second": 3e12,
        "empty_kernel_microseconds": 2.0,
        "empty_kernel_within_a_graph_microseconds": 1.0,
    }
    figures = {"images_per_second": 1000.0}
    text = table(
        {
            "device": "GPU",
            "driver": "1",
            "torch": "2",
            "cuda": "13",
            "python": "3.12",
            "commit": "abc",
            "seconds": 400.0,
            "parts": [
                {"name": "tests", "status": "failed", "seconds": 9.0, "reason": "1 failed", "commit": "abc"},
                {
                    "name": "operations",
                    "status": "passed",
                    "commit": "abc",
                    "seconds": 90.0,
                    "reason": None,
                    "details": {"baselines": baselines, "rows": [row, {"case": "other", "skipped": "budget"}]},
                },
                {
                    "name": "training",
                    "status": "passed",
                    "commit": "abc",
                    "seconds": 60.0,
                    "reason": None,
                    "details": {"eager": figures, "compiled": figures, "width": 1.0, "batch_size": 128},
                },
                {
                    "name": "steps",
                    "status": "failed",
                    "commit": "def",
                    "seconds": 60.0,
                    "reason": "stopped after 60 s; 1 settings",
                    "details": {
                        "steps": [
                            {
                                "setting": "paper's net",
                                "images_per_second": {"infogan_fast": 9000.0, "form A": 3000.0},
                                "speedup": {"infogan_fast": 1.0, "form A": 3.0},
                            }
                        ]
                    },
                },
            ],
        }
    )
    assert "| info_loss K=10 C=2 B=128 | 200.0 / - | - / - | 20.0 / 4.0 | - / - | 50% |" in text
    assert "| tests | abc | failed | 9 | 1 failed |" in text
    assert "| steps | def | failed | 60 | stopped after 60 s; 1 settings |" in text
    assert "eager 1000 images/s" in text
    assert "| paper's net: form A | 3,000 | 3.00x |" in text
    widths = {line.count("|") for line in text.splitlines() if re.match(r"\| (info|other|case)", line)}
    assert len(widths) == 1


def test_the_sweep_has_every_dtype_and_size_once():
    cases = sweep()
    names = [case.name for case in cases]
    assert len(names) == len(set(names))
    batches = {case.batch for case in cases}
    assert {64, 1_048_576} <= batches
    assert {case.dtype for case in cases} == {torch.float32, torch.bfloat16, torch.float16}
    assert all(case.bytes_moved > 0 and case.peak_bytes > 0 for case in cases)


def test_steps_that_are_not_compiled_in_time_leave_the_eager_ones(context, monkeypatch):
    def measured(context, command):
        path = Path(command[command.index("--json") + 1])
        if "--no-compile" in command:
            rows = [{"setting": name, "milliseconds": {"infogan_fast": 2.0}} for name in ("paper", "quarter")]
            path.write_text(json.dumps({"machine": "here", "steps": rows}))
            return gpu_check_parts.Command(0, "", 1.0, False)
        rows = [{"setting": "paper", "milliseconds": {"infogan_fast": 1.0, "form A, compiled": 3.0}}]
        path.write_text(json.dumps({"machine": "here", "steps": rows}))
        return gpu_check_parts.Command(1, "", 100.0, True)

    monkeypatch.setattr(gpu_check_parts, "run", measured)
    details = gpu_check_parts.steps(context)
    assert {row["setting"]: len(row["milliseconds"]) for row in details["steps"]} == {"paper": 2, "quarter": 1}
    assert details["machine"] == "here"


def test_steps_that_fail_are_a_failure(context, monkeypatch):
    monkeypatch.setattr(
        gpu_check_parts, "run", lambda context, command: gpu_check_parts.Command(1, "broken", 1.0, False)
    )
    with pytest.raises(PartError, match="broken; 0 settings"):
        gpu_check_parts.steps(context)
