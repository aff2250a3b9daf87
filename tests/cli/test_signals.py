"""Ctrl-C, a scheduler's SIGTERM and a closed terminal, in processes of their own."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_run import TINY

from infogan_fast import _at_start
from infogan_fast.runs.checkpoint import checkpoints

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs signals and terminals")

ENDLESS = ["--steps", 10**6, "--set=log_every=5", *TINY]


def start(out, images, *more, **options):
    words = [sys.executable, "-m", "infogan_fast", "train", "--out", out, "--data", images, *(more or ENDLESS)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.Popen(list(map(str, words)), env={**os.environ, "OMP_NUM_THREADS": "1"}, **options)


def wait_for_training(stream):
    """Until the training loop has printed its first figures."""
    seen = b""
    while b" images/s" not in seen:
        more = os.read(stream, 4096)
        assert more, seen
        seen += more


def end(process, seconds=60):
    try:
        return process.communicate(timeout=seconds)
    finally:
        process.kill()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_a_run_with_a_checkpoint(images, tmp_path, number, code):
    out = tmp_path / "a run"
    process = start(out, images)
    try:
        wait_for_training(process.stdout.fileno())
        process.send_signal(number)
    finally:
        printed, error = end(process)
    assert (process.returncode, error) == (code, b"")
    (checkpoint,) = checkpoints(out / "checkpoints")
    step = int(checkpoint.stem.removeprefix("step_"))
    assert f"stopped after step {step}, saved; " in printed.decode()
    assert f"infogan-fast train --resume --out {shlex.quote(str(out))}\n" in printed.decode()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_a_signal_that_is_ignored_at_the_start_stops_nothing(images, tmp_path, number):
    """As ``nohup`` does, and a shell with a job in the background."""
    process = start(tmp_path / "run", images, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN))
    try:
        wait_for_training(process.stdout.fileno())
        for _ in range(3):
            process.send_signal(number)
            time.sleep(0.05)
        assert process.poll() is None
        process.terminate()
    finally:
        printed, error = end(process)
    assert (process.returncode, error) == (143, b"")
    assert b"saved; resume with" in printed


@pytest.mark.parametrize("leads", [True, False], ids=["of its session", "setsid"])
def test_a_terminal_that_is_closed_loses_nothing(images, tmp_path, leads):
    """The system sends SIGHUP to the session whose terminal it is; another one meets errors where it prints."""
    import fcntl
    import termios

    def own_session():
        os.setsid()
        if leads:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    out = tmp_path / "run"
    steps = ENDLESS if leads else ["--steps", 400, "--set=log_every=5", *TINY]
    controller, terminal = os.openpty()
    streams = dict.fromkeys(("stdin", "stdout", "stderr"), terminal)
    process = start(out, images, *steps, preexec_fn=own_session, **streams)
    os.close(terminal)
    try:
        wait_for_training(controller)
    finally:
        os.close(controller)
        end(process)
    if leads:
        assert process.returncode == 129
        assert len(checkpoints(out / "checkpoints")) == 1
        process = start(out, images, "--resume", "--steps", 10**6, *TINY)
        try:
            wait_for_training(process.stdout.fileno())
        finally:
            process.terminate()
            printed, _ = end(process)
        assert process.returncode == 143, printed
    else:
        assert process.returncode == 0
        assert (out / "summary.json").exists()
        assert checkpoints(out / "checkpoints")[-1].name == "step_00000400.safetensors"


def caught_by_the_package(process):
    """Wait until Python has its own start behind it, which is not the package's, and imports torch."""
    while process.poll() is None and "torch/lib" not in Path(f"/proc/{process.pid}/maps").read_text():
        time.sleep(0.001)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="looks into /proc")
def test_ctrl_c_at_any_moment_is_at_most_one_line(images, tmp_path):
    """While torch is imported, the images are read, the loop runs, the run is evaluated, and the process ends."""
    options = ["--steps", 400, "--set=log_every=20", *TINY, "--set=evaluation_samples=3000"]
    started = time.monotonic()
    whole = start(tmp_path / "whole", images, *options)
    end(whole)
    assert whole.returncode == 0
    seconds = time.monotonic() - started
    met = set()
    for index in range(20):
        out = tmp_path / str(index)
        process = start(out, images, *options)
        caught_by_the_package(process)
        time.sleep(seconds * index / 20)
        process.send_signal(signal.SIGINT)
        if index % 4 == 3:  # an impatient second one
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
        printed, error = (text.decode() for text in end(process))
        # Python gives the signal back to the system in its last moments, where a shell gives 130 too.
        assert process.returncode in (0, 130, -signal.SIGINT), error
        assert error in ("", "interrupted\n"), error
        said = [line for line in printed.splitlines() if line.startswith(("stopped", "interrupted"))]
        assert len(said) + error.count("\n") <= 1
        assert not out.exists() or any(out.iterdir())  # nothing empty is left
        met.add((process.returncode, bool(error), bool(said)))
    assert (130, False, False) in met
    assert (130, False, True) in met


def test_an_interrupt_in_a_finalizer_is_not_lost():
    script = """
import signal, sys, time
sys.argv = ["infogan-fast"]
from infogan_fast._at_start import interrupts_raised
class Finalized:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)
try:
    with interrupts_raised():
        Finalized()
        for _ in range(1000):
            time.sleep(0.01)
except KeyboardInterrupt:
    print("interrupted")
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.stdout, ended.stderr) == ("interrupted\n", "")


@pytest.mark.parametrize(
    ("words", "is_it"),
    [
        (["-m"], True),
        (["/usr/bin/infogan-fast", "train"], True),
        (["C:/Scripts/infogan-fast.exe"], True),
        (["train.py", "infogan-fast"], False),
        (["-c"], False),
        ([""], False),
        ([], False),
        ([Path("infogan-fast")], False),
    ],
)
def test_which_processes_are_the_command_line(monkeypatch, words, is_it):
    monkeypatch.setattr(sys, "argv", words)
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "infogan_fast"])
    assert _at_start.is_command_line() == is_it


def test_an_interpreter_within_a_program_has_no_words(monkeypatch):
    monkeypatch.delattr(sys, "argv")
    assert not _at_start.is_command_line()


def test_another_module_that_imports_the_package_keeps_its_signals(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["-m", "train"])
    for words in (["-m", "mine", "train"], ["-mmine", "train"]):
        monkeypatch.setattr(sys, "orig_argv", ["python", *words])
        assert not _at_start.is_command_line()
    monkeypatch.setattr(sys, "orig_argv", ["python", "-minfogan_fast", "train"])
    assert _at_start.is_command_line()
    script = "import signal, infogan_fast; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, check=True).stdout == b"True\n"
