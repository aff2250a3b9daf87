"""Images to train on, and the command line in a folder of its own."""

import dataclasses
import gzip
import hashlib
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pytest
from PIL import Image
from tiny_run import write_images

from infogan_fast import __main__ as entry
from infogan_fast.data.sources import named


@pytest.fixture
def images(tmp_path):
    write_images(tmp_path / "images")
    return tmp_path / "images"


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
