"""``mnist`` and ``fashion-mnist``: where they are looked for, and what is said where they are not found."""

import dataclasses
import struct
import sys

import numpy as np
import pytest

from infogan_fast.data import DataError, canonical, load
from infogan_fast.data.sources import named


def put(folder, count=3):
    folder.mkdir(parents=True)
    images = np.full((count, 8, 8), count, dtype=np.uint8)
    (folder / "train-images-idx3-ubyte").write_bytes(struct.pack(">HBB3I", 0, 8, 3, *images.shape) + images.tobytes())


@pytest.fixture(autouse=True)
def _nothing_installed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INFOGAN_FAST_DATA", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    moved = dataclasses.replace(named.PUBLISHED["fashion-mnist"], debian_folder=tmp_path / "debian")
    monkeypatch.setitem(named.PUBLISHED, "fashion-mnist", moved)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_variable_comes_before_the_cache(tmp_path, monkeypatch, name):
    cached = tmp_path / "cache" / "infogan-fast" / name
    put(cached, count=4)
    data = load(name)
    assert len(data.images) == 4
    assert data.name == name
    assert data.notes == (f"{name}: read from {cached}",)
    put(tmp_path / "data" / name, count=5)
    monkeypatch.setenv("INFOGAN_FAST_DATA", str(tmp_path / "data"))
    assert len(load(name).images) == 5
    monkeypatch.setenv("INFOGAN_FAST_DATA", str(tmp_path / "elsewhere"))
    assert len(load(name).images) == 4
    assert canonical(name) == name


def put_labels(folder, labels):
    content = struct.pack(">HBBI", 0, 8, 1, len(labels)) + bytes(labels)
    (folder / "train-labels-idx1-ubyte").write_bytes(content)


def test_names_of_the_classes(tmp_path):
    folder = tmp_path / "cache" / "infogan-fast"
    for name in ("mnist", "fashion-mnist"):
        put(folder / name)
        put_labels(folder / name, [0, 9, 3])
    assert load("mnist").class_names == tuple("0123456789")
    names = load("fashion-mnist").class_names
    assert names[:3] == ("T-shirt/top", "Trouser", "Pullover")
    assert names[3:] == ("Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
    put_labels(folder / "mnist", [0, 25, 3])  # letters, say
    assert load("mnist").class_names == ()


def dpkg(tmp_path, output):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "dpkg").write_text(f'#!/bin/sh\n[ "$*" = "-L dataset-fashion-mnist" ] || exit 2\n{output}\n')
    (tmp_path / "bin" / "dpkg").chmod(0o755)


def test_debians_package(tmp_path):
    put(tmp_path / "share")
    lines = ["/.", "/usr/share/doc", tmp_path / "share", tmp_path / "share" / "train-images-idx3-ubyte"]
    dpkg(tmp_path, "\n".join(f"echo '{line}'" for line in lines))
    assert load("fashion-mnist").notes == (f"fashion-mnist: read from {tmp_path / 'share'}",)
    put(tmp_path / "debian")
    assert load("fashion-mnist").notes == (f"fashion-mnist: read from {tmp_path / 'debian'}",)
    with pytest.raises(DataError, match="'mnist': not found"):
        load("mnist")


def test_not_found_says_where_it_looked_and_what_to_do(tmp_path, monkeypatch):
    dpkg(tmp_path, "echo 'not installed' >&2; exit 1")
    with pytest.raises(DataError) as error:
        load("fashion-mnist")
    message, cache = str(error.value), tmp_path / "cache" / "infogan-fast" / "fashion-mnist"
    assert message.startswith(f"data 'fashion-mnist': not found in {cache}; $INFOGAN_FAST_DATA/fashion-mnist (the")
    assert f"{tmp_path / 'debian'}, where Debian's package dataset-fashion-mnist has them" in message
    assert "github.com/zalandoresearch/fashion-mnist" in message
    assert message.endswith(f"and put them into {cache}, or apt install dataset-fashion-mnist")
    assert "\n" not in message
    monkeypatch.setenv("INFOGAN_FAST_DATA", "/nowhere")
    (tmp_path / "mnist").mkdir()
    with pytest.raises(DataError, match=r"not found in /nowhere/mnist; .*; the folder in this directory is \./mnist$"):
        load("mnist")


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another custom")
@pytest.mark.parametrize(("variable", "folder"), [("/c", "/c/infogan-fast"), ("", "/home/u/.cache/infogan-fast")])
def test_cache_folder(monkeypatch, variable, folder):
    monkeypatch.setenv("HOME", "/home/u")
    monkeypatch.setenv("XDG_CACHE_HOME", variable)
    assert named.cache_folder().as_posix() == folder
