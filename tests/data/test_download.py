"""Downloads: what a server may do wrong, several at once, and ``mnist`` from a server on this machine."""

import contextlib
import errno
import gzip
import hashlib
import os
import re
import shutil
import socket
import struct
import threading
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from infogan_fast.data import DataError, load
from infogan_fast.data.sources import download, named
from infogan_fast.data.sources.download import RemoteFile, fetch

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
OTHER = bytes(len(CONTENT))
FILE = RemoteFile("digits.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@dataclass
class Answer:
    """What the server does with a request."""

    content: bytes = CONTENT
    status: int = 200
    cut: int | None = None  # closes the connection after so many bytes
    length: bool = True  # whether there is a Content-Length
    seconds: float = 0.0  # until the body comes


class Server(ThreadingHTTPServer):
    """Gives each path the answer that it was told."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests = {}, []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path, answer):
        """The URL of a path, which from now on has this answer."""
        self.answers[path] = answer
        return self.url + path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.requests.append((self.path, self.headers.get("Accept-Encoding")))
        answer = self.server.answers.get(self.path, Answer(status=404))
        if answer.status >= 400:
            self.send_error(answer.status)
            return
        self.send_response(200)
        if answer.length:
            self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        time.sleep(answer.seconds)
        with contextlib.suppress(ConnectionError):  # the client has seen enough
            self.wfile.write(answer.content[: answer.cut])

    def log_message(self, *_):
        pass


@pytest.fixture
def server():
    with Server() as running:
        yield running
        running.shutdown()


def files(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_comes_and_is_not_fetched_again(server, tmp_path, capfd):
    url, seen = server.answer("/f", Answer()), []
    path = fetch(FILE, [url], tmp_path / "new" / "folder", lambda *told: seen.append(told))
    assert path == tmp_path / "new" / "folder" / "digits.gz"
    assert path.read_bytes() == CONTENT
    assert files(path.parent) == ["digits.gz"]
    assert {(name, total) for name, _, total in seen} == {("digits.gz", len(CONTENT))}
    held = [done for _, done, _ in seen]
    assert held[0] == 0
    assert held[-1] == len(CONTENT)
    assert held == sorted(set(held))
    assert len(held) > 3
    fetch(FILE, [url], path.parent)
    assert server.requests == [("/f", "identity")]
    assert capfd.readouterr() == ("", "")


def test_a_wrong_checksum_leaves_nothing_and_the_next_mirror_is_tried(server, tmp_path):
    bad = server.answer("/bad", Answer(content=OTHER))
    got = hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(DataError) as error:
        fetch(FILE, [bad], tmp_path)
    assert str(error.value) == (
        f"digits.gz could not be downloaded, tried {bad} (SHA256 hash of downloaded file (digits.gz) does not match "
        f"the known hash: expected sha256:{FILE.sha256} but got {got})"
    )
    assert files(tmp_path) == []
    assert fetch(FILE, [bad, server.answer("/good", Answer())], tmp_path).read_bytes() == CONTENT
    assert files(tmp_path) == ["digits.gz"]


def test_a_file_that_is_damaged_is_replaced(server, tmp_path):
    (tmp_path / "digits.gz").write_bytes(CONTENT[:-1])
    assert fetch(FILE, [server.answer("/f", Answer())], tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_a_cut_connection_leaves_nothing_and_the_next_mirror_is_tried(server, tmp_path, length):
    cut = server.answer("/cut", Answer(cut=200_000, length=length))
    with pytest.raises(DataError, match=r"digits\.gz could not be downloaded, tried .*200000"):
        fetch(FILE, [cut], tmp_path)
    assert files(tmp_path) == []
    assert fetch(FILE, [cut, server.answer("/good", Answer())], tmp_path).read_bytes() == CONTENT


def test_errors_of_the_server_lead_to_the_next_mirror(server, tmp_path):
    urls = [server.answer("/gone", Answer(status=404)), server.answer("/ill", Answer(status=503))]
    unreachable = "http://127.0.0.1:9/f"
    with pytest.raises(DataError) as error:
        fetch(FILE, [*urls, unreachable], tmp_path)
    message = str(error.value)
    assert f"{urls[0]} (HTTP 404 Not Found), {urls[1]} (HTTP 503 Service Unavailable), {unreachable} (" in message
    assert "refused" in message
    assert "\n" not in message
    assert len(server.requests) == 2
    assert fetch(FILE, [*urls, server.answer("/good", Answer())], tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_no_more_is_written_than_the_file_has(server, tmp_path, length):
    told = []
    long = server.answer("/long", Answer(content=CONTENT + OTHER, length=length))
    with pytest.raises(DataError, match=r"expected 300000 bytes, got more\)$"):
        fetch(FILE, [long], tmp_path, lambda *what: told.append(what[1]))
    assert max(told) <= FILE.size
    assert files(tmp_path) == []


def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DataError, match="timed out"):
        fetch(FILE, [f"http://127.0.0.1:{silent.getsockname()[1]}/f"], tmp_path)


def test_a_full_disk(server, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "move", full)
    with pytest.raises(DataError) as error:
        fetch(FILE, [server.answer("/f", Answer())], tmp_path)
    expected = f"{tmp_path / 'digits.gz'}: cannot be written: No space left on device; the file needs 300000 bytes"
    assert str(error.value) == expected
    assert files(tmp_path) == []


def test_a_disk_that_is_full_midway(server, tmp_path):
    """A limit on the size of files is an error of writing, as a full disk is."""
    resource = pytest.importorskip("resource")
    url, limits = server.answer("/f", Answer()), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"digits\.gz: cannot be written: File too large"):
            fetch(FILE, [url], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert files(tmp_path) == []


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"^{tmp_path / 'file'}.*: cannot be written: (Not a directory|File exists)"):
        fetch(FILE, [server.answer("/f", Answer())], tmp_path / "file" / "cache")


def test_several_at_a_time_do_not_spoil_each_others_file(server, tmp_path):
    url, contents = server.answer("/f", Answer(seconds=0.2)), []

    def get():
        contents.append(fetch(FILE, [url], tmp_path).read_bytes())

    threads = [threading.Thread(target=get) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert contents == [CONTENT] * 4
    assert files(tmp_path) == ["digits.gz"]


# The data sets.


@pytest.fixture
def small_mnist(server, tmp_path, monkeypatch):
    """``mnist`` with small files, on the server alone; gives their content."""

    def idx(array):
        header = struct.pack(f">HBB{array.ndim}I", 0, 0x08, array.ndim, *array.shape)
        return gzip.compress(header + array.tobytes())

    generator, contents = np.random.default_rng(0), {}
    for name, count in (("train", 30), ("t10k", 10)):
        contents[f"{name}-labels-idx1-ubyte.gz"] = idx((np.arange(count) % 3).astype(np.uint8))
        contents[f"{name}-images-idx3-ubyte.gz"] = idx(generator.integers(0, 256, (count, 8, 8), dtype=np.uint8))
    published = named.PUBLISHED["mnist"]
    changed = tuple(
        replace(file, size=len(contents[file.name]), sha256=hashlib.sha256(contents[file.name]).hexdigest())
        for file in published.files
    )
    monkeypatch.setitem(named.PUBLISHED, "mnist", replace(published, mirrors=(f"{server.url}/main",), files=changed))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("INFOGAN_FAST_DATA", raising=False)
    for name, content in contents.items():
        server.answer(f"/main/{name}", Answer(content))
    return contents


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "cache" / "infogan-fast" / "mnist"


def test_mnist_is_downloaded_once(server, small_mnist, cache):
    told = []
    data = load("mnist", progress=lambda *what: told.append(what))
    assert data.images.shape == (30, 1, 8, 8)
    assert data.heldout_images.shape == (10, 1, 8, 8)
    assert data.labels.tolist() == [0, 1, 2] * 10
    assert len(data.heldout_labels) == 10
    assert data.notes == (f"mnist: read from {cache}",)
    assert files(cache) == sorted(small_mnist)
    assert {name: done for name, done, _ in told} == {name: len(content) for name, content in small_mnist.items()}
    assert load("mnist").sha256() == data.sha256()
    assert len(server.requests) == 4


@pytest.mark.parametrize("failing", ["train-images", "train-labels", "t10k-images", "t10k-labels"])
def test_an_interrupted_set_is_never_taken_for_a_whole_one(server, small_mnist, cache, failing):
    [path] = [f"/main/{name}" for name in small_mnist if name.startswith(failing)]
    good = server.answers[path]
    server.answer(path, Answer(status=404))
    with pytest.raises(DataError, match="HTTP 404"):
        load("mnist")
    server.answer(path, good)
    data = load("mnist")
    assert len(data.images) == len(data.labels) == 30
    assert len(data.heldout_images) == len(data.heldout_labels) == 10
    assert len(server.requests) == 5


def test_training_images_alone_put_there_by_hand_are_enough(server, small_mnist, cache):
    cache.mkdir(parents=True)
    (cache / "train-images-idx3-ubyte.gz").write_bytes(small_mnist["train-images-idx3-ubyte.gz"])
    data = load("mnist")
    assert data.labels is None
    assert data.heldout_images is None
    assert server.requests == []


def test_the_users_mirror_comes_first_and_checksums_hold(server, small_mnist, cache, monkeypatch):
    monkeypatch.setenv("INFOGAN_FAST_MIRROR", f"{server.url}/own/")
    for name in small_mnist:
        server.answer(f"/own/mnist/{name}", Answer(small_mnist[name]))
    wrong = "train-labels-idx1-ubyte.gz"
    server.answer(f"/own/mnist/{wrong}", Answer(bytes(len(small_mnist[wrong]))))
    assert load("mnist").labels.tolist() == [0, 1, 2] * 10
    from_main = [path for path, _ in server.requests if path.startswith("/main")]
    assert from_main == [f"/main/{wrong}"]
    monkeypatch.setenv("INFOGAN_FAST_MIRROR", "/srv/mirror")
    (cache / "train-images-idx3-ubyte.gz").unlink()
    with pytest.raises(DataError, match=r"INFOGAN_FAST_MIRROR must be a URL .* got '/srv/mirror'"):
        load("mnist")


def test_offline_says_where_it_looked_what_was_tried_and_what_to_do(small_mnist, cache, monkeypatch):
    offline = replace(named.PUBLISHED["mnist"], mirrors=("http://127.0.0.1:9/a", "http://127.0.0.1:9/b"))
    monkeypatch.setitem(named.PUBLISHED, "mnist", offline)
    with pytest.raises(DataError) as error:
        load("mnist")
    message = str(error.value)
    assert message.startswith(f"data 'mnist': not found in {cache}; $INFOGAN_FAST_DATA/mnist (the variable is not set)")
    assert "http://127.0.0.1:9/a/t10k-labels-idx1-ubyte.gz (" in message
    assert "http://127.0.0.1:9/b/t10k-labels-idx1-ubyte.gz (" in message
    assert message.endswith(f"from https://ossci-datasets.s3.amazonaws.com/mnist and put them into {cache}")
    assert "\n" not in message


@pytest.mark.parametrize("name", sorted(named.PUBLISHED))
def test_what_is_published(name):
    published = named.PUBLISHED[name]
    assert sorted(file.name for file in published.files) == [
        "t10k-images-idx3-ubyte.gz",
        "t10k-labels-idx1-ubyte.gz",
        "train-images-idx3-ubyte.gz",
        "train-labels-idx1-ubyte.gz",
    ]
    assert published.files[-1].name.startswith("train-images")
    assert all(re.fullmatch("[0-9a-f]{64}", file.sha256) for file in published.files)
    assert len({file.sha256 for file in published.files}) == 4
