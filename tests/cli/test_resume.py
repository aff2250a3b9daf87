"""`infogan-fast train --resume`."""

import json

import numpy as np
import pytest
from tiny_run import TINY, write_idx


def test_a_folder_in_use_is_refused_and_resumed(infogan_fast, images, tmp_path):
    command = ["train", "--out", tmp_path / "run", "--data", images, *TINY]
    assert infogan_fast(*command, "--steps", 4)[0] == 0
    code, _, error = infogan_fast(*command)
    assert code == 2
    assert "is not empty; add --resume to continue the run in it" in error
    code, printed, _ = infogan_fast(*command, "--resume", "--steps", 6)
    assert code == 0
    assert "resuming from step 4" in printed
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 6
    code, _, error = infogan_fast(*command, "--resume", "--seed", 5)
    assert code == 2
    assert "--resume: seed: got 5, allowed: 0" in error


def test_resume_without_a_folder_or_in_a_foreign_one(infogan_fast, tmp_path):
    code, _, error = infogan_fast("train", "--resume")
    assert (code, error) == (2, "error: --resume: say which run with --out DIR\n")
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "thesis.tex").touch()
    code, _, error = infogan_fast("train", "--resume", "--out", tmp_path / "x")
    assert code == 2
    assert f"--resume: there is no run in {tmp_path / 'x'}; to start one there, leave out --resume, or give" in error
    code, _, error = infogan_fast("train", "--resume-or-start", "--out", tmp_path / "x")
    assert code == 2
    assert "is not empty; give another folder" in error


@pytest.mark.parametrize("left", [None, [], ["config.json.tmp"]])
def test_where_no_run_is_none_is_started_unless_asked_for(infogan_fast, images, tmp_path, left):
    """A folder that is missing, or of a run that was killed before it had written its settings."""
    out = tmp_path / "run1"
    if left is not None:
        out.mkdir()
        for name in left:
            (out / name).write_bytes(b"{")
    command = ["--out", out, "--data", images, "--steps", 1, *TINY]
    code, _, error = infogan_fast("train", "--resume", *command)
    assert code == 2
    assert error.startswith(f"error: --resume: there is no run in {out}; to start one there, leave out --resume, or ")
    assert error.count("\n") == 1
    assert out.exists() == (left is not None)
    assert infogan_fast("train", "--resume-or-start", *command)[0] == 0
    assert "resuming from step 1" in infogan_fast("train", "--resume-or-start", *command)[1]


def test_a_slip_of_the_keyboard_is_told_what_it_may_have_meant(infogan_fast, images, tmp_path):
    assert infogan_fast("train", "--out", "runs/my digits", "--data", images, "--steps", 1, *TINY)[0] == 0
    (tmp_path / "runs" / "my digit").mkdir()  # not the folder of a run
    code, _, error = infogan_fast("train", "--resume", "--out", "runs/my digts")
    assert code == 2
    assert "there is no run in runs/my digts; did you mean 'runs/my digits'?; " in error
    assert not (tmp_path / "runs" / "my digts").exists()


def test_the_folder_of_the_data_is_the_same_from_anywhere(infogan_fast, images, tmp_path, monkeypatch):
    out = tmp_path / "run"
    assert infogan_fast("train", "--out", out, "--data", "images", "--steps", 1, *TINY)[0] == 0
    assert json.loads((out / "config.json").read_text())["settings"]["data"] == str(images.resolve())
    command = ["train", "--resume", "--out", out, "--steps", 2, *TINY]
    assert infogan_fast(*command, "--data", "./images/")[0] == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert infogan_fast(*command)[0] == 0
    assert infogan_fast("evaluate", out)[0] == 0


def test_data_that_were_moved_are_given_again(infogan_fast, images, tmp_path):
    out, moved = tmp_path / "run", tmp_path / "moved"
    assert infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)[0] == 0
    images.rename(moved)
    command = ["train", "--resume", "--out", out, "--steps", 2, *TINY]
    code, _, error = infogan_fast(*command)
    assert code == 2
    assert str(images) in error
    assert infogan_fast(*command, "--data", moved)[0] == 0
    assert infogan_fast("evaluate", out)[0] == 0  # from the new place
    write_idx(moved / "train-images-idx3-ubyte", np.zeros((30, 8, 8), dtype=np.uint8))
    code, _, error = infogan_fast("train", "--resume", "--out", out, "--steps", 3, *TINY)
    assert code == 2
    assert f"error: {moved}: its training images are not those that the run was trained on" in error


def test_resume_with_fewer_and_with_more_steps(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--out", out, "--data", images, *TINY]
    infogan_fast(*command, "--steps", 4)
    code, _, error = infogan_fast(*command, "--resume", "--steps", 3)
    assert code == 2
    assert f"--resume: steps: got 3, allowed: at least 4, the steps that the run in {out} has done" in error
    code, printed, _ = infogan_fast(*command, "--resume", "--steps", 5)
    assert code == 0
    assert "steps: 5 instead of 4; " in printed
    assert "the result is not that of a run of 5 steps from the start" in printed
    code, printed, _ = infogan_fast(*command, "--resume", "--preset", "mnist5k")  # the preset's 7000 are not meant
    assert code == 0
    assert "seed: 0, steps: 5," in printed


def test_resume_says_where_the_number_of_threads_differs(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--out", out, "--data", images, "--steps", 1, *TINY, "--resume-or-start"]
    infogan_fast(*command)
    assert "instead of" not in infogan_fast(*command)[1]
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "threads": 77}))
    assert "instead of 77; the weights may differ in their last bits" in infogan_fast(*command)[1]


def test_damaged_run_folders(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--resume-or-start", "--out", out, "--data", images, "--steps", 2, *TINY]
    infogan_fast(*command)
    config = json.loads((out / "config.json").read_text())
    lacking = {key: value for key, value in config["settings"].items() if key != "shear"}
    for content, message in (
        (b"\xff\xfe{", "config.json: damaged, it is not JSON"),
        (b"{", "config.json: damaged, it is not JSON"),
        (b"[]", "config.json: its content: got [], allowed: "),
        (b'{"settings": 3}', "config.json: settings: got 3, allowed: a valid dictionary"),
        (json.dumps({"settings": lacking}).encode(), "config.json: settings: written by another version: lacks shear"),
    ):
        (out / "config.json").write_bytes(content)
        for again in (command, ["evaluate", out]):
            code, _, error = infogan_fast(*again)
            assert code == 2
            assert message in error
            assert error.count("\n") == 1
    (out / "config.json").unlink()
    for again in (command, ["evaluate", out]):
        code, _, error = infogan_fast(*again)
        assert code == 2
        assert "it holds checkpoints, but the config.json with their settings is missing" in error
