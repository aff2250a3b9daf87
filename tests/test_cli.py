"""The command line: run folders, messages and exit codes."""

import dataclasses
import gzip
import hashlib
import json
import os
import shlex
import signal
import struct
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image

from infogan_fast import __main__ as entry
from infogan_fast.data import DataError, named
from infogan_fast.data.stored_array import ArrayInFile
from infogan_fast.training import TrainingStep
from infogan_fast.training.checkpoint import checkpoints

TINY = [
    "--set=width=0.05",
    "--set=batch_size=8",
    "--set=noise=4",
    "--set=categorical=3",
    "--set=continuous=1",
    "--set=evaluation_samples=20",
    "--device=cpu",
]


def write_idx(path, array):
    path.write_bytes(struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape) + array.tobytes())


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    generator = np.random.default_rng(0)
    for part, count in (("train", 30), ("t10k", 10)):
        write_idx(folder / f"{part}-images-idx3-ubyte", generator.integers(0, 256, (count, 8, 8), dtype=np.uint8))
        write_idx(folder / f"{part}-labels-idx1-ubyte", (np.arange(count) % 3).astype(np.uint8))
    return folder


@pytest.fixture
def published(tmp_path, monkeypatch, images):
    """``mnist`` as those images, on a server on this machine."""
    served = tmp_path / "served" / "mnist"
    served.mkdir(parents=True)
    for path in images.iterdir():
        (served / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    files = tuple(
        dataclasses.replace(file, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        for file in named.PUBLISHED["mnist"].files
        for content in [(served / file.name).read_bytes()]
    )
    monkeypatch.setitem(named.PUBLISHED, "mnist", dataclasses.replace(named.PUBLISHED["mnist"], files=files))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INFOGAN_FAST_DATA", raising=False)
    handler = partial(SimpleHTTPRequestHandler, directory=tmp_path / "served")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("INFOGAN_FAST_MIRROR", f"http://127.0.0.1:{server.server_address[1]}")
        yield
        server.shutdown()


@pytest.fixture
def infogan_fast(monkeypatch, capsys, tmp_path):
    """Runs a command in ``tmp_path``; gives exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["infogan-fast", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        captured = capsys.readouterr()
        return exit_.value.code or 0, captured.out, captured.err

    return run


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
    assert printed.splitlines()[-1].endswith(f"figures: {out / 'summary.json'}  report: {out / 'report.html'}")
    assert f"{summary['accuracy']:.1%}" in (out / "report.html").read_text()


def test_reports_of_a_checkpoint_and_of_other_images(infogan_fast, images, photos, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 2, "--set=checkpoint_every=1", *TINY)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, printed, _ = infogan_fast("evaluate", out, "--checkpoint", "best", "--report", "--data", "images")
    assert code == 0
    assert printed.endswith(f"report: {out / 'report-best.html'}\n")  # the run's own images by another name
    code, printed, error = infogan_fast("evaluate", out, "--report", "--json", "--data", photos)
    assert code == 0
    assert json.loads(printed)["training_images"] == 10
    (other,) = out.glob("report-last-on-photos-*.html")
    assert error.endswith(f"report: {other}\n")
    assert {path: path.read_bytes() for path in files} == files
    (out / "summary.json").unlink()  # as if it had been stopped
    assert infogan_fast("evaluate", out, "--report")[0] == 0
    assert "30 training images of 1x8x8, 10 held out" in (out / "report-last.html").read_text().replace("\n", " ")


@pytest.mark.skipif(sys.platform != "linux", reason="the cache is elsewhere")
def test_mnist_is_downloaded_with_a_line_per_file(infogan_fast, published, tmp_path):
    arguments = ("train", "--data", "mnist", "--steps", 1, "--out", tmp_path / "run", *TINY)
    code, printed, _ = infogan_fast(*arguments)
    assert code == 0
    lines = [line for line in printed.splitlines() if line.startswith("downloading ")]
    assert [line.split(":")[0].removeprefix("downloading ") for line in lines] == [
        "t10k-labels-idx1-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
        "t10k-images-idx3-ubyte.gz",
        "train-images-idx3-ubyte.gz",
    ]
    assert f"data: mnist, 30 training images of 1x8x8, 10 held out\nmnist: read from {tmp_path / 'cache'}" in printed
    code, printed, _ = infogan_fast("evaluate", tmp_path / "run")
    assert code == 0
    assert "downloading" not in printed


def test_default_folder_gets_a_number_if_taken(infogan_fast, images, tmp_path):
    for _ in range(2):
        assert infogan_fast("train", "--data", images, "--steps", 1, *TINY)[0] == 0
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["mnist5k", "mnist5k-2"]


def test_a_folder_in_use_is_refused_and_resumed(infogan_fast, images, tmp_path):
    command = ["train", "--out", tmp_path / "run", "--data", images, *TINY]
    assert infogan_fast(*command, "--resume", "--steps", 4)[0] == 0  # nothing there yet: it starts
    code, _, error = infogan_fast(*command)
    assert code == 2
    assert "is not empty; add --resume to continue the run in it" in error
    code, printed, _ = infogan_fast(*command, "--resume", "--steps", 6)
    assert code == 0
    assert "continuing from step 4" in printed
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
    assert "is not empty; give another folder" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--set", "stepz=3"], "unknown setting 'stepz'; did you mean steps?"),
        (["--set", "steps=0"], "steps: got 0, allowed: an integer >= 1"),
        (["--steps", "0"], "steps: got 0, allowed: an integer >= 1"),
        (["--preset", "mnits"], "preset 'mnits' is unknown; known presets: mnist5k, mnist"),
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
    assert error.endswith(f" Figures of the last good checkpoint: infogan-fast evaluate {out}\n")
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
    command = ["train", "--resume", "--out", out, "--data", images, *TINY, "--steps=9"]
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
    assert "continuing from step 4" in printed


def test_only_categorical_entropies_are_called_limits(infogan_fast, images, tmp_path):
    command = ["train", "--data", images, "--steps", 1, *TINY]
    printed = infogan_fast(*command)[1]
    (line,) = (line for line in printed.splitlines() if line.startswith("H(c) in nats"))
    assert line.endswith("can be: categorical 1 (K=3) 1.099")
    assert "H(c) of a continuous code is a differential entropy" in printed
    assert "H(c) in nats, the most" not in infogan_fast(*command, "--set=categorical=()")[1]


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


def test_paths_are_printed_as_they_are(infogan_fast, images, tmp_path):
    out = tmp_path / "[red]a run[/bold]"
    code, printed, _ = infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)
    assert code == 0
    assert f"run folder: {out}\n" in printed
    assert f"pictures: {out / 'traversals'}" in printed


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
    command = ["train", "--out", out, "--data", images, "--steps", 1, *TINY, "--resume"]
    infogan_fast(*command)
    assert "instead of" not in infogan_fast(*command)[1]
    config = json.loads((out / "config.json").read_text())
    (out / "config.json").write_text(json.dumps({**config, "threads": 77}))
    assert "instead of 77; the weights may differ in their last bits" in infogan_fast(*command)[1]


def test_damaged_run_folders(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--resume", "--out", out, "--data", images, "--steps", 2, *TINY]
    infogan_fast(*command)
    config = json.loads((out / "config.json").read_text())
    lacking = {key: value for key, value in config["settings"].items() if key != "shear"}
    for content, message in (
        (b"\xff\xfe{", "config.json: damaged, it is not JSON"),
        (b"{", "config.json: damaged, it is not JSON"),
        (b"[]", "config.json: damaged, or not the config.json of a run"),
        (b'{"settings": 3}', "config.json: damaged, or not the config.json of a run"),
        (json.dumps({"settings": lacking}).encode(), "config.json: written by another version: lacks shear"),
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


def test_the_best_checkpoint_and_tensorboard(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    arguments = ["--data", images, "--steps", 4, "--set=checkpoint_every=1", "--set=keep_checkpoints=1", *TINY]
    code, _, error = infogan_fast("train", "--out", out, "--tensorboard", *arguments)
    assert code == 0, error
    assert any((out / "tensorboard").iterdir())
    kept = list((out / "checkpoints").iterdir())
    assert 1 <= len(kept) <= 2
    for which in ("last", "best"):
        assert infogan_fast("evaluate", out, "--checkpoint", which)[0] == 0
    assert str(out / "traversals-best") in infogan_fast("traverse", out, "--checkpoint", "best")[1]
    assert infogan_fast("evaluate", out, "--checkpoint", "worst")[0] == 2


def test_the_seed_of_traverse(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 1, "--seed", 3, *TINY)
    first = out / "traversals" / "categorical1_samples.png"
    before = first.read_bytes()
    assert infogan_fast("traverse", out, "--seed", 4)[0] == 0
    assert first.read_bytes() == before
    assert (out / "traversals-seed4" / first.name).read_bytes() != before
    assert str(first) in infogan_fast("traverse", out, "--seed", 3)[1]
    for seed in (-1, 2**31):
        assert infogan_fast("traverse", out, "--seed", seed)[0] == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_a_run_with_a_checkpoint(images, tmp_path, number, code):
    out = tmp_path / "a run"
    arguments = ["train", "--out", out, "--data", images, "--steps", 10**6, "--set=log_every=5", *TINY]
    process = subprocess.Popen(
        [sys.executable, "-m", "infogan_fast", *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    try:
        for line in process.stdout:
            if line.startswith("step "):
                break
        os.kill(process.pid, number)
        printed = process.communicate(timeout=60)[0]
    finally:
        process.kill()
    assert process.returncode == code
    (checkpoint,) = (out / "checkpoints").iterdir()
    step = int(checkpoint.stem.removeprefix("step_"))
    assert f"stopped after step {step}, saved; " in printed
    assert f"infogan-fast train --resume --out {shlex.quote(str(out))}\n" in printed


def test_evaluate_and_traverse(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 2, *TINY)
    summary = json.loads((out / "summary.json").read_text())
    code, printed, _ = infogan_fast("evaluate", out)
    assert code == 0
    assert f"Accuracy on held-out real images: {summary['accuracy']:.1%}" in printed
    assert f"{summary['mi_bound_nats'][0]:.3f}" in printed
    code, printed, _ = infogan_fast("evaluate", out, "--json")
    assert code == 0
    figures = json.loads(printed)
    assert {"mi_bound_ci_nats", "accuracy_ci", "disentanglement", "image_quality"} <= figures.keys()
    assert {key: summary[key] for key in figures} == figures
    code, printed, _ = infogan_fast("traverse", out, "--out", tmp_path / "pictures")
    assert code == 0
    first = "categorical1_samples.png"
    assert (tmp_path / "pictures" / first).read_bytes() == (out / "traversals" / first).read_bytes()
    (tmp_path / "larger").mkdir()
    write_idx(tmp_path / "larger" / "train-images-idx3-ubyte", np.zeros((3, 12, 8), dtype=np.uint8))
    code, _, error = infogan_fast("evaluate", out, "--data", tmp_path / "larger")
    assert code == 2
    assert "its images are 1x12x8, the run was trained on 1x8x8" in error
    code, _, error = infogan_fast("evaluate", tmp_path)
    assert code == 2
    assert "not the folder of a run" in error


@pytest.fixture
def photos(tmp_path):
    """Ten images in two subfolders, one of them CMYK, and two files that are none."""
    folder = tmp_path / "photos"
    generator = np.random.default_rng(0)
    for index in range(10):
        (folder / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        image = Image.fromarray(generator.integers(0, 256, (60, 90, 3), dtype=np.uint8))
        (image.convert("CMYK") if index == 5 else image).save(folder / "ab"[index % 2] / f"{index}.jpg")
    content = (folder / "a" / "0.jpg").read_bytes()
    (folder / "a" / "torn.jpg").write_bytes(content[: len(content) // 2])
    (folder / "readme.txt").write_text("not an image")
    return folder


def test_a_folder_of_images(infogan_fast, photos, tmp_path):
    out = tmp_path / "run"
    command = ["train", "--out", out, "--data", "photos", *TINY, "--set=image_size=8"]
    code, printed, _ = infogan_fast(*command, "--steps", 2)
    assert code == 0
    assert f"data: {photos.resolve()}, 10 training images of 3x8x8\n" in printed
    assert "skipped 2 of 12 files: a/torn.jpg (image file is truncated" in printed
    assert "readme.txt (not an image that Pillow reads)\n" in printed
    assert "labels: 2 classes, the subfolders a, b\n" in printed
    summary = json.loads((out / "summary.json").read_text())
    assert summary["data_notes"][0].startswith("skipped 2 of 12 files: ")
    assert summary["accuracy_train"] is not None
    code, printed, _ = infogan_fast("evaluate", out)
    assert code == 0
    assert "skipped 2 of 12 files" in printed

    code, _, error = infogan_fast(*command, "--steps", 3, "--resume", "--strict")
    assert code == 2
    assert error.startswith(f"error: {photos.resolve() / 'a' / 'torn.jpg'}: image file is truncated")
    (photos / "a" / "torn.jpg").unlink()
    (photos / "readme.txt").unlink()
    code, printed, _ = infogan_fast(*command, "--steps", 3, "--resume", "--strict")
    assert code == 0
    assert "continuing from step 2" in printed
    assert "skipped" not in printed
    for change, message in (("image_size=16", "image_size: got 16, allowed: 8"), ("channels=1", "channels: got 1")):
        code, _, error = infogan_fast(*command, "--resume", "--set", change)
        assert code == 2
        assert f"--resume: {message}" in error
    (photos / "a" / "0.jpg").unlink()
    code, _, error = infogan_fast(*command, "--resume", "--steps", 4)
    assert code == 2
    assert "holds 9 training images, the run was trained on 10" in error


def test_streamed_images_that_go_away_say_how_to_continue(infogan_fast, images, tmp_path, monkeypatch):
    def read(self, indices, usual=ArrayInFile.rows):
        read.calls += 1
        if read.calls == 9:
            raise DataError(f"{self.path}: cannot be read: gone")
        return usual(self, indices)

    options = ["--out", tmp_path / "run", "--data", images, *TINY, "--set=checkpoint_every=2", "--steps", 10]
    monkeypatch.setattr(ArrayInFile, "rows", read)
    read.calls = 0
    code, printed, error = infogan_fast("train", *options, "--set=stream=true", "--set=workers=0")
    assert code == 2
    assert "streaming: 30 images" in printed
    assert error.startswith(f"error: {images / 'train-images-idx3-ubyte'}: cannot be read: gone\nstopped in step ")
    assert error.endswith(f"continue with: infogan-fast train --resume --out {tmp_path / 'run'}\n")
    assert infogan_fast("train", *options, "--resume", "--set=stream=none")[0] == 0


def test_strict_leaves_nothing_behind(infogan_fast, photos, tmp_path):
    code, _, error = infogan_fast("train", "--out", tmp_path / "run", "--data", photos, "--strict", *TINY)
    assert code == 2
    assert "torn.jpg: image file is truncated" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_fewer_images_than_a_batch(infogan_fast, photos, tmp_path):
    code, _, error = infogan_fast("train", "--data", photos, "--device=cpu")
    assert code == 2
    assert (
        f"{photos.resolve()}: holds 10 training images, allowed: at least batch_size, 64; skipped 2 of 12 files"
        in error
    )
    assert error.count("\n") == 1


def test_other_images_are_evaluated_at_the_size_of_the_run(infogan_fast, images, photos, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)
    code, printed, _ = infogan_fast("evaluate", out, "--data", photos)
    assert code == 0
    assert "skipped 2 of 12 files" in printed


def test_settings_and_doctor(infogan_fast):
    code, printed, _ = infogan_fast("train", "--settings")
    assert code == 0
    assert "instance_noise=0.5" in printed
    code, printed, _ = infogan_fast("doctor")
    assert code == 0
    assert "torch" in printed


def test_missing_package_says_what_to_type(infogan_fast, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("infogan_fast.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    code, _, error = infogan_fast("train")
    assert code == 2
    assert "typer is needed" in error
    assert "pip install 'infogan-fast[train]'" in error


def test_import_needs_none_of_the_trainers_packages():
    check = (
        "import sys, infogan_fast; "
        "names = ('typer', 'rich', 'scipy', 'mlxtend', 'safetensors', 'PIL', 'jinja2', 'matplotlib'); "
        "print([m for m in names if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_python_m():
    result = subprocess.run(
        [sys.executable, "-m", "infogan_fast", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("train", "evaluate", "traverse", "doctor"):
        assert command in result.stdout
