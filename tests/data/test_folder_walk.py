"""Folders of strangers: links that go in circles, great depth, what cannot be read, and what is no file."""

import errno
import os
import socket
import subprocess

import pytest

pytest.importorskip("PIL")

from PIL import Image

from infogan_fast.data import DataError, load
from infogan_fast.data.sources.image_folder import walk


def save(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8)).save(path, "PNG")


def test_the_order_is_that_of_the_parts_of_the_paths(tmp_path):
    names = ["a.png", "a/1.png", "a/b/0.png", "a/b.png", "a-b/x.png", "B.png", "ä.png", "a b/c.png", "10.png", "9.png"]
    for name in names:
        save(tmp_path / name)
    expected = sorted((tmp_path / name for name in names), key=lambda path: path.parts)
    assert [tmp_path / name for name in walk(tmp_path).files] == expected


def test_folders_that_are_linked_to_each_other(tmp_path):
    count = 9  # whose paths, without a circle, are a million
    for number in range(count):
        save(tmp_path / f"{number}" / "x.png")
    for number in range(count):
        for other in range(count):
            (tmp_path / f"{number}" / f"to{other}").symlink_to(tmp_path / f"{other}")
    found = walk(tmp_path)
    assert len(found.files) == count
    assert found.unreadable == []
    assert len(load(str(tmp_path)).images) == count


def test_a_link_is_followed_once(tmp_path):
    save(tmp_path / "elsewhere" / "x.png")
    (tmp_path / "data").mkdir()
    for name in ("b", "a", "c"):
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "data" / "itself").symlink_to(tmp_path / "data" / "itself")
    (tmp_path / "data" / "file.png").symlink_to(tmp_path / "elsewhere" / "x.png")
    assert walk(tmp_path / "data").files == ["a/x.png", "file.png"]
    assert load(str(tmp_path / "data"), strict=True).labels is None


@pytest.fixture
def deep(tmp_path):
    """``deep(name, count)``: folders in each other; the innermost two hold an image, and so does the outermost."""
    here = os.getcwd()

    def make(name, count):
        save(tmp_path / "x.png")
        content = (tmp_path / "x.png").read_bytes()
        try:
            os.chdir(tmp_path)
            for level in range(count):
                os.mkdir(name)
                os.chdir(name)
                if level >= count - 2:
                    with open("x.png", "wb") as file:
                        file.write(content)
        finally:
            os.chdir(here)

    yield make
    subprocess.run(["rm", "-rf", tmp_path], check=True)  # shutil removes no path as long as that


def test_many_levels(tmp_path, deep):
    deep("d", 1100)
    assert len(load(str(tmp_path)).images) == 3


def test_paths_that_are_too_long_for_the_system(tmp_path, deep):
    deep("d" * 250, 20)
    found = walk(tmp_path)
    assert found.files == ["x.png"]
    ((path, reason),) = found.unreadable
    assert path.startswith("d" * 250 + "/" + "d" * 250)
    assert reason == os.strerror(errno.ENAMETOOLONG)
    note = load(str(tmp_path)).notes[0]
    assert note.startswith("skipped 1 folders that cannot be read: dddd")
    assert len(note) < 300


@pytest.fixture
def locked(tmp_path, monkeypatch):
    """A folder of which the subfolder ``b`` cannot be read, which a superuser's could."""
    for name in ("a/1.png", "b/2.png", "c/3.png"):
        save(tmp_path / name)
    listed = os.scandir

    def scandir(path):
        if os.fspath(path).endswith("b"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
        return listed(path)

    monkeypatch.setattr("os.scandir", scandir)
    return tmp_path


@pytest.mark.parametrize("stream", [False, True])
def test_a_folder_that_cannot_be_read_is_skipped_and_named(locked, stream):
    data = load(str(locked), stream=stream, workers=0)
    assert len(data.images) == 2
    assert data.labels.tolist() == [0, 1]
    assert data.notes[0] == "skipped 1 folders that cannot be read: b (Permission denied)"
    with pytest.raises(DataError, match=r"/b: Permission denied; without --strict such folders are skipped"):
        load(str(locked), stream=stream, workers=0, strict=True)


def test_where_nothing_can_be_read(locked):
    with pytest.raises(DataError, match=r"/b: cannot be read: Permission denied"):
        load(str(locked / "b"))
    for name in ("a", "c"):
        (locked / name).rename(locked / f".{name}")
    with pytest.raises(DataError, match=r"holds no image: b \(Permission denied\); allowed"):
        load(str(locked))


def test_what_is_no_file_is_left_out(tmp_path):
    save(tmp_path / "x.png")
    os.mkfifo(tmp_path / "fifo.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        here = os.getcwd()
        os.chdir(tmp_path)  # a socket's path is short
        listening.bind("socket.png")
        os.chdir(here)
        assert walk(tmp_path).files == ["x.png"]
        assert len(load(str(tmp_path), strict=True).images) == 1


@pytest.mark.parametrize("other", ["fifo", "device", "folder"])
def test_what_took_a_files_place_is_not_read(tmp_path, confined, monkeypatch, other):
    """A FIFO that nobody writes to would hang who opens it."""
    save(tmp_path / "x.png")
    save(tmp_path / "y.png")
    found = walk(tmp_path)
    (tmp_path / "y.png").unlink()
    if other == "fifo":
        os.mkfifo(tmp_path / "y.png")
    elif other == "device":
        (tmp_path / "y.png").symlink_to("/dev/zero")
    else:
        (tmp_path / "y.png").mkdir()
    monkeypatch.setattr("infogan_fast.data.sources.image_folder.walk", lambda _: found)
    name = {"fifo": "a FIFO", "device": "a device", "folder": "a folder"}[other]
    for stream in (False, True):
        assert f"y.png (is {name}, allowed: a regular file)" in confined(tmp_path, stream=stream).notes[0]


def test_a_fifo_that_takes_its_place_while_it_is_opened(tmp_path, confined, monkeypatch):
    save(tmp_path / "x.png")
    os.mkfifo(tmp_path / "y.png")
    looked_at = os.stat
    regular = os.stat(tmp_path / "x.png")
    monkeypatch.setattr("os.stat", lambda path, **_: regular if str(path).endswith("y.png") else looked_at(path))
    found = walk(tmp_path)
    found.files.append("y.png")
    monkeypatch.setattr("infogan_fast.data.sources.image_folder.walk", lambda _: found)
    assert "y.png (is a FIFO, allowed: a regular file)" in confined(tmp_path, stream=False).notes[0]


def test_names_are_shown_in_one_line(tmp_path):
    names = [b"new\nline.png", b"\x1b[2Jclear.png", b"\xff\xfe.png", "\u202egnp.png".encode(), b"y" * 250]
    for name in names:
        with open(os.path.join(os.fsencode(tmp_path), name), "wb"):
            pass
    save(tmp_path / "\x1b]0;class\x07" / "1.png")
    save(tmp_path / "other" / "1.png")
    notes = load(str(tmp_path)).notes
    assert all(note.isprintable() and len(note) < 1000 for note in notes)
    for shown in ("new\\nline.png", "\\x1b[2Jclear.png", "\\xff\\xfe.png", "\\u202egnp.png", "yyyy...yyyy"):
        assert shown in notes[0]
    assert "the subfolders \\x1b]0;class\\x07, other" in notes[-1]
    with pytest.raises(DataError) as error:
        load(str(tmp_path), strict=True)
    assert str(error.value).isprintable()


def test_a_folder_of_thousands_that_are_no_images(tmp_path):
    save(tmp_path / "x.png")
    for number in range(2000):
        (tmp_path / f"{number:04}.txt").touch()
    (note, _) = load(str(tmp_path)).notes
    assert note.startswith("skipped 2000 of 2001 files: 0000.txt")
    assert len(note) < 1000


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b", "~nobody-of-that-name/x"])
def test_names_of_nothing(name):
    with pytest.raises(DataError, match="neither a known name"):
        load(name)
