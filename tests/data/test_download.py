"""Downloads: what a server may do wrong, what is continued, and ``mnist`` from a server on this machine."""

import contextlib
import errno
import gzip
import hashlib
import os
import re
import socket
import struct
import sys
import threading
import time
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from infogan_fast.data import DataError, download, load, named
from infogan_fast.data.download import RemoteFile, fetch

CONTENT = np.random.default_rng(0).integers(0, 256, 300_000, dtype=np.uint8).tobytes()
OTHER = bytes(len(CONTENT))
FILE = RemoteFile("digits.gz", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


@dataclass
class Answer:
    """What the server does with one request."""

    content: bytes = CONTENT
    status: int = 200
    ranges: bool = True
    cut: int | None = None  # closes the connection after so many bytes
    length: bool = True  # whether there is a Content-Length
    content_range: str | None = None  # instead of the right one
    seconds: float = 0.0  # until the body comes


class Server(ThreadingHTTPServer):
    """Gives the answers of a path one after the other, the last one again and again."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers, self.requests, self.sent = {}, [], []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path, *answers):
        """The URL of a path, from now on with these answers."""
        self.answers[path] = list(answers)
        return self.url + path

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def ranges(self):
        """The Range header of each request."""
        return [asked for _, asked in self.requests]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = self.headers.get("Range")
        self.server.requests.append((self.path, asked))
        answers = self.server.answers.get(self.path, [Answer(status=404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if answer.status >= 400:
            self.send_error(answer.status)
            return
        start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked and answer.ranges else 0
        total, body = len(answer.content), answer.content[start:]
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", answer.content_range or f"bytes {start}-{total - 1}/{total}")
        if answer.length:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        sent = body if answer.cut is None else body[: answer.cut]
        self.server.sent.append(len(sent))
        time.sleep(answer.seconds)
        with contextlib.suppress(ConnectionError):  # the client has seen enough
            self.wfile.write(sent)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(download, "_PAUSES", (0, 0, 0))
    with Server() as running:
        yield running
        running.shutdown()


@pytest.fixture
def part(tmp_path):
    return tmp_path / "digits.gz.part"


def files(folder):
    return sorted(path.name for path in folder.iterdir() if path.name != "download.lock")


def test_a_file_comes_and_is_not_fetched_again(server, tmp_path):
    url, seen = server.answer("/f", Answer()), []
    path = fetch(FILE, [url], tmp_path / "new" / "folder", lambda *told: seen.append(told))
    assert path == tmp_path / "new" / "folder" / "digits.gz"
    assert path.read_bytes() == CONTENT
    assert files(path.parent) == ["digits.gz"]
    assert {(name, total) for name, _, total in seen} == {("digits.gz", len(CONTENT))}
    held = [done for _, done, _ in seen]
    assert held[0] == 0
    assert held[-1] == len(CONTENT)
    assert held == sorted(held)
    assert len(held) > 3
    fetch(FILE, [url], path.parent)
    assert server.ranges == [None]


def test_a_wrong_checksum_leaves_nothing_and_the_next_mirror_is_tried(server, tmp_path):
    bad = server.answer("/bad", Answer(content=OTHER))
    got = hashlib.sha256(OTHER).hexdigest()
    with pytest.raises(DataError, match=rf"{bad} \(wrong checksum: expected SHA-256 {FILE.sha256}, got {got}\)$"):
        fetch(FILE, [bad], tmp_path)
    assert files(tmp_path) == []
    assert len(server.requests) == 1
    fetch(FILE, [bad, server.answer("/good", Answer())], tmp_path)
    assert files(tmp_path) == ["digits.gz"]


def test_a_cut_connection_is_continued(server, tmp_path):
    seen = []
    url = server.answer("/f", Answer(cut=200_000), Answer(cut=50_000), Answer())
    path = fetch(FILE, [url], tmp_path, lambda *told: seen.append(told[1]))
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=200000-", "bytes=250000-"]
    assert server.sent == [200_000, 50_000, 50_000]
    assert seen == sorted(seen)


def test_a_connection_without_a_length_that_is_cut_is_continued(server, tmp_path):
    url = server.answer("/f", Answer(cut=200_000, length=False), Answer(length=False))
    assert fetch(FILE, [url], tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=200000-"]


def test_cut_every_time_keeps_the_part_for_the_next_call(server, tmp_path, part):
    url = server.answer("/f", Answer(cut=1000))
    with pytest.raises(DataError) as error:
        fetch(FILE, [url], tmp_path)
    assert str(error.value) == (
        f"digits.gz could not be downloaded, tried {url} (cut after 4000 of 300000 bytes). "
        f"4000 of 300000 bytes are kept in {part}: the same command continues there"
    )
    assert part.read_bytes() == CONTENT[:4000]
    assert server.ranges == [None, "bytes=1000-", "bytes=2000-", "bytes=3000-"]
    server.answer("/f", Answer())
    assert fetch(FILE, [url], tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=4000-"
    assert server.sent[-1] == len(CONTENT) - 4000
    assert files(tmp_path) == ["digits.gz"]


def test_the_next_mirror_continues_where_the_first_stopped(server, tmp_path):
    urls = [server.answer("/cut", Answer(cut=1000)), server.answer("/good", Answer())]
    assert fetch(FILE, urls, tmp_path).read_bytes() == CONTENT
    assert server.requests[-1] == ("/good", "bytes=4000-")


@pytest.mark.parametrize(
    "answers",
    [
        pytest.param([Answer(ranges=False)], id="ranges ignored"),
        pytest.param([Answer(status=416), Answer()], id="416"),
        pytest.param([Answer(content_range=f"bytes 0-{len(CONTENT) - 1}/{len(CONTENT)}"), Answer()], id="other range"),
        pytest.param([Answer(content_range=f"bytes 5000-{len(CONTENT) - 1}/9"), Answer()], id="other size"),
        pytest.param([Answer(content_range="rows 1-2"), Answer()], id="no range"),
    ],
)
def test_where_a_range_is_not_answered_by_it_the_file_is_begun_anew(server, tmp_path, part, answers):
    part.write_bytes(CONTENT[:5000])
    assert fetch(FILE, [server.answer("/f", *answers)], tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=5000-", None][: len(answers)]
    assert server.sent[-1] == len(CONTENT)


def test_a_part_with_other_bytes_is_given_up(server, tmp_path, part):
    part.write_bytes(OTHER[:5000])
    assert fetch(FILE, [server.answer("/f", Answer())], tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=5000-", None]


@pytest.mark.parametrize(("content", "requests"), [(CONTENT, 0), (OTHER, 1), (CONTENT + b"x", 1)])
def test_a_part_that_is_whole_or_too_long(server, tmp_path, part, content, requests):
    part.write_bytes(content)
    assert fetch(FILE, [server.answer("/f", Answer())], tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None] * requests


def test_errors_of_the_server_lead_to_the_next_mirror(server, tmp_path):
    urls = [server.answer("/gone", Answer(status=404)), server.answer("/ill", Answer(status=503))]
    unreachable = "http://127.0.0.1:9/f"
    with pytest.raises(DataError) as error:
        fetch(FILE, [*urls, unreachable], tmp_path)
    message = str(error.value)
    assert f"{urls[0]} (HTTP 404 Not Found), {urls[1]} (HTTP 503 Service Unavailable), {unreachable} (" in message
    assert "refused" in message
    assert len(server.requests) == 2
    assert fetch(FILE, [*urls, server.answer("/good", Answer())], tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_no_more_is_written_than_the_file_has(server, tmp_path, length):
    largest = [0]
    long = server.answer("/long", Answer(content=CONTENT + OTHER, length=length))
    with pytest.raises(DataError, match=r"expected 300000 bytes, got (more|a file of 600000)\)$"):
        fetch(FILE, [long], tmp_path, lambda *told: largest.append(told[1]))
    assert max(largest) <= FILE.size
    assert files(tmp_path) == []
    assert len(server.requests) == 1


def test_a_page_in_place_of_the_file_does_not_cost_the_part(server, tmp_path, part):
    part.write_bytes(CONTENT[:5000])
    page = server.answer("/login", Answer(content=b"<html>", ranges=False))
    with pytest.raises(DataError, match=r"expected 300000 bytes, got a file of 6\)\. 5000 of 300000 bytes are kept"):
        fetch(FILE, [page], tmp_path)
    assert part.read_bytes() == CONTENT[:5000]
    assert len(server.requests) == 1


def test_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "_PAUSES", ())
    monkeypatch.setattr(download, "_TIMEOUT", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(DataError, match="timed out"):
        fetch(FILE, [f"http://127.0.0.1:{silent.getsockname()[1]}/f"], tmp_path)


def test_a_full_disk(server, tmp_path, monkeypatch, part):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataError) as error:
        fetch(FILE, [server.answer("/f", Answer())], tmp_path)
    assert str(error.value) == f"{part}: cannot be written: No space left on device; the file needs 300000 bytes"
    assert files(tmp_path) == ["digits.gz.part"]


def test_a_disk_that_is_full_midway(server, tmp_path, part):
    """A limit on the size of files is an error of writing, as a full disk is."""
    resource = pytest.importorskip("resource")
    url, limits = server.answer("/f", Answer()), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, limits[1]))
    try:
        with pytest.raises(DataError, match=f"{part}: cannot be written: File too large"):
            fetch(FILE, [url], tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    kept = part.stat().st_size
    assert 0 < kept <= 100_000
    assert fetch(FILE, [url], tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={kept}-"]


def test_a_folder_that_cannot_be_made(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=f"^{tmp_path / 'file'}.*: cannot be written: (Not a directory|File exists)"):
        fetch(FILE, [server.answer("/f", Answer())], tmp_path / "file" / "cache")


def test_a_file_of_the_user_is_not_overwritten(server, tmp_path):
    (tmp_path / "digits.gz").write_bytes(b"mine")
    with pytest.raises(DataError, match=r"digits\.gz: is there but is not .* expected 300000 bytes, got 4; move it"):
        fetch(FILE, [server.answer("/f", Answer())], tmp_path)
    assert (tmp_path / "digits.gz").read_bytes() == b"mine"
    assert server.requests == []


@pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
def test_two_at_a_time_wait_for_each_other(server, tmp_path):
    url = server.answer("/f", Answer(seconds=0.3))
    threads = [threading.Thread(target=fetch, args=(FILE, [url], tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.ranges == [None]
    assert (tmp_path / "digits.gz").read_bytes() == CONTENT


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
    monkeypatch.setattr(sys, "platform", "linux")
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
    [good], _ = server.answers[path], server.answer(path, Answer(status=404))
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
