"""What the README says a user can type."""

import copy
import json
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT))

from benchmarks import generated, processors, readme  # noqa: E402
from infogan_fast.bench import names  # noqa: E402

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
        name, _, anchor = target.partition("#")
        assert (ROOT / name).exists(), target
        headings = re.findall(r"^#+ (.+)$", (ROOT / name).read_text(), flags=re.MULTILINE) if anchor else []
        assert anchor in ("", *(re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings)), (
            target
        )


def test_the_figures_of_speed_are_those_of_the_committed_results():
    assert readme.updated(README, RESULTS) == README, "run: python -m benchmarks.readme"
    assert readme.main(["--check"]) == 0
    for values in processors.read(RESULTS, "ops.json").values():
        ours = next(row for row in values["rows"] if row["threads"] == 1)["microseconds"]["infogan_fast"]
        assert f"**{ours:.1f}**" in README


def test_results_of_an_intel_processor_are_committed():
    assert "Intel, AVX-512" in processors.read(RESULTS, "ops.json")
    assert all(values["machine"] for values in processors.read(RESULTS, "steps.json").values())


@pytest.fixture
def results(tmp_path):
    """A folder of made-up results, as the benchmarks write them."""
    build = {"cpu_simd_used": "avx2"}
    machine = {"cpu": "A processor", "torch": "2.13.0+cpu", "build": build}
    times = {"eager reference": 1234.5, "compiled reference": 50.0, "infogan_fast": 10.0}
    row = {"case": "info_loss K=10 C=2 B=128", "dtype": "float32", "threads": 1, "microseconds": times}
    row |= {"device": "cpu", "bytes_per_second_of_copy": {"infogan_fast": 0.02}}
    row["speedup"] = {name: value / 10.0 for name, value in times.items()}
    milliseconds = {"infogan_fast": 40.0, "form A": 80.0}
    step = {"setting": "paper's net, B=128", "device": "cpu", "threads": 2, "milliseconds": milliseconds}
    step["images_per_second"] = {name: 128e3 / value for name, value in milliseconds.items()}
    step["speedup"] = {name: value / 40.0 for name, value in milliseconds.items()}
    step |= {"flop": dict.fromkeys(milliseconds, 1e9), "matrix_product_flop_per_second": 1e11}
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
    files = {
        "ops.json": {"machine": machine, "rows": [row, half, skipped, {**row, "threads": 2}]},
        "steps.json": {"machine": machine, "steps": [step]},
        "time_to_result.json": {"machine": machine, "time_to_result": {**levels, "runs": runs}},
    }
    (tmp_path / "amd-avx2").mkdir()
    for name, values in files.items():
        (tmp_path / "amd-avx2" / name).write_text(json.dumps(values))
    return tmp_path


@pytest.fixture
def second(results):
    """The folder of a second processor, where everything takes twice as long, and which has one step more."""
    shutil.copytree(results / "amd-avx2", results / "intel-avx512")
    for path in (results / "intel-avx512").iterdir():
        values = json.loads(path.read_text())
        values["machine"] = {"cpu": "Another", "torch": "2.12.0", "build": {"cpu_simd_used": "avx512"}}
        for row in values.get("rows", []):
            row["microseconds"] = {name: 2.0 * value for name, value in row.get("microseconds", {}).items()}
        for step in values.get("steps", []):
            step["milliseconds"][names.CONVOLUTIONS] = 44.0
            step["speedup"][names.CONVOLUTIONS] = 1.1
            step["images_per_second"] = {name: 64e3 / value for name, value in step["milliseconds"].items()}
        path.write_text(json.dumps(values))
    return results / "intel-avx512"


def test_the_section_of_a_cpu(results):
    text = readme.section(results)
    assert "| `info_loss` K=10 C=2 B=128 | AMD, AVX2 | 1,234 (123.5x) | 50.0 (5.0x) | **10.0** | - |" in text
    assert "A processor with AVX2, torch 2.13.0;" in text
    assert "| networks | processor | infogan-fast | form A |" in text
    assert "| paper's net, B=128, 2 threads | AMD, AVX2 | **3,200** | 1,600 (2.00x) |" in text
    assert "| infogan-fast | AMD, AVX2 | 30 s | 61 s | 90.0%, 90.0%, 90.0% |" in text
    assert "| form A | AMD, AVX2 | 30 s | never | 90.0%, 90.0%, 90.0% |" in text
    # Of the op on two numbers of threads: 123.5x of 8x, and 5.0x of 4x; of the step 2.0x of 1.8x.
    assert "Targets met, of those that the package sets itself: 5 of 5 on AMD, AVX2." in text
    assert "no GPU has run them" in text
    assert "convolutions" not in text
    assert "77.7" not in text
    assert "8192" not in text


def test_two_processors_stand_side_by_side(results, second):
    text = readme.section(results)
    lines = text.splitlines()
    op = lines.index("| `info_loss` K=10 C=2 B=128 | AMD, AVX2 | 1,234 (123.5x) | 50.0 (5.0x) | **10.0** | - |")
    assert lines[op + 1] == (
        "| `info_loss` K=10 C=2 B=128 | Intel, AVX-512 | 2,469 (123.5x) | 100 (5.0x) | **20.0** | - |"
    )
    assert "| networks | processor | infogan-fast | form A | form A, convolutions only |" in lines
    step = lines.index("| paper's net, B=128, 2 threads | AMD, AVX2 | **3,200** | 1,600 (2.00x) | - |")
    assert lines[step + 1] == (
        "| paper's net, B=128, 2 threads | Intel, AVX-512 | **1,600** | 800 (2.00x) | 1,455 (1.10x) |"
    )
    trainer = lines.index("| infogan-fast | AMD, AVX2 | 30 s | 61 s | 90.0%, 90.0%, 90.0% |")
    assert lines[trainer + 1] == "| infogan-fast | Intel, AVX-512 | 30 s | 61 s | 90.0%, 90.0%, 90.0% |"
    flat = text.replace("\n", " ")
    both = "AMD, AVX2: A processor with AVX2, torch 2.13.0; Intel, AVX-512: Another with AVX-512, torch 2.12.0"
    assert flat.count(both) == 3
    assert "itself: 5 of 5 on AMD, AVX2; 5 of 6 on Intel, AVX-512." in flat
    assert flat.count("**Time to a result**") == 1


def test_every_file_of_a_processor_is_optional(results, second):
    for name in ("ops.json", "steps.json", "time_to_result.json"):
        whole = readme.section(results)
        (second / name).unlink()
        text = readme.section(results)
        assert text.count("Intel, AVX-512") < whole.count("Intel, AVX-512")
        assert text.count("| AMD, AVX2 |") == whole.count("| AMD, AVX2 |")
    assert "Intel" not in text
    for name in ("ops.json", "steps.json", "time_to_result.json"):
        (results / "amd-avx2" / name).unlink()
    assert readme.section(results).startswith("The CUDA kernels have no figures yet")


def test_times_to_a_result_that_were_measured_otherwise_have_a_table_of_their_own(results, second):
    path = second / "time_to_result.json"
    values = json.loads(path.read_text())
    values["time_to_result"]["most_seconds"] = 180.0
    path.write_text(json.dumps(values))
    text = readme.section(results)
    assert text.count("**Time to a result**") == 2
    assert text.index("at most 600 s a run") < text.index("at most 180 s a run")


def test_steps_in_bfloat16_are_rows_of_the_same_table(results, second):
    path = second / "steps.json"
    values = json.loads(path.read_text())
    values["steps"][0] |= {"precision": "bfloat16", "matrix_dtype": "bfloat16"}
    path.rename(second / "steps-bfloat16.json").write_text(json.dumps(values))
    text = readme.section(results)
    assert "| paper's net, B=128, bfloat16, 2 threads | Intel, AVX-512 | **1,600** |" in text
    assert "| paper's net, B=128, 2 threads | AMD, AVX2 | **3,200** |" in text
    assert "| paper's net, B=128, 2 threads | Intel" not in text


@pytest.mark.parametrize(
    ("folder", "name"),
    [("amd-avx512", "AMD, AVX-512"), ("intel-avx2", "Intel, AVX2"), ("other-baseline", "other-baseline")],
)
def test_the_name_of_a_processor_is_that_of_its_folder(folder, name):
    assert processors.name_of(Path(folder)) == name


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
    assert "| paper's net, B=128, 2 threads | AMD, AVX2 |" in text
    steps = {"steps": [{**json.loads((results / "amd-avx2" / "steps.json").read_text())["steps"][0], "device": "cuda"}]}
    values["parts"].append({"name": "steps", "details": steps})
    (results / "a-gpu" / "results.json").write_text(json.dumps(values))
    assert "| paper's net, B=128 | A GPU | **3,200** | 1,600 (2.00x) |" in readme.section(results)


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
