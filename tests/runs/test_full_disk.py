"""A disk that is full, or that can no longer be written: the run ends cleanly, loses nothing, and can be continued."""

import builtins
import errno
import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import pytest
import torch
from tiny_run import SHORT, assert_same_run, files_of, run, train_command, write_images

from infogan_fast import __main__ as entry
from infogan_fast import files
from infogan_fast.files import WriteError, append_line, write_atomically
from infogan_fast.runs.checkpoint import checkpoints, find_checkpoint, load_checkpoint
from infogan_fast.runs.folder import RunFolder
from infogan_fast.training import TrainingStep


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "images"
    write_images(folder)
    return folder


@pytest.fixture
def train(monkeypatch, capsys, images):
    """A `train` in this process, with one thread; gives exit code and standard error."""

    def train(out, *more):
        monkeypatch.setattr(sys, "argv", train_command(out, images, *(more or SHORT))[2:])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        return exit_.value.code or 0, capsys.readouterr().err

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield train
    torch.set_num_threads(threads)


class FullDisk:
    """Lets the writing of files fail halfway, from the given one of a name on."""

    def __init__(self, name, number, code):
        self.name, self.left, self.code = name, number, code

    def open(self, path, mode, **options):
        file = builtins.open(path, mode, **options)  # noqa: SIM115 (whoever asked for it closes it)
        if (files.replaced_by(path.name) or path.name) == self.name:
            self.left -= 1
        return HalfWriting(file, self.code) if self.left <= 0 else file


class HalfWriting:
    def __init__(self, file, code):
        self.file, self.code = file, code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def tell(self):
        return self.file.tell()

    def write(self, content):
        self.file.write(content[: len(content) // 2])
        self.file.flush()
        raise OSError(self.code, os.strerror(self.code))


def assert_last_two_and_best(out):
    found = checkpoints(out / "checkpoints")
    assert {*found[-2:], find_checkpoint(out / "checkpoints", "best")} == set(found)
    assert len(found) >= 2


def assert_undamaged(out):
    """No file is half written, and every checkpoint can be read."""
    assert not [name for name in files_of(out) if name.endswith(".tmp")]
    for path in checkpoints(out / "checkpoints"):
        load_checkpoint(path, torch.device("cpu"))
    if (out / "metrics.jsonl").exists():
        lines = (out / "metrics.jsonl").read_text()
        assert lines.endswith("\n") or not lines
        assert [json.loads(line)["step"] for line in lines.splitlines()] == list(range(1, lines.count("\n") + 1))


ADVICE = {
    os.strerror(errno.EROFS): "Make its disk writable, or copy the folder to another one",
    os.strerror(errno.EIO): "Copy the folder to a disk that works",
}


def assert_says(error, path, reason, step, out):
    """The one message that the user gets."""
    assert error.count("\n") == 2
    assert error.startswith(f"error: {path}: cannot be written: {reason}; free there: ")
    assert re.search(r"free there: [\d.]+ (bytes|[KMGT]iB)\n", error)
    advice = ADVICE.get(reason, "Make room")
    saved = "No checkpoint is saved yet" if step is None else f"The last good checkpoint is that of step {step}"
    assert error.endswith(f"\n{saved}. {advice}, then resume with: infogan-fast train --resume --out {out}\n")


FULL = [
    ("checkpoints/step_00000002.safetensors", 1, errno.ENOSPC, None),
    ("checkpoints/step_00000006.safetensors", 1, errno.ENOSPC, 4),
    ("checkpoints/step_00000006.safetensors", 1, errno.EDQUOT, 4),
    ("checkpoints/step_00000006.safetensors", 1, errno.EFBIG, 4),
    ("checkpoints/step_00000006.safetensors", 1, errno.EROFS, 4),
    ("checkpoints/step_00000006.safetensors", 1, errno.EIO, 4),
    ("metrics.jsonl", 1, errno.ENOSPC, None),
    ("metrics.jsonl", 5, errno.ENOSPC, 4),
    ("traversals/step_000003.png", 1, errno.ENOSPC, 2),
    ("traversals/categorical1_samples.png", 1, errno.ENOSPC, 6),
    ("summary.json", 1, errno.EIO, 6),
    ("report.html", 1, errno.ENOSPC, 6),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, images):
    """The run on a disk with room."""
    out = tmp_path_factory.mktemp("whole") / "run"
    code, _, error = run(train_command(out, images, *SHORT))
    assert code == 0, error
    return out


@pytest.mark.parametrize(("name", "number", "code", "step"), FULL)
def test_a_file_that_cannot_be_written(train, whole, tmp_path, monkeypatch, name, number, code, step):
    out = tmp_path / "a run"
    disk = FullDisk(name.split("/")[-1], number, code)
    monkeypatch.setattr(files, "open", disk.open, raising=False)
    exit_code, error = train(out)
    assert exit_code == 1
    assert_says(error, out / name, os.strerror(code), step, shlex.quote(str(out)))
    assert_undamaged(out)
    kept = [path.name for path in checkpoints(out / "checkpoints")]
    assert kept == [f"step_{s:08d}.safetensors" for s in (2, 4, 6) if step is not None and step - 2 <= s <= step]

    monkeypatch.delattr(files, "open")
    assert train(out) == (0, "")
    assert_same_run(out, whole)


def test_nothing_is_left_of_a_new_run_whose_settings_cannot_be_written(train, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "open", FullDisk("config.json", 1, errno.ENOSPC).open, raising=False)
    code, error = train(tmp_path / "new" / "run")
    assert code == 1
    assert error.startswith(f"error: {tmp_path / 'new' / 'run' / 'config.json'}: cannot be written: No space left")
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    "name", ["checkpoints/step_00000006.safetensors", "metrics.jsonl", "traversals", "report.html"]
)
def test_what_is_in_the_way_of_a_file_is_not_a_lack_of_room(train, tmp_path, monkeypatch, name):
    out = tmp_path / "run"
    usual = TrainingStep.update

    def put_in_the_way(*inputs):
        if not out.joinpath(name).exists():
            if name == "traversals":  # where a folder is to be
                (out / name).touch()
            else:
                (out / name).mkdir(parents=True)
        return usual(*inputs)

    monkeypatch.setattr(TrainingStep, "update", put_in_the_way)
    code, error = train(out)
    assert code == 1
    assert f"{out / name}" in error
    assert "Make room" not in error
    assert f". Move what is in the way, then resume with: infogan-fast train --resume --out {out}\n" in error


def test_room_for_the_checkpoints_is_asked_for_before_training(train, whole, tmp_path, monkeypatch):
    def on_a_disk_of(free):
        monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**12, 10**12 - free, free))

    tensors, _ = load_checkpoint(checkpoints(whole / "checkpoints")[-1], torch.device("cpu"))
    size = sum(tensor.nbytes for tensor in tensors.values())
    on_a_disk_of(2 * size)
    code, error = train(tmp_path / "new" / "run")
    assert code == 2
    assert error.startswith(f"error: --out {tmp_path / 'new' / 'run'}: the checkpoints need ")
    needed, free = re.search(
        r"need ([\d.]+) KiB, free there: ([\d.]+) KiB; make room, or give a folder", error
    ).groups()
    assert float(free) == pytest.approx(2 * size / 1024, rel=0.01)
    assert float(needed) == pytest.approx(3 * size / 1024, rel=0.01)  # two that are kept and one that is written
    assert not (tmp_path / "new").exists()
    on_a_disk_of(3 * size)
    assert train(tmp_path / "run")[0] == 0
    on_a_disk_of(0)
    assert train(tmp_path / "run")[0] == 0  # nothing more to save
    code, error = train(tmp_path / "run", *SHORT, "--steps=8")
    assert code == 2
    (needed,) = re.search(r"need ([\d.]+) KiB", error).groups()
    assert float(needed) == pytest.approx(size / 1024, rel=0.01)
    on_a_disk_of(size)
    assert train(tmp_path / "run", *SHORT, "--steps=8")[0] == 0
    on_a_disk_of(size)
    assert train(tmp_path / "short", "--steps=1")[0] == 0  # one checkpoint in all


def test_a_folder_that_cannot_be_written_is_told_before_the_data_are_read(train, whole, tmp_path, monkeypatch):
    shutil.copytree(whole, tmp_path / "run")
    before = files_of(tmp_path / "run")

    def refuse(path, *_, **__):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))

    monkeypatch.setattr("pathlib.Path.touch", refuse)
    monkeypatch.setattr("infogan_fast.runs.start.datasets.load", lambda *_, **__: pytest.fail("read the data"))
    code, error = train(tmp_path / "run")
    assert code == 2
    assert error.startswith(f"error: --out {tmp_path / 'run'}: ")
    assert "cannot be written: Read-only file system; free there: " in error
    assert error.count("\n") == 1
    assert files_of(tmp_path / "run") == before


def test_only_what_a_run_writes_is_removed_when_it_is_continued(train, whole, tmp_path):
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    for name in ("config.json.tmp", "metrics.jsonl.tmp", "checkpoints/step_00000004.safetensors.tmp"):
        (out / name).write_bytes(b"half")
    for name in ("notes.tmp", "checkpoints/mine.tmp"):
        (out / name).write_bytes(b"the user's")
    assert train(out)[0] == 0
    assert [name for name in files_of(out) if name.endswith(".tmp")] == ["checkpoints/mine.tmp", "notes.tmp"]


def test_a_folder_with_nothing_but_what_a_killed_run_left_counts_as_empty(train, tmp_path, images, monkeypatch, capsys):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json.tmp").write_bytes(b"{")
    assert train(tmp_path / "a")[0] == 0
    words = [word for word in train_command(tmp_path / "b", images, *SHORT)[2:] if word != "--resume-or-start"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as exit_:
        entry.main()
    assert not exit_.value.code
    assert "config.json.tmp" not in files_of(tmp_path / "b")


def test_a_file_is_replaced_or_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "new" / "file"
    write_atomically(path, b"old")
    monkeypatch.setattr(files, "open", FullDisk("file", 1, errno.ENOSPC).open, raising=False)
    with pytest.raises(WriteError, match=r"file: cannot be written: No space left on device; free there: "):
        write_atomically(path, b"new and longer")
    assert path.read_bytes() == b"old"
    assert files_of(tmp_path) == ["new/file"]


def test_half_a_line_is_taken_back(tmp_path, monkeypatch):
    path = tmp_path / "lines"
    append_line(path, "one")
    monkeypatch.setattr(files, "open", FullDisk("lines", 1, errno.ENOSPC).open, raising=False)
    with pytest.raises(WriteError):
        append_line(path, "two")
    assert path.read_text() == "one\n"


def test_a_folder_where_free_space_is_not_known(tmp_path):
    assert files.free_space(tmp_path / "missing") is None
    assert str(WriteError.of(tmp_path / "missing" / "file", OSError(errno.EIO, "bad disk"))).endswith(": bad disk")
    RunFolder(tmp_path / "missing").check_room(10**30)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "0.977 KiB"), (1536 * 2**20, "1.5 GiB"), (2**60, "1.05e+06 TiB")],
)
def test_numbers_of_bytes(count, text):
    assert files.bytes_text(count) == text


LONG = ["--steps=700", "--set=checkpoint_every=50", "--set=log_every=1", "--set=picture_every=0"]


@pytest.mark.slow
def test_a_limit_on_the_size_of_a_file(images, tmp_path):
    """Which Python meets as EFBIG. First no checkpoint fits, later metrics.jsonl grows beyond it."""
    resource = pytest.importorskip("resource")
    whole, out = tmp_path / "whole", tmp_path / "run"
    assert run(train_command(whole, images, *LONG))[0] == 0
    size = max(path.stat().st_size for path in checkpoints(whole / "checkpoints"))
    assert (whole / "metrics.jsonl").stat().st_size > size + 10_000

    def limited(most):
        return run(
            train_command(out, images, *LONG),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
        )

    code, _, error = limited(size - 4000)
    assert code == 1
    assert_says(error, out / "checkpoints" / "step_00000050.safetensors", "File too large", None, out)
    assert_undamaged(out)
    code, _, error = limited(size + 4000)
    assert code == 1
    last = checkpoints(out / "checkpoints")[-1]
    assert_says(error, out / "metrics.jsonl", "File too large", int(last.stem.removeprefix("step_")), out)
    assert_undamaged(out)
    assert_last_two_and_best(out)
    assert run(train_command(out, images, *LONG))[0] == 0
    assert_same_run(out, whole)


PICTURES = ["--steps=200", "--set=checkpoint_every=5", "--set=log_every=1", "--set=picture_every=1"]

ON_A_SMALL_DISK = """
mount -t tmpfs -o size={size} none {disk} || exit 99
attempt() {{
    name=$1; shift
    "$@" > {results}/$name.out 2> {results}/$name.err
    echo $? > {results}/$name.code
}}
attempt full {train}
cp -a {disk}/run {results}/full
cat /dev/zero > {disk}/filler 2> /dev/null
attempt still_full {train}
attempt new {train_new}
ls -A {disk} > {results}/there
rm {disk}/filler
mount -o remount,size=64m,ro {disk}
attempt read_only {train}
mount -o remount,rw {disk}
attempt room {train}
cp -a {disk}/run {results}/room
"""


@pytest.mark.slow
def test_a_disk_that_fills_up(images, tmp_path):
    disk, results, whole = tmp_path / "disk", tmp_path / "results", tmp_path / "whole"
    for folder in (disk, results):
        folder.mkdir()
    mount = ["unshare", "-rm", "sh", "-c"]
    if shutil.which("unshare") is None:
        pytest.skip("needs unshare (util-linux) to mount a small tmpfs")
    tried = subprocess.run([*mount, f"mount -t tmpfs none {shlex.quote(str(disk))}"], capture_output=True, text=True)
    if tried.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {tried.stderr.strip()}")
    assert run(train_command(whole, images, *PICTURES))[0] == 0
    size = max(path.stat().st_size for path in checkpoints(whole / "checkpoints"))
    script = ON_A_SMALL_DISK.format(
        size=3 * size + 200_000,
        disk=shlex.quote(str(disk)),
        results=shlex.quote(str(results)),
        train=shlex.join(train_command(disk / "run", images, *PICTURES)),
        train_new=shlex.join(train_command(disk / "new", images, *PICTURES)),
    )
    ended = run([*mount, script])
    assert ended[0] == 0, ended

    def outcome(name):
        code, error = ((results / f"{name}.{end}").read_text() for end in ("code", "err"))
        return int(code), error

    code, error = outcome("full")
    assert code == 1
    (path,) = re.match(r"error: (.*): cannot be written: No space left on device; ", error).groups()
    found = checkpoints(results / "full" / "checkpoints")
    assert_last_two_and_best(results / "full")
    assert_says(error, path, "No space left on device", int(found[-1].stem.removeprefix("step_")), disk / "run")
    assert_undamaged(results / "full")
    assert not (results / "full" / "summary.json").exists()

    code, error = outcome("still_full")
    assert code == 2
    assert error.startswith(f"error: --out {disk / 'run'}: the checkpoints need ")
    code, error = outcome("new")
    assert code == 2
    assert error.startswith(f"error: --out {disk / 'new'}: ")
    assert (results / "there").read_text().split() == ["filler", "run"]
    code, error = outcome("read_only")
    assert code == 2
    assert "cannot be written: Read-only file system" in error
    assert outcome("room") == (0, "")
    assert_same_run(results / "room", whole)
