"""The harness notices each thing that a reader must not do, and the mutators get below the checksums."""

import gzip
import io
import logging
import os
import random
import subprocess
import sys
import time
import warnings
import zipfile

import harness as watching
import numpy as np
import pytest
import run
from fuzz_targets import TARGETS, idx
from fuzz_targets.placing import write
from harness import Harness, Target
from PIL import Image

from infogan_fast.data import DataError


def place(content, folder):
    return write(folder / "file", content)


def take(mib):
    np.ones(mib << 20, dtype=np.uint8)


def swallowed(path):
    try:
        np.empty(2**40, dtype=np.uint8)
    except MemoryError as error:
        raise DataError(f"{path}: damaged: {error}") from error


def fail(message):
    def read(path):
        raise DataError(message.format(path=path))

    return read


GENERATOR = random.Random(0)

READERS = {
    "KeyError": lambda path: {}["x"],
    "RecursionError": lambda path: deep(),
    "MemoryError": lambda path: np.empty(2**40, dtype=np.uint8),
    "memory": lambda path: take(100),
    "output": lambda path: print("hello"),
    "output of C": lambda path: os.write(2, b"hello"),
    "warning": lambda path: warnings.warn("strange", UserWarning, stacklevel=1),
    "log message": lambda path: logging.getLogger("x").error("strange"),
    "file written": lambda path: path.with_name("other").write_text("x"),
    "os.remove": lambda path: path.unlink(),
    "subprocess.Popen": lambda path: subprocess.run([sys.executable, "-c", ""], check=True),
    "pickle.find_class": lambda path: np.load(io.BytesIO(idx_pickle()), allow_pickle=True),
    "too slow": lambda path: time.sleep(9),
    "message not one printable line": fail("{path}: two\nlines"),
    "message without the file": fail("damaged"),
    "message of an allocation that failed": swallowed,
}


def deep():
    return deep()


def idx_pickle():
    file = io.BytesIO()
    np.save(file, np.array([time.struct_time(range(9))], dtype=object), allow_pickle=True)
    return file.getvalue()


@pytest.mark.parametrize("name", READERS)
def test_what_a_reader_must_not_do_is_found(monkeypatch, name):
    if name == "too slow":
        monkeypatch.setattr(watching, "MOST_SECONDS", 0.1)
    finding = finding_of(READERS[name])
    assert finding is not None
    assert finding.kind == name.partition(" of ")[0] or finding.kind == name


@pytest.mark.parametrize(
    "read",
    [
        lambda path: take(20),
        fail("{path}: damaged"),
        lambda path: warnings.warn("old", DeprecationWarning, stacklevel=1),
    ],
)
def test_what_a_reader_may_do_is_not_found(read):
    assert finding_of(read) is None


def finding_of(read):
    target = Target("fake", place, read, dict, dict, lambda content, random, raw: content, max_length=9)
    harness = Harness(target)
    finding = harness.check(b"content")
    harness.close()
    return finding


def raw(part):
    """One byte changed, as atheris may do it."""
    at = GENERATOR.randrange(len(part) + 1)
    return part[:at] + GENERATOR.randbytes(1) + part[at + 1 :]


@pytest.mark.parametrize("name", TARGETS)
def test_mutators_change_undamaged_files(name):
    target = TARGETS[name]
    for content in target.seeds().values():
        results = {target.mutate(content, GENERATOR, raw) for _ in range(20)}
        assert all(isinstance(result, bytes) for result in results)
        assert len(results) > 5


@pytest.mark.parametrize(
    ("name", "seed", "unpack"),
    [
        ("idx", "images.gz", gzip.decompress),
        ("arrays", "deflated.npz", lambda content: zipfile.ZipFile(io.BytesIO(content)).testzip()),
        ("image", "grey.png", lambda content: Image.open(io.BytesIO(content)).verify()),
    ],
)
@pytest.mark.filterwarnings("ignore:Image size")
def test_mutators_get_below_checksums(name, seed, unpack):
    target, whole = TARGETS[name], 0
    content = target.seeds()[seed]
    for _ in range(100):
        try:
            unpack(target.mutate(content, GENERATOR, raw))
            whole += 1
        except Exception:  # whatever a damaged file gives
            continue
    assert whole >= 20


def test_line_of_a_log():
    log = "#8\tINITED cov: 9 ft: 9 corp: 1/1b\n#99\tDONE   cov: 115 ft: 192 corp: 35/1093b lim: 1 exec/s: 857\n"
    end = "stat::number_of_executed_units: 13714\nstat::average_exec_per_sec:     857\n"
    assert run._line(log + end) == (
        "  13,714 executions (857/s), coverage 115 edges (192 features), corpus 35 files of 1093b"
    )
    assert run._line("Traceback") == "did not start"


def test_without_atheris(monkeypatch, capsys):
    monkeypatch.setattr(run.importlib.util, "find_spec", lambda name: None)
    for arguments, code in ((["run.py"], 1), (["run.py", "--optional"], 0)):
        monkeypatch.setattr(sys, "argv", arguments)
        assert run.main() == code
        assert "atheris is not installed" in capsys.readouterr().err


def test_the_names_are_those_of_the_targets():
    assert set(run.NAMES) == TARGETS.keys()
    assert idx.TARGET is TARGETS["idx"]
