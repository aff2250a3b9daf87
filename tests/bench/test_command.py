"""The command `infogan-fast bench`: what it selects, writes and refuses."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from infogan_fast import __main__ as entry
from infogan_fast.bench import command, cpu_ops, cuda_ops, steps, targets
from infogan_fast.bench.cases import CASES, LARGE
from infogan_fast.training.processor import Processor, processor


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path):
    """Runs the command; gives exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["infogan-fast", "bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def measured(monkeypatch):
    """Instead of measuring, the calls are noted, and the values are those put in ``results``."""
    calls, results = [], {}

    def note(what):
        def measure(*arguments, **options):
            calls.append((what, *arguments))
            return results.get(what, {})

        return measure

    monkeypatch.setattr(cpu_ops, "measure_and_print", note("op"))
    monkeypatch.setattr(steps, "measure_and_print", note("step"))
    monkeypatch.setattr("infogan_fast.bench.time_to_result.measure_and_print", note("time"))
    monkeypatch.setattr(command, "_data", lambda name: name)
    return calls, results


def op_row(eager):
    row = {"case": CASES[0].name, "device": "cpu", "dtype": "float32", "threads": 1}
    return row | {
        "bytes_per_second_of_copy": {"infogan_fast": 0.02},
        "speedup": {"eager reference": eager, "infogan_fast": 1.0},
    }


def test_without_options_the_targets_are_measured(bench, measured):
    assert bench()[0] == 0
    (op, cases, threads, rounds, *_), (step, chosen, data, *_) = measured[0]
    assert (op, step, data) == ("op", "step", "mnist5k")
    assert cases == [*CASES, LARGE]
    assert (threads, rounds) == ([1, 2], 50)
    assert [setting.name for setting in chosen] == list(targets.CPU_STEPS)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--op"], ["op"]),
        (["--step"], ["step"]),
        (["--time-to-result"], ["time"]),
        (["--op", "--time-to-result"], ["op", "time"]),
    ],
)
def test_what_is_measured(bench, measured, arguments, what):
    assert bench(*arguments)[0] == 0
    assert [call[0] for call in measured[0]] == what


def test_sizes_of_a_run(bench, measured):
    assert bench("--op", "--threads", "2,4", "--rounds", 7)[0] == 0
    assert bench("--quick", "--op", "--step")[0] == 0
    assert bench("--op", "--sweep", "--threads", 1)[0] == 0
    chosen, quick, quick_step, swept = measured[0]
    assert chosen[2:4] == ([2, 4], 7)
    assert quick[1:4] == ([CASES[0]], [1], 3)
    assert len(quick_step[1]) == 1
    assert quick_step[5] is False  # nothing is compiled
    assert len(swept[1]) > 50


def test_precision_and_product_reach_the_steps(bench, measured):
    assert bench("--step")[0] == 0
    assert bench("--step", "--precision", "bfloat16", "--matrix-product", "blas")[0] == 0
    assert bench("--step", "--matrix-product", "onednn")[0] == (0 if processor().has_onednn else 2)
    usual, *asked = ([setting.config for setting in call[1]] for call in measured[0])
    assert {config.precision for config in usual} == {"float32"}
    assert {config.matrix_product for config in usual} == {processor().matrix_product}
    assert {(config.precision, config.matrix_product) for config in asked[0]} == {("bfloat16", "blas")}
    for configs in asked[1:]:
        assert {(config.precision, config.matrix_product) for config in configs} == {("float32", "onednn")}


def test_a_product_that_torch_does_not_have(bench, measured, monkeypatch):
    here = Processor("amd", "avx512", has_bfloat16=False, has_onednn=False)
    monkeypatch.setattr("infogan_fast.training.device.processor", lambda: here)
    code, _, error = bench("--step", "--matrix-product", "onednn")
    assert code == 2
    assert error.startswith("error: matrix_product: got 'onednn'")
    assert measured[0] == []


def test_a_product_for_the_cpu_alone(bench, measured, monkeypatch):
    monkeypatch.setattr(cuda_ops, "why_not", lambda: None)
    code, _, error = bench("--step", "--device", "cuda", "--matrix-product", "onednn")
    assert (code, error) == (2, "error: --matrix-product: is about the CPU; leave --device out\n")


@pytest.mark.parametrize(("eager", "code"), [(9.0, 0), (7.6, 0), (6.8, 1)])
def test_check(bench, measured, eager, code):
    measured[1]["op"] = {"rows": [op_row(eager)]}
    assert bench("--op")[0] == 0
    got, printed, _ = bench("--op", "--check")
    assert got == code
    assert f"1 targets, {code} missed by more than 10%" in printed
    assert "eager reference" in printed


def test_check_of_nothing_fails(bench, measured):
    assert bench("--op", "--check")[0] == 1


def test_the_json_has_everything(bench, measured, tmp_path):
    measured[1].update({"op": {"machine": {}, "rows": [op_row(9.0)]}, "step": {"steps": []}})
    assert bench("--json", tmp_path / "new" / "bench.json")[0] == 0
    values = json.loads((tmp_path / "new" / "bench.json").read_text())
    assert set(values) == {"machine", "rows", "steps", "targets"}
    assert values["targets"][0]["verdict"] == "met"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--rounds", "0"], "'--rounds': got 0, allowed: an integer >= 1"),
        (["--rounds", "many"], "'--rounds': got 'many', allowed: an integer"),
        (["--threads", "1,0"], "'--threads': got 0, allowed: an integer >= 1"),
        (["--threads", "1,"], "'--threads': got '', allowed: an integer"),
        (["--seconds", "-1"], "'--seconds': got -1, allowed: a number of seconds > 0"),
        (["--budget", "nan"], "'--budget': got nan, allowed: a number of seconds > 0"),
        (["--device", "tpu"], "'--device': got 'tpu', allowed: cpu, cuda"),
        (["--plot", ""], "'--plot': got ''"),
        (["--stepz"], "No such option: --stepz"),
        (["--step", "--sweep"], "--sweep: is about the ops; add --op"),
        (["--precision", "auto"], "'--precision': got 'auto', allowed: float32, bfloat16"),
        (["--matrix-product", "mkl"], "'--matrix-product': got 'mkl', allowed: auto, blas, onednn"),
        (["--op", "--precision", "bfloat16"], "--precision: is about the training step; add --step"),
        (["--op", "--matrix-product", "blas"], "--matrix-product: is about the training step; add --step"),
        (["--time-to-result", "--check"], "--check: there is no target for the time to a result"),
        (["--time-to-result", "--threads", "1,2"], "takes one number of threads"),
        (["--threads", "1,99999999999"], "--threads: got 99999999999, allowed: 1 to 1024"),
        (["--op", "--json", "."], "--json: cannot write there: "),
        (["--op", "--json", "/dev/null/results.json"], "--json: cannot write there: "),
        (["--op", "--plot", "/dev/null"], "--plot: cannot write there: "),
        (["--step", "--data", "no/such/folder"], "no/such/folder"),
    ],
)
def test_a_mistake_is_one_line(bench, arguments, message):
    code, printed, error = bench(*arguments)
    assert (code, printed) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
def test_a_full_disk_is_named(bench, measured):
    code, _, error = bench("--op", "--json", "/dev/full")
    assert (code, error) == (2, "error: --json: cannot write /dev/full: No space left on device\n")


def test_without_a_gpu(bench, monkeypatch):
    monkeypatch.setattr(cuda_ops, "why_not", lambda: "no GPU here")
    assert bench("--device", "cuda") == (2, "", "error: --device cuda: no GPU here\n")


def test_plot_without_matplotlib_names_the_extra_before_anything_is_measured(bench, measured, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "matplotlib"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    code, _, error = bench("--op", "--plot", "pictures")
    assert code == 2
    assert error.count("\n") == 1
    assert "pip install matplotlib" in error
    assert measured[0] == []


def test_help(bench):
    code, printed, _ = bench("--help")
    assert code == 0
    assert "Usage: infogan-fast bench" in printed
    for option in dataclasses.fields(command.BenchOptions):
        assert f"--{option.name.replace('_', '-')} " in printed


def test_every_option_arrives(bench, monkeypatch):
    given = {
        "op": True,
        "step": True,
        "time_to_result": True,
        "sweep": True,
        "quick": True,
        "device": "cuda",
        "threads": (3, 4),
        "rounds": 5,
        "budget": 6.5,
        "no_compile": True,
        "precision": "bfloat16",
        "matrix_product": "onednn",
        "data": "fashion-mnist",
        "seeds": (7, 8),
        "seconds": 9.0,
        "json": Path("results.json"),
        "plot": Path("plots"),
        "check": True,
    }
    assert given.keys() == {option.name for option in dataclasses.fields(command.BenchOptions)}
    words = []
    for name, value in given.items():
        words.append(f"--{name.replace('_', '-')}")
        if value is not True:
            words.append(",".join(map(str, value)) if isinstance(value, tuple) else str(value))
    received = []
    monkeypatch.setattr("infogan_fast.cli.bench.run", lambda options: received.append(options) or 0)
    assert bench(*words)[0] == bench()[0] == 0
    assert received == [command.BenchOptions(**given), command.BenchOptions()]


def test_the_ops_need_none_of_the_trainers_packages():
    check = (
        "import sys; from infogan_fast.bench import command; "
        "print([m for m in ('typer', 'rich', 'scipy', 'mlxtend', 'safetensors', 'PIL', 'matplotlib') "
        "if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"
