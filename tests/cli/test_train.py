"""`infogan-fast train`: run folders, messages and exit codes."""

import errno
import json

import pytest
from tiny_run import TINY

from infogan_fast.data import DataError
from infogan_fast.runs.checkpoint import checkpoints
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import TrainingStep


def test_train_makes_a_run_folder(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    code, printed, _ = infogan_fast("train", "--out", out, "--data", images, "--steps", 5, "--seed", 3, *TINY)
    assert code == 0
    assert "30 training images of 1x8x8, 10 held out" in printed
    assert "step 5/5" in printed
    assert "What the codes learned" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["steps"] == 5
    assert summary["seed"] == 3
    assert 0 <= summary["accuracy"] <= 1
    assert 0 <= summary["accuracy_train"] <= 1
    assert len(summary["mi_bound_nats"]) == len(summary["entropy_nats"]) == 2
    assert summary["seconds"] > 0
    assert summary["images_per_second"] > 0
    config = json.loads((out / "config.json").read_text())
    assert config["settings"]["batch_size"] == 8
    assert config["command_line"][1] == "train"
    assert (out / "metrics.jsonl").read_text().count("\n") == 1
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step_00000005.safetensors"]
    assert {path.name for path in (out / "traversals").iterdir()} == {
        "categorical1_samples.png",
        "categorical1_continuous1.png",
    }
    assert printed.splitlines()[-1].endswith(f"metrics: {out / 'summary.json'}  report: {out / 'report.html'}")
    assert f"{summary['accuracy']:.1%}" in (out / "report.html").read_text()


def test_default_folder_gets_a_number_if_taken(infogan_fast, images, tmp_path):
    for _ in range(2):
        assert infogan_fast("train", "--data", images, "--steps", 1, *TINY)[0] == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mnist5k", "mnist5k-2"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "stepz=3"], "unknown setting 'stepz'; did you mean steps?"),
        (["--set", "steps=0"], "steps got '0', allowed: an integer from 1 to 2147483647"),
        (["--steps", "0"], "steps: got 0, allowed: an integer from 1 to 2147483647"),
        (["--preset", "mnits"], "preset 'mnits' is unknown; known presets: plain, mnist5k"),
        (["--data", "mnist5"], "did you mean mnist5k?"),
        (["--device", "tpu"], "device: got 'tpu', allowed: auto, cpu, cuda"),
        (["--out", "a_file"], "--out a_file: is a file"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing_behind(infogan_fast, tmp_path, arguments, message):
    (tmp_path / "a_file").touch()
    code, _, error = infogan_fast("train", *arguments)
    assert code == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert message in error
    assert [path.name for path in tmp_path.iterdir()] == ["a_file"]


def test_a_run_that_diverges_exits_with_1(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    arguments = ["--set=learning_rate_generator=1e38", "--set=checkpoint_every=1", "--set=log_every=1", "--steps=50"]
    code, _, error = infogan_fast("train", "--out", out, "--data", images, *TINY, *arguments)
    assert code == 1
    assert error.startswith("error: step ")
    assert "not finite" in error
    assert "Resuming would diverge at the same step: start again with lower learning rates" in error
    assert [path.name for path in (out / "checkpoints").iterdir()] == ["step_00000001.safetensors"]
    assert error.endswith(f" Metrics of the last good checkpoint: infogan-fast evaluate {out}\n")
    assert not (out / "summary.json").exists()


def test_what_a_run_that_diverges_leaves_can_be_used(infogan_fast, images, tmp_path, monkeypatch):
    update = TrainingStep.update

    def diverging(step, *inputs):
        terms = update(step, *inputs)
        diverging.calls += 1
        return terms * float("nan") if diverging.calls == 5 else terms

    diverging.calls = 0
    monkeypatch.setattr(TrainingStep, "update", diverging)
    out = tmp_path / "run"
    command = ["train", "--resume-or-start", "--out", out, "--data", images, *TINY, "--steps=9"]
    command += ["--set=checkpoint_every=2", "--set=log_every=1", "--set=picture_every=1"]
    code, _, error = infogan_fast(*command)
    assert code == 1
    assert error.startswith("error: step 5: not finite: ")
    monkeypatch.setattr(TrainingStep, "update", update)
    lines = (out / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line, parse_constant=pytest.fail)["step"] for line in lines] == [1, 2, 3, 4]
    assert [path.name for path in checkpoints(out / "checkpoints")] == [f"step_{s:08d}.safetensors" for s in (2, 4)]
    assert sorted(path.name for path in (out / "traversals").iterdir()) == [f"step_{s:06d}.png" for s in (1, 2, 3, 4)]
    code, printed, _ = infogan_fast("evaluate", out)
    assert code == 0
    assert "nan" not in printed
    code, printed, _ = infogan_fast(*command)  # not even the last good checkpoint has anything of the step
    assert code == 0
    assert "resuming from step 4" in printed


def test_only_categorical_entropies_are_called_limits(infogan_fast, images, tmp_path):
    command = ["train", "--data", images, "--steps", 1, *TINY]
    printed = infogan_fast(*command)[1]
    (line,) = (line for line in printed.splitlines() if line.startswith("H(c) in nats"))
    assert line.endswith("can be: categorical 1 (K=3) 1.099")
    assert "H(c) of a continuous code is a differential entropy" in printed
    assert "H(c) in nats, the most" not in infogan_fast(*command, "--set=categorical=()")[1]


def test_paths_are_printed_as_they_are(infogan_fast, images, tmp_path):
    out = tmp_path / "[red]a run[/bold]"
    code, printed, _ = infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)
    assert code == 0
    assert f"run folder: {out}\n" in printed
    assert f"image grids: {out / 'traversals'}" in printed


@pytest.mark.parametrize("out", ["a_file/run", "x" * 300])
def test_a_folder_that_cannot_be_made_is_told_before_the_data_are_read(infogan_fast, tmp_path, out):
    (tmp_path / "a_file").touch()
    code, _, error = infogan_fast("train", "--out", out, "--data", "nowhere")
    assert code == 2
    assert error.startswith("error: ")
    assert out in error
    assert error.count("\n") == 1
    assert "nowhere" not in error


def test_an_error_of_the_system_names_the_file(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)
    code, _, error = infogan_fast("traverse", out, "--out", images / "train-images-idx3-ubyte")
    assert (code, error) == (2, f"error: {images / 'train-images-idx3-ubyte'}: File exists\n")


@pytest.mark.parametrize(
    ("options", "objective"),
    [
        (["--preset", "mnist5k-plain"], "plain"),
        (["--set=real_information=0.5"], "with information on real images, weight 0.5"),
        (
            ["--set=categorical=()"],
            "with information on real images, weight 1, which does nothing without categorical codes",
        ),
    ],
)
def test_every_report_names_the_objective(infogan_fast, images, tmp_path, options, objective):
    out = tmp_path / "run"
    code, printed, error = infogan_fast("train", "--out", out, "--data", images, "--steps", 2, *TINY, *options)
    assert code == 0, error
    assert f"\nobjective: {objective}\n" in printed
    assert json.loads((out / "summary.json").read_text())["objective"] == objective
    assert objective in (out / "report.html").read_text()
    assert f"objective: {objective}\n" in infogan_fast("evaluate", out)[1]


def test_an_error_of_the_system_that_is_not_of_the_disk_asks_for_no_room(infogan_fast, images, tmp_path, monkeypatch):
    def run(*_):
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(Trainer, "run", run)
    code, _, error = infogan_fast("train", "--out", tmp_path / "run", "--data", images, *TINY)
    assert code == 1
    assert "Cannot allocate memory\nno checkpoint had been written yet" in error
    assert "Make room" not in error


def test_images_that_go_away_after_the_last_step(infogan_fast, images, tmp_path, monkeypatch):
    def finish(_):
        raise DataError("gone")

    monkeypatch.setattr(Trainer, "finish", finish)
    code, _, error = infogan_fast("train", "--out", tmp_path / "run", "--data", images, "--steps", 2, *TINY)
    assert code == 2
    assert "error: gone\ntraining is done, its evaluation is not; resume with: infogan-fast train --resume" in error
