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


def check(command, folder):
    """Every command that reads or writes a run folder.

    Args:
        command: gives exit code, standard output and standard error.
        folder: with such a path.
    """
    write_images(folder / "images")
    out = folder / "run"
    train = ["train", "--out", out, "--data", folder / "images", *TINY]
    code, printed, error = command(*train, "--steps=2")
    assert (code, error) == (0, "")
    assert r"r\udce9sum\udcff 'a'" in printed
    code, _, error = command(*train, "--resume", "--steps=4", "--tensorboard")
    assert code == 2
    assert "error: tensorboard: got True, but TensorBoard cannot write to " in error
    assert error.count("\n") == 1
    code, printed, error = command(*train, "--resume", "--steps=4")
    assert (code, error) == (0, "")
    assert "resuming from step 2" in printed
    for words in (["evaluate", out, "--report"], ["traverse", out]):
        code, printed, error = command(*words)
        assert (code, error) == (0, ""), words
    assert (out / "report-last.html").is_file()
    assert r"r\udce9sum\udcff" in (out / "report.html").read_text()
    (out / "checkpoints" / "step_00000004.safetensors").write_bytes(b"damaged")
    code, _, error = command("evaluate", out)
    assert code == 2
    assert error.count("\n") == 1
    assert "/run/checkpoints/step_00000004.safetensors: not a readable checkpoint: " in error


def test_it_is_trained_continued_evaluated_drawn_and_reported(infogan_fast, folder):
    check(infogan_fast, folder)


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_whatever_the_encoding_of_the_output(folder, encoding):
    def command(*words):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "OMP_NUM_THREADS": "1"}
        words = [sys.executable, "-m", "infogan_fast", *(os.fsencode(str(word)) for word in words)]
        process = subprocess.run(words, capture_output=True, env=environment)
        return process.returncode, process.stdout.decode(), process.stderr.decode()

    check(command, folder)


def test_the_command_that_continues_it_is_one_that_a_shell_takes(folder):
    from infogan_fast.runs.folder import RunFolder

    word = str(RunFolder(folder))
    word.encode()
    echoed = subprocess.run(["bash", "-c", f"printf %s {word}"], capture_output=True).stdout
    assert echoed == os.fsencode(folder)
    assert str(RunFolder(Path("/tmp/it's"))) == "'/tmp/it'\"'\"'s'"
