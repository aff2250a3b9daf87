"""`python -m benchmarks.seeds`, on runs that are there already."""

import json
import os
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1]))

from benchmarks import seeds


@pytest.fixture
def folder(tmp_path):
    """Runs of seeds 0 and 1; the later one ended on the third of May 2026."""
    for seed in (0, 1):
        run = tmp_path / "runs" / f"seed{seed}"
        run.mkdir(parents=True)
        summary = {"seed": seed, "accuracy": 0.9 - seed / 10, "mi_bound_nats": [2.3], "r2": [0.8], "seconds": 10.0}
        (run / "summary.json").write_text(json.dumps(summary))
        ended = 1777809600 - (1 - seed) * 10 * 86400
        os.utime(run / "summary.json", (ended, ended))
    return tmp_path


def test_the_table_and_the_file(folder, capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    path = folder / "new" / "seeds.json"
    runs = folder / "runs"
    seeds.main(["--seeds", "0", "1", "--out", str(runs), "--json", str(path), "--", "--preset", "mnist5k-plain"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| seed | accuracy, held-out |")
    assert lines[2].startswith("| 0 | 90.0% | - |")
    assert lines[4].startswith("| **mean** | 85.0% | - |")
    assert lines[5].startswith("| **worst** | 80.0% | - |")
    values = json.loads(path.read_text())
    assert [run["seed"] for run in values["runs"]] == [0, 1]
    assert values["machine"]["torch"]
    assert values["date"] == "2026-05-03"
    assert values["command"] == (
        "OMP_NUM_THREADS=1 .venv/bin/python -m benchmarks.seeds "
        f"--seeds 0 1 --out {runs} --json {path} -- --preset mnist5k-plain"
    )


def test_the_command_without_a_number_of_threads(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert seeds.typed(["--out", "a folder"]) == ".venv/bin/python -m benchmarks.seeds --out 'a folder'"


def test_runs_on_known_factors_show_their_scores(folder, capsys):
    scores = {"factor_vae": 0.7, "mig": 0.1, "sap": 0.3, "dci": 0.5, "beta_vae": 0.8}
    for path in folder.glob("runs/*/summary.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "disentanglement": scores}))
    seeds.main(["--seeds", "0", "1", "--out", str(folder / "runs")])
    assert "| **mean** | 0.70 | 0.10 | 0.30 | 0.50 | 0.80 |" in capsys.readouterr().out
