"""A run folder whose path has bytes that are not UTF-8."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_run import TINY, write_images

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs a file system that takes any bytes")


@pytest.fixture
def folder(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9sum\xff 'a'"))
    path.mkdir()
    return path


def command(*words, encoding="utf-8"):
    """Exit code, standard output and standard error of a command, as bytes."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"}
    words = [os.fsencode(str(word)) for word in words]
    process = subprocess.run([sys.executable, "-m", "infogan_fast", *words], capture_output=True, env=environment)
    return process.returncode, process.stdout, process.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_it_is_trained_continued_evaluated_drawn_and_reported(folder, encoding):
    write_images(folder / "images")
    out = folder / "run"
    train = ["train", "--out", out, "--data", folder / "images", *TINY]
    code, printed, error = command(*train, "--steps=2", encoding=encoding)
    assert (code, error) == (0, b"")
    assert rb"r\udce9sum\udcff 'a'" in printed
    code, _, error = command(*train, "--resume", "--steps=4", "--tensorboard", encoding=encoding)
    assert code == 2
    assert b"error: tensorboard: got True, but TensorBoard cannot write to " in error
    assert error.count(b"\n") == 1
    code, printed, error = command(*train, "--resume", "--steps=4", encoding=encoding)
    assert (code, error) == (0, b"")
    assert b"continuing from step 2" in printed
    for words in (["evaluate", out, "--report"], ["evaluate", out, "--json"], ["traverse", out]):
        code, printed, error = command(*words, encoding=encoding)
        assert (code, error.replace(b"report: ", b"")) == (0, b""), words
    assert (out / "report-last.html").is_file()
    report = (out / "report.html").read_bytes().decode()
    assert r"r\udce9sum\udcff" in report
    (out / "checkpoints" / "step_00000004.safetensors").write_bytes(b"damaged")
    code, _, error = command("evaluate", out, encoding=encoding)
    assert code == 2
    assert error.count(b"\n") == 1
    assert rb"r\udce9sum\udcff 'a'/run/checkpoints/step_00000004.safetensors: not a readable checkpoint: " in error


def test_the_command_that_continues_it_is_one_that_a_shell_takes(folder):
    from infogan_fast.training.run_folder import RunFolder

    word = str(RunFolder(folder))
    word.encode()
    echoed = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True).stdout
    assert echoed == os.fsencode(folder)
    assert str(RunFolder(Path("/tmp/it's"))) == "'/tmp/it'\"'\"'s'"
