"""Every program of examples/ and the code of docs/python.md, for a few steps: what they make, and what they print."""

import dataclasses
import json
import re
import runpy
import sys
from pathlib import Path

import pytest
from PIL import Image

from infogan_fast.training import PRESETS

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"


@pytest.fixture(autouse=True)
def _quick(tmp_path, monkeypatch):
    """Runs go to a folder of their own, and are evaluated on few samples and narrow networks."""
    monkeypatch.chdir(tmp_path)
    for name in ("plain", "mnist5k"):
        quick = dataclasses.replace(PRESETS[name], evaluation_samples=50, width=0.05, steps=2)
        monkeypatch.setitem(PRESETS, name, quick)


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs a program as a user does; gives what it printed."""

    def run(program, *words):
        monkeypatch.setattr(sys, "argv", [program, *map(str, words)])
        runpy.run_path(str(EXAMPLES / program), run_name="__main__")
        return capsys.readouterr().out

    return run


def assert_finished(folder, steps, shape, pictures):
    """A whole run, with its pictures."""
    summary = json.loads((folder / "summary.json").read_text())
    assert (summary["steps"], summary["shape"]) == (steps, shape)
    assert summary["pictures"] == [f"traversals/{name}.png" for name in pictures]
    assert (folder / "report.html").exists()
    return summary


PICTURES = ["categorical1_samples", "categorical1_continuous1"]


def test_own_loop(run):
    printed = run("own_loop.py", "--steps", 3)
    numbers = re.fullmatch(r"step 3: L_I in nats of categorical 1 \(K=2\), continuous 1: (\S+), (\S+)\n", printed)
    assert float(numbers[1]) < 0.7


def test_image_folder(run, tmp_path):
    printed = run("image_folder.py", "--steps", 2, "--out", "run")
    assert printed.endswith("report: run/report.html\n")
    summary = assert_finished(tmp_path / "run", 2, [1, 16, 16], PICTURES)
    assert (summary["training_images"], summary["data"]) == (320, str(tmp_path / "runs" / "bars"))
    assert summary["accuracy_train"] >= 0.5  # two classes, matched to two categories
    assert (summary["heldout_images"], summary["class_names"]) == (80, ["horizontal", "vertical"])


def test_image_folder_of_the_users_own(run, tmp_path):
    (tmp_path / "images").mkdir()
    for number in range(70):
        Image.new("RGB", (20, 30), (number, 0, 0)).save(tmp_path / "images" / f"{number}.jpg")
    run("image_folder.py", "--steps", 1, "--images", tmp_path / "images", "--out", "run")
    assert assert_finished(tmp_path / "run", 1, [1, 16, 16], PICTURES)["training_images"] == 70
    assert not (tmp_path / "runs").exists()


def test_waveform(run, tmp_path):
    printed = run("waveform.py", "--steps", 2, "--out", "run")
    summary = assert_finished(tmp_path / "run", 2, [1, 64], PICTURES)
    assert printed.endswith(f"categorical code: {summary['accuracy']:.3f}; pictures: run/traversals\n")


def test_ring(run, tmp_path):
    printed = run("ring.py", "--steps", 2)
    summary = assert_finished(tmp_path / "runs" / "plain", 2, [2], PICTURES)
    assert printed.endswith(f"categorical code: {summary['accuracy']:.3f}; pictures: runs/plain/traversals\n")


def test_conditional(run, tmp_path):
    printed = run("conditional.py", "--steps", 2, "--out", "new.png")
    with Image.open(tmp_path / "new.png") as image:
        assert (image.mode, image.size) == ("L", (8 * 28, 11 * 28))
        new = image.tobytes()
    assert re.search(r"category 9: Q reads \[(\d, ){7}\d\]\nimage grid: new.png\n$", printed)
    run("conditional.py", "--run", "runs/mnist5k", "--out", "again.png")
    with Image.open(tmp_path / "again.png") as image:
        assert image.tobytes() == new
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["mnist5k"]


def test_the_code_of_the_page_on_python(tmp_path):
    page = (ROOT / "docs" / "python.md").read_text()
    names = {}
    for code in re.findall(r"^```python\n(.*?)^```", page, flags=re.DOTALL | re.MULTILINE):
        for steps, few in (("steps=500", "steps=2"), ("steps=2000", "steps=2"), ("steps=3000", "steps=3")):
            code = code.replace(steps, few)
        exec(code, names)
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "x",
        "y",
        "points",
        "images",
        "dataset",
        "drift",
        "z",
    }
    assert names["between"].shape == (9, 1, 28, 28)
    assert names["summary"]["steps"] == 2
    assert len(names["files"]) == 3
    run, metrics = names["run"], names["metrics"]
    assert (run.summary["steps"], run.config.evaluation_samples, metrics["r2"] != run.summary["r2"]) == (3, 50, True)
    assert '"drift"' in (run.folder / "metrics.jsonl").read_text()


def test_every_example_is_short_and_tested():
    tested = {name.removeprefix("test_") for name in globals()}
    for program in EXAMPLES.glob("*.py"):
        assert program.stem in tested
        assert len(program.read_text().splitlines()) < 60
