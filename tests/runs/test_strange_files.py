"""Run folders from a stranger: links, FIFOs and damaged files end in one line, and nothing outside is touched."""

import json
import os
import shutil
import socket

import pytest
from tiny_run import SHORT, train_command

from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.report import write_report

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs FIFOs")


def resume(out, images):
    return train_command(out, images, *SHORT, "--steps=8")[3:]


def assert_refused(outcome, *parts):
    code, _, error = outcome
    assert code == 2, error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    for part in parts:
        assert part in error


def make_link(path, precious):
    path.symlink_to(precious)


def make_fifo(path, _precious):
    os.mkfifo(path)


def make_socket(path, _precious):
    here = os.getcwd()
    os.chdir(path.parent)  # the path of a socket has to be short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def make_folder(path, _precious):
    path.mkdir()


KINDS = {
    "a symbolic link to ": make_link,
    "a FIFO": make_fifo,
    "a socket": make_socket,
    "a folder": make_folder,
}
FILES = [
    "config.json",
    "metrics.jsonl",
    "summary.json",
    "report.html",
    "report-last.html",
    "run.lock",
    "checkpoints/step_00000006.safetensors",
    "checkpoints/step_00000004.safetensors",
    "traversals/step_000003.png",
]
READ = {
    "evaluate": ["config.json", "checkpoints/step_00000006.safetensors"],
    "traverse": ["config.json", "checkpoints/step_00000006.safetensors"],
    "evaluate --report": ["config.json", "metrics.jsonl", "summary.json", "checkpoints/step_00000006.safetensors"],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FILES)
def test_something_else_in_the_place_of_a_file(command, out, images, tmp_path, name, kind):
    precious = tmp_path / "precious"
    shutil.copyfile(out / name, precious) if (out / name).exists() else precious.write_text("precious")
    before = precious.read_bytes()
    (out / name).unlink(missing_ok=True)
    KINDS[kind](out / name, precious)
    says = (f"{out / name}: ", f"is {kind}", "allowed: a regular file")
    assert_refused(command(*resume(out, images)), *says)
    for words, names in READ.items():
        if name in names:
            verb, *options = words.split()
            assert_refused(command(verb, out, *options), *says)
    assert precious.read_bytes() == before


@pytest.mark.parametrize("kind", ["a symbolic link to ", "a FIFO"])
@pytest.mark.parametrize("name", ["checkpoints", "traversals", "tensorboard"])
def test_something_else_in_the_place_of_a_folder(command, out, images, tmp_path, name, kind):
    precious = tmp_path / "precious"
    (out / name).rename(precious)
    before = {path: path.read_bytes() for path in precious.iterdir()}
    KINDS[kind](out / name, precious)
    says = (f"{out / name}: is {kind}", "allowed: a folder")
    assert_refused(command(*resume(out, images)), *says)
    if name == "checkpoints":
        assert_refused(command("evaluate", out), *says)
    if name == "traversals":
        assert_refused(command("traverse", out), *says)
    assert {path: path.read_bytes() for path in precious.iterdir()} == before


def test_links_in_the_place_of_temporary_files(command, out, images, tmp_path):
    (tmp_path / "precious").write_text("precious")
    names = ("config.json.tmp", "metrics.jsonl.0123abcd.tmp", "checkpoints/step_00000008.safetensors.tmp")
    for name in names:
        (out / name).symlink_to(tmp_path / "precious")
    (out / "traversals" / "mine").symlink_to(tmp_path / "precious")  # the user's own are left alone
    assert command(*resume(out, images))[0] == 0
    assert (tmp_path / "precious").read_text() == "precious"
    assert not any((out / name).is_symlink() for name in names)
    assert (out / "traversals" / "mine").is_symlink()


@pytest.mark.parametrize("name", ["metrics.jsonl", "run.lock"])
def test_files_that_are_written_in_place_have_one_name(command, out, images, tmp_path, name):
    (tmp_path / "precious").write_text("precious")
    (out / name).unlink(missing_ok=True)
    os.link(tmp_path / "precious", out / name)
    assert_refused(command(*resume(out, images)), f"{out / name}: is a file with 2 names, allowed: one")
    assert (tmp_path / "precious").read_text() == "precious"


def test_endless_metrics_are_not_read_to_their_end(command, out, images):
    os.truncate(out / "metrics.jsonl", 2**40)
    assert command(*resume(out, images))[0] == 0
    assert (out / "metrics.jsonl").stat().st_size < 10_000


def test_the_run_folder_itself_may_be_a_link(command, out, images, tmp_path):
    (tmp_path / "link").symlink_to(out)
    assert command(*resume(tmp_path / "link", images))[0] == 0
    assert command("evaluate", tmp_path / "link", "--report")[0] == 0


@pytest.mark.parametrize(
    "name",
    ["../../precious.png", "/etc/passwd", "traversals/../../precious.png", "traversals/a\n.png", "config.json", "", 3],
)
def test_names_of_pictures_are_no_paths(out, tmp_path, name):
    (tmp_path / "precious.png").write_text("precious")
    summary = json.loads((out / "summary.json").read_text())
    (out / "summary.json").write_text(json.dumps({**summary, "pictures": [name]}))
    with pytest.raises(RunFolderError, match=r"summary.json: pictures.0: got .*, allowed: "):
        write_report(RunFolder(out))


def test_a_picture_that_is_a_link(out, tmp_path):
    (tmp_path / "precious").write_text("precious")
    name = json.loads((out / "summary.json").read_text())["pictures"][0]
    (out / name).unlink()
    (out / name).symlink_to(tmp_path / "precious")
    with pytest.raises(RunFolderError, match=r"png: is a symbolic link to .*, allowed: a regular file"):
        write_report(RunFolder(out))
