"""Damaged ``.npy`` and ``.npz`` files: each loads or is an error in one line, whatever the damage."""

import io
import random

import numpy as np
import pytest

from infogan_fast.data import DataError, load
from infogan_fast.data.sources.npy import read_header

ARRAYS = {
    "uint8": np.random.default_rng(0).integers(0, 256, (3, 4, 4), dtype=np.uint8),
    "float": np.random.default_rng(0).random((2, 3, 2, 4), dtype=np.float32),
    "fortran": np.asfortranarray(np.random.default_rng(0).random((2, 3, 2, 4))),
}


def contents(kind, array):
    file = io.BytesIO()
    if kind == "npy":
        np.save(file, array)
    else:
        (np.savez if kind == "npz" else np.savez_compressed)(file, images=array, labels=np.arange(len(array)))
    return file.getvalue()


def loads(path, content):
    """Whether a file loads; if not, the error is a line that names it."""
    path.write_bytes(content)
    message = None
    try:
        load(str(path), stream=False)
    except DataError as error:
        message = str(error)
    assert message is None or message.startswith(f"{path}: ")
    assert message is None or message.isprintable()
    return message is None


def flips(content, count, step=1):
    """The content with one bit flipped, for every ``step``-th bit of its first ``count`` bytes."""
    for bit in range(0, 8 * count, step):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        yield bytes(flipped)


@pytest.fixture(autouse=True)
def _little_is_free(monkeypatch):
    """So that an array that would be made before its size is checked is one beyond it."""
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 2**20)


@pytest.mark.parametrize("array", ["uint8", pytest.param("float", marks=pytest.mark.slow)])
def test_every_bit_of_a_header(tmp_path, array):
    content = contents("npy", ARRAYS[array])
    loaded = [loads(tmp_path / "x.npy", flipped) for flipped in flips(content, 128)]
    assert 0 < sum(loaded) < len(loaded)


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 17])
@pytest.mark.parametrize("kind", ["npz", "compressed npz"])
def test_every_bit_of_an_archive(tmp_path, kind, step):
    content = contents(kind, ARRAYS["uint8"])
    loaded = [loads(tmp_path / "x.npz", flipped) for flipped in flips(content, len(content), step)]
    assert 0 < sum(loaded) < len(loaded)


@pytest.mark.parametrize("kind", ["npy", "npz", "compressed npz"])
@pytest.mark.parametrize("array", ARRAYS)
def test_several_bits_and_bytes(tmp_path, kind, array):
    content, drawn = contents(kind, ARRAYS[array]), random.Random(0)
    path = tmp_path / f"x.{kind[-3:]}"
    for _ in range(60):
        damaged = bytearray(content)
        for _ in range(drawn.randint(1, 8)):
            damaged[drawn.randrange(len(damaged))] = drawn.choice(
                [0, 255, *b"0123456789(),[]{}'L\n", drawn.randrange(256)]
            )
        loads(path, bytes(damaged[: drawn.choice([len(damaged), drawn.randrange(len(damaged))])]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 5000, "not that of an array of numbers"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': " + "(" * 500 + ")" * 500 + "}", "not that of"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (1," + "2," * 4000 + ")}", "beyond any computer"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (" + " " * 9000 + "x)}", "not that of"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4, -4)}", "not that of"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': (007, 4, 4)}", "Cannot parse header"),
        ("{'descr': '|u1', 'fortran_order': False, 'shape': 3}", "not that of"),
        ("{'descr': '|u9', 'fortran_order': False, 'shape': (3,)}", "not a valid dtype"),
        ("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3,)}", "not that of"),
        ("{'descr': '(2,3)u1', 'fortran_order': False, 'shape': (3,)}", "not that of"),
        ("{'descr': '|u1', 'descr': '|u1', 'descr': '|u1'}", "correct keys"),
        ("{'descr': __import__('os'), 'fortran_order': False, 'shape': (3,)}", "not that of"),
        ("\xff\xfe", "not that of"),
        ("x" * 20_000, "a header of 20000 bytes, allowed: 10000"),
    ],
)
def test_headers_that_are_none(text, message):
    encoded = text.encode("latin-1")
    with pytest.raises(ValueError, match=message):
        read_header(io.BytesIO(b"\x93NUMPY\1\0" + len(encoded).to_bytes(2, "little") + encoded), "x")


@pytest.mark.parametrize(
    "text",
    [
        "{'descr': '|u1', 'fortran_order': False, 'shape': (3, 4, 4), }            \n",
        "{'shape': (3,4,4), 'fortran_order': False, 'descr': '|u1'}",
        '{"descr": "|u1", "fortran_order": False, "shape": (3, 4, 4)}',
        "{'descr': 'u1', 'fortran_order': False, 'shape': (3L, 4L, 4L)}",
    ],
)
@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.filterwarnings("ignore:Reading:UserWarning")  # of Python 2
def test_headers_of_other_programs(text, version):
    start = b"\x93NUMPY" + bytes((version, 0)) + len(text).to_bytes(2 * version, "little")
    header = read_header(io.BytesIO(start + text.encode()), "x")
    assert (header.shape, header.dtype, header.fortran_order) == ((3, 4, 4), np.uint8, False)
