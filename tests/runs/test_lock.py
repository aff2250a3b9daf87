"""One process at a time writes in a run folder; the lock ends with its process, however that ends."""

import errno
import json
import multiprocessing
import os
import platform
import re
import signal
import subprocess
import sys
import time

import pytest
from tiny_run import SHORT, assert_same_run, files_of, run, start, train_command, write_images

from infogan_fast.runs import lock as run_lock
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.lock import LOCK_NAME, SOFT_LOCK_NAME
from infogan_fast.runs.new_folder import new_run_folder

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

HOLD = """
import sys, time
from pathlib import Path
from infogan_fast.runs import lock as run_lock
from infogan_fast.runs.folder import RunFolder
folder = RunFolder(Path(sys.argv[1]))
folder.hold()
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds a folder."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_who_holds_it_since_when_and_what_to_do(tmp_path, holder):
    before = (tmp_path / LOCK_NAME).read_bytes()
    with pytest.raises(RunFolderError) as error:
        RunFolder(tmp_path).hold()
    assert re.fullmatch(
        rf"{tmp_path}: is in use by process {holder.pid} on {re.escape(platform.node())} since "
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d; wait until it ends, stop it, or give another folder",
        str(error.value),
    )
    assert (tmp_path / LOCK_NAME).read_bytes() == before  # who tries does not wipe out who holds it
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    RunFolder(tmp_path).hold()


def test_it_is_held_until_it_is_released(tmp_path):
    folder, other = RunFolder(tmp_path), RunFolder(tmp_path)
    with folder.held():
        with folder.held():
            assert folder.is_held
        assert folder.is_held
        with pytest.raises(RunFolderError, match=f"in use by this process {os.getpid()} on "):
            other.hold()
    assert not folder.is_held
    other.hold()
    other.hold()
    other.release()
    other.release()
    folder.hold()
    del folder  # and where it is forgotten
    other.hold()


def test_a_forked_process_does_not_have_it(tmp_path):
    """As the workers of a streaming run, which may outlive it for some seconds."""
    read, write = os.pipe()
    parent = os.fork()
    if parent == 0:
        folder = RunFolder(tmp_path)
        folder.hold()
        child = os.fork()
        if child == 0:
            left = b"held" if folder.is_held else b"free"
            folder.release()  # of no effect here
            os.write(write, left + b" %d\n" % os.getpid())
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
        os._exit(0)
    os.close(write)
    try:
        with open(read) as pipe:
            left, child = pipe.readline().split()
            assert left == "free"
            with pytest.raises(RunFolderError, match=f"in use by process {parent} on "):
                RunFolder(tmp_path).hold()
            os.kill(parent, signal.SIGKILL)
            os.waitpid(parent, 0)
            RunFolder(tmp_path).hold()
            os.kill(int(child), 0)  # it is still there
    finally:
        os.kill(int(child), signal.SIGKILL)


def test_a_record_that_says_nothing(tmp_path, holder):
    for content in (b"", b"{", b'{"pid": "x"}', b"[]", b"\xff" * 10_000, b'{"pid": -1, "host": "\\n", "since": ""}'):
        (tmp_path / LOCK_NAME).write_bytes(content)
        with pytest.raises(RunFolderError, match="is in use by another process; wait until it ends"):
            RunFolder(tmp_path).hold()


def test_a_lock_file_that_is_none(tmp_path):
    (tmp_path / "precious").write_text("text")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(
        RunFolderError, match=rf"{LOCK_NAME}: is a symbolic link to '.*precious', allowed: a regular file"
    ):
        RunFolder(tmp_path).hold()
    (tmp_path / LOCK_NAME).unlink()
    os.mkfifo(tmp_path / LOCK_NAME)
    with pytest.raises(RunFolderError, match=rf"{LOCK_NAME}: is a FIFO, allowed: a regular file"):
        RunFolder(tmp_path).hold()
    assert (tmp_path / "precious").read_text() == "text"


def test_a_lock_on_a_file_that_was_removed_is_none(tmp_path, monkeypatch):
    """Who held it removed it, as an unused folder is, after it was opened here."""
    lock_descriptor = run_lock.lock_descriptor

    def lock(descriptor, blocking):
        if len(opened) == 0:
            (tmp_path / LOCK_NAME).unlink()
        opened.append(descriptor)
        return lock_descriptor(descriptor, blocking=blocking)

    opened = []
    monkeypatch.setattr(run_lock, "lock_descriptor", lock)
    folder = RunFolder(tmp_path)
    folder.hold()
    assert len(opened) == 2
    with pytest.raises(RunFolderError, match="in use"):
        RunFolder(tmp_path).hold()


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK])
def test_a_file_system_without_locks(tmp_path, monkeypatch, code):
    def refuse(*_, **__):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(run_lock, "lock_descriptor", refuse)
    monkeypatch.setattr(run_lock, "_SOFT_SECONDS", 0.2)
    folder = RunFolder(tmp_path)
    folder.hold()
    with pytest.raises(
        RunFolderError, match=f"process {os.getpid()} on .*; if it is gone, .* remove .*{SOFT_LOCK_NAME}"
    ):
        RunFolder(tmp_path).hold()
    folder.release()
    assert not (tmp_path / SOFT_LOCK_NAME).exists()

    monkeypatch.setattr(run_lock, "_SOFT_SECONDS", 5.0)
    child = os.fork()
    if child == 0:
        other = RunFolder(tmp_path)
        other.hold()
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert (tmp_path / SOFT_LOCK_NAME).exists()
    folder.hold()  # as the process is gone


def test_another_error_of_the_lock(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(run_lock, "lock_descriptor", refuse)
    with pytest.raises(RunFolderError, match=rf"{LOCK_NAME}: cannot be locked: Input/output error"):
        RunFolder(tmp_path).hold()


def test_a_new_folder_is_held_before_it_is_seen_to_be_empty(tmp_path):
    folder = new_run_folder(tmp_path / "run", "name")
    assert folder.is_held
    with pytest.raises(RunFolderError, match="is in use by this process"):
        new_run_folder(tmp_path / "run", "name")
    folder.remove_if_unused()
    folder.release()
    assert not (tmp_path / "run").exists()
    (tmp_path / "run").mkdir()
    folder = new_run_folder(tmp_path / "run", "name")
    folder.remove_if_unused()
    assert not any((tmp_path / "run").iterdir())


def test_nothing_is_left_of_a_new_folder_that_cannot_be_held(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(run_lock, "regular_only", refuse)
    with pytest.raises(RunFolderError, match="Input/output error"):
        new_run_folder(tmp_path / "new" / "run", "name")
    assert not (tmp_path / "new").exists()


def test_no_lock_is_left_in_a_folder_that_is_somebodys(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunFolderError, match="is not empty; give another folder"):
        new_run_folder(tmp_path, "name")
    assert files_of(tmp_path) == ["thesis.tex"]


def test_default_names_are_each_given_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with multiprocessing.get_context("fork").Pool(8) as pool:
        names = pool.map(_new_name, range(24))
    assert sorted(names) == sorted(["preset", *(f"preset-{number}" for number in range(2, 25))])


def _new_name(_):
    return new_run_folder(None, "preset").path.name


def test_a_trainer_that_another_one_has_overtaken(make_config, data, tmp_path):
    from infogan_fast.runs.trainer import Trainer

    folder = RunFolder(tmp_path)
    trainer, other = Trainer(make_config(), data, folder), Trainer(make_config(), data, RunFolder(tmp_path))
    other.run(stop=lambda: other.step == 2)
    with pytest.raises(RunFolderError, match="is of a later step than 0, the last of this trainer"):
        trainer.run()
    held = RunFolder(tmp_path)
    held.hold()
    for use in (lambda: other.run(), other.finish, lambda: Trainer(make_config(), data, folder)):
        with pytest.raises(RunFolderError, match="is in use by this process"):
            use()


@pytest.mark.slow
def test_two_runs_of_one_folder_that_start_together(tmp_path):
    write_images(tmp_path / "images")
    words = [word for word in train_command(tmp_path / "run", tmp_path / "images", *SHORT) if word != "--resume"]
    processes = [start([*words, f"--seed={seed}"]) for seed in range(3)]
    outcomes = [(process, *process.communicate(timeout=300)) for process in processes]
    (winner,) = (process for process, _, _ in outcomes if process.returncode == 0)
    for process, printed, error in outcomes:
        if process is not winner:
            assert process.returncode == 2, printed
            assert error.count("\n") == 1
            assert f"is in use by process {winner.pid} on" in error or "is not empty" in error
    seed = json.loads((tmp_path / "run" / "config.json").read_text())["settings"]["seed"]
    alone = [str(tmp_path / "alone") if word == str(tmp_path / "run") else word for word in words]
    assert run([*alone, f"--seed={seed}"])[0] == 0
    assert_same_run(tmp_path / "run", tmp_path / "alone")


@pytest.mark.slow
def test_a_streaming_run_that_is_killed_is_continued_at_once(tmp_path):
    write_images(tmp_path / "images")
    settings = ["--set=stream=true", "--set=workers=2", "--set=log_every=1", "--steps=100000"]
    command = train_command(tmp_path / "run", tmp_path / "images", *settings)
    process = start(command)
    for line in process.stdout:
        if line.startswith("step "):
            break
    code, _, error = run(command)  # the second of two that are to continue it
    assert code == 2
    assert f"is in use by process {process.pid} on" in error
    process.kill()
    process.wait()
    with RunFolder(tmp_path / "run").held():
        pass
