"""What the README says a user can type."""

import copy
import json
import re
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from benchmarks import generated, readme  # noqa: E402

README = (ROOT / "README.md").read_text()
RESULTS = ROOT / "benchmarks" / "results"


def test_its_code_runs_as_it_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loss, training = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    generator, head = torch.nn.Linear(74, 100), torch.nn.Linear(100, 14)
    names = {"G": generator, "Q": head, "gan_loss": torch.zeros(())}
    exec(loss, names)
    assert names["loss"].isfinite()
    assert names["nll"].shape == (3,)
    assert generator.weight.grad.abs().sum() > 0
    assert head.weight.grad.abs().sum() > 0
    names |= {"T": torch.nn.Identity(), "D": torch.nn.Linear(100, 1), "images": torch.rand(70, 100)}
    exec(training.replace("steps=5000", "steps=1, evaluation_samples=20"), names)
    assert names["x"].shape == (8, 100)
    assert names["codes"].mean.shape == (8, 2)
    assert names["run"].summary["steps"] == 1


def test_the_make_targets_exist():
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make (train|test|bench)\b", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_files_it_points_to_exist():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_figures_of_speed_are_those_of_the_committed_results():
    assert readme.updated(README, RESULTS) == README, "run: python -m benchmarks.readme"
    assert readme.main(["--check"]) == 0
    rows = json.loads((RESULTS / "cpu" / "ops.json").read_text())["rows"]
    ours = next(row for row in rows if row["threads"] == 1)["microseconds"]["infogan_fast"]
    assert f"**{ours:.1f}**" in README


@pytest.fixture
def results(tmp_path):
    """A folder of made-up results, as the benchmarks write them."""
    build = {"cpu_simd_used": "avx2"}
    machine = {"cpu": "A processor", "torch": "2.13.0+cpu", "build": build}
    times = {"eager reference": 1234.5, "compiled reference": 50.0, "infogan_fast": 10.0}
    row = {"case": "info_loss K=10 C=2 B=128", "dtype": "float32", "threads": 1, "microseconds": times}
    row["speedup"] = {name: value / 10.0 for name, value in times.items()}
    milliseconds = {"infogan_fast": 40.0, "form A": 80.0}
    step = {"setting": "paper's net, B=128", "device": "cpu", "threads": 2, "milliseconds": milliseconds}
    step["images_per_second"] = {name: 128e3 / value for name, value in milliseconds.items()}
    step["speedup"] = {name: value / 40.0 for name, value in milliseconds.items()}
    runs = [
        {
            "trainer": trainer,
            "seed": seed,
            "seconds_until_bound": 30.0,
            "seconds_until_accuracy": until,
            "accuracy": 0.9,
        }
        for seed in (0, 1, 2)
        for trainer, until in (("infogan_fast", 60.0 + seed), ("form A", None))
    ]
    levels = {"data": "mnist5k", "threads": 2, "most_seconds": 600.0, "bound_nats": 2.2, "accuracy": 0.8}
    half = {**copy.deepcopy(row), "dtype": "float16"}
    half["microseconds"]["infogan_fast"] = 77.7
    skipped = {"case": "info_loss K=10 C=2 B=8192", "dtype": "float32", "threads": 1, "skipped": "budget"}
    target = {"what": "op", "against": "eager reference", "threads": 1, "wanted": 8.0, "unit": "x"}
    targets = [{**target, "measured": 9.0, "verdict": "met"}, {**target, "measured": 6.8, "verdict": "missed by 15 %"}]
    files = {
        "ops.json": {"machine": machine, "rows": [row, half, skipped, {**row, "threads": 2}], "targets": targets},
        "steps.json": {"machine": machine, "steps": [step]},
        "time_to_result.json": {"machine": machine, "time_to_result": {**levels, "runs": runs}},
    }
    (tmp_path / "cpu").mkdir()
    for name, values in files.items():
        (tmp_path / "cpu" / name).write_text(json.dumps(values))
    return tmp_path


def test_the_section_of_a_cpu(results):
    text = readme.section(results)
    assert "| `info_loss` K=10 C=2 B=128 | 1,234 (123.5x) | 50.0 (5.0x) | **10.0** | - |" in text
    assert "A processor with AVX2, torch 2.13.0;" in text
    assert "| networks | infogan-fast | form A |" in text
    assert "| paper's net, B=128, 2 threads | **3,200** | 1,600 (2.00x) |" in text
    assert "| infogan-fast | 30 s | 61 s | 90.0%, 90.0%, 90.0% |" in text
    assert "| form A | 30 s | never | 90.0%, 90.0%, 90.0% |" in text
    assert "Of the 2 targets that the package sets itself, 1 are met" in text
    assert "no GPU has run them" in text
    assert "77.7" not in text
    assert "8192" not in text


def test_the_section_of_a_gpu(results):
    names = ("eager reference", "compiled reference", "infogan_fast")
    times = {f"{name}, CUDA graph": value for name, value in zip(names, (100.0, 8.0, 4.0), strict=True)}
    row = {"case": "info_loss K=10 C=2 B=128", "dtype": "float32", "microseconds": times, "fits_l2": True}
    row["bytes_per_second_of_copy"] = {"infogan_fast, CUDA graph": 0.9}
    large = {**row, "case": "info_loss K=10 C=2 B=1048576", "fits_l2": False}
    speeds = {"eager": {"images_per_second": 1e4}, "compiled": {"images_per_second": 1e5}}
    parts = [
        {"name": "operations", "details": {"rows": [large, row], "baselines": {"copy_bytes_per_second": 3e12}}},
        {"name": "training", "details": {**speeds, "width": 1.0, "batch_size": 128}},
        {"name": "tests"},
    ]
    (results / "a-gpu").mkdir()
    values = {"device": "A GPU", "torch": "2.13.0", "cuda": "13.0", "parts": parts}
    (results / "a-gpu" / "results.json").write_text(json.dumps(values))
    text = readme.section(results)
    assert "**A GPU**, torch 2.13.0, CUDA 13.0; microseconds" in text
    assert "| `info_loss` K=10 C=2 B=128 | 100 (25.0x) | 8.0 (2.0x) | **4.0** | in the L2 cache |" in text
    assert "| `info_loss` K=10 C=2 B=1048576 | 100 (25.0x) | 8.0 (2.0x) | **4.0** | 90% |" in text
    assert "Training on A GPU, width 1, batch 128: 10,000 images/s eager, 100,000 images/s compiled." in text
    assert "no GPU has run them" not in text


def test_the_section_stands_between_its_marks(results):
    with pytest.raises(ValueError, match="expected one"):
        readme.updated("# A README without marks", results)
    other = f"{generated.mark('another command')}\n\nanother\n\n{generated.END}"
    begin = generated.mark(readme.COMMAND)
    text = f"{other}\nbefore\n{begin}\n\nold\n\n{generated.END}\nafter\n{other}\n"
    assert readme.updated(text, results) == text.replace("old", readme.section(results))
    with pytest.raises(ValueError, match="expected one"):
        readme.updated(f"{begin}\n\nold\n\n{other}", results)  # its own end is lost
    with pytest.raises(ValueError, match="expected one"):
        readme.updated(text + text, results)
