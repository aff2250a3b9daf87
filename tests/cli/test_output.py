"""Standard output that cannot be written: a reader that has gone, a full disk, a closed descriptor."""

import os
import subprocess
import sys

import pytest
from tiny_run import SHORT, TINY

from infogan_fast.cli.output import print_error
from infogan_fast.runs.checkpoint import checkpoints

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pipes as POSIX has them")

FULL = "/dev/full"


def run(*words, stdout=None, **options):
    """Exit code and standard error of a command whose output goes to ``stdout``, or to a pipe that nobody reads."""
    if stdout is None:
        reader, stdout = os.pipe()
        os.close(reader)
    try:
        command = [sys.executable, "-m", "infogan_fast", *map(str, words)]
        ended = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=100, **options)
    finally:
        os.close(stdout)
    return ended.returncode, ended.stderr


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run whose output nobody read; with what it said."""
    from tiny_run import write_images

    folder = tmp_path_factory.mktemp("runs")
    write_images(folder / "images")
    return folder / "run", run("train", "--out", folder / "run", "--data", folder / "images", *TINY, *SHORT)


def assert_finished(out):
    assert (out / "summary.json").exists()
    assert (out / "report.html").exists()
    assert (out / "metrics.jsonl").read_text().count("\n") == 6
    assert checkpoints(out / "checkpoints")[-1].name == "step_00000006.safetensors"


def test_training_goes_on_without_a_reader(trained):
    out, (code, error) = trained
    assert (code, error) == (
        0,
        f"standard output: cannot be written: Broken pipe; training goes on, its results go to {out}\n",
    )
    assert_finished(out)


@pytest.mark.skipif(not os.path.exists(FULL), reason="has no /dev/full")
def test_training_goes_on_where_its_output_finds_no_room(images, tmp_path):
    out = tmp_path / "run"
    words = ["train", "--out", out, "--data", images, *TINY, *SHORT]
    code, error = run(*words, stdout=os.open(FULL, os.O_WRONLY))
    assert code == 0
    assert error == (
        f"standard output: cannot be written: No space left on device; training goes on, its results go to {out}\n"
    )
    assert_finished(out)


@pytest.mark.slow
def test_training_goes_on_where_nothing_can_be_said(images, tmp_path):
    out = tmp_path / "run"
    words = [sys.executable, "-m", "infogan_fast", "train", "--out", out, "--data", images, *TINY, *SHORT]
    for closed in (">&- 2>&-", "2>&- | true", "2>&1 | true"):
        command = subprocess.list2cmdline([*map(str, words), "--resume-or-start"])
        assert subprocess.run(["bash", "-c", f"set -o pipefail; {command} {closed}"]).returncode == 0
        assert_finished(out)


PRINTING = ["--help", "train --help", "train --settings", "bench --help", "doctor"]
PRINTING += ["evaluate RUN", "evaluate RUN --json", "traverse RUN"]


def of_a_run(words, out):
    return [out if word == "RUN" else word for word in words.split()]


@pytest.mark.parametrize(
    "words", [pytest.param(words, marks=[] if words == "evaluate RUN" else pytest.mark.slow) for words in PRINTING]
)
def test_what_prints_ends_quietly_without_a_reader(trained, words):
    assert run(*of_a_run(words, trained[0])) == (141, "")


@pytest.mark.skipif(not os.path.exists(FULL), reason="has no /dev/full")
@pytest.mark.parametrize(
    "words",
    ["doctor", *(pytest.param(words, marks=pytest.mark.slow) for words in ("bench --help", "evaluate RUN --json"))],
)
def test_what_prints_fails_where_there_is_no_room(trained, words):
    code, error = run(*of_a_run(words, trained[0]), stdout=os.open(FULL, os.O_WRONLY))
    assert (code, error) == (1, "error: standard output: cannot be written: No space left on device\n")


def test_an_error_is_said_also_without_a_reader():
    assert run("train", "--device", "tpu") == (2, "error: device: got 'tpu', allowed: auto, cpu, cuda\n")


def test_control_characters_are_escaped_and_lines_stay_lines(capsys):
    print_error("a\x1b[2J\x00\r \u00e9\n\udcff")
    assert capsys.readouterr().err == "a\\x1b[2J\\x00\\r \u00e9\n\\xff\n"


def test_a_path_of_two_lines_is_one_line_of_an_error(infogan_fast):
    for words in (("traverse", "a\nb"), ("train", "--resume", "--out", "a\nb")):
        code, _, error = infogan_fast(*words)
        assert code == 2
        assert error.count("\n") == 1
        assert r"a\nb" in error
