"""Checkpoints that are damaged, or made to do harm: each is refused in one line that names the file."""

import json
import os
import struct
import subprocess
import sys

import pytest
import safetensors.torch
import torch
from hostile import SCALARS, VALUES, small_tensors, with_values, write_checkpoint
from torch import nn

from infogan_fast.runs.checkpoint import (
    Best,
    CheckpointError,
    checkpoints,
    find_checkpoint,
    load_checkpoint,
    load_networks,
    load_optimizer,
    save_checkpoint,
)

CPU = torch.device("cpu")
NAME = "step_00000006.safetensors"
HEADER = {**SCALARS, "format": 5, "step": 6, "best": [4, 0.5]}


def refused(path):
    """The message of a checkpoint that cannot be loaded."""
    with pytest.raises(CheckpointError) as error:
        load_checkpoint(path, CPU)
    message = str(error.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    assert len(message) < 1000 + len(str(path))
    return message


@pytest.fixture
def path(tmp_path):
    return tmp_path / NAME


def test_every_bit_counts(tmp_path):
    path = save_checkpoint(tmp_path, 6, small_tensors(), SCALARS, best=Best(4, 0.5))
    whole = path.read_bytes()
    header = 8 + int.from_bytes(whole[:8], "little")
    assert len(whole) - header < 100
    for bit in range(8 * len(whole)):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        refused(path)
    path.write_bytes(whole)
    load_checkpoint(path, CPU)


def test_a_flipped_bit_of_a_large_tensor(tmp_path):
    path = save_checkpoint(tmp_path, 6, {"large": torch.zeros(5_000_000)}, SCALARS)
    with open(path, "r+b") as file:
        file.seek(-4 * 1_234_567, os.SEEK_END)
        file.write(b"\x01")
    assert "its checksum is not that of its content. Remove it to continue from the one before" in refused(path)


def test_a_file_that_ends_early_or_goes_on(tmp_path):
    path = save_checkpoint(tmp_path, 6, small_tensors(), SCALARS)
    whole = path.read_bytes()
    for content in [whole[:length] for length in range(len(whole))] + [whole + b"\0"]:
        path.write_bytes(content)
        assert "not a readable checkpoint" in refused(path)


def test_other_formats_and_files_without_a_checksum_are_refused(path):
    for written, message in ((5, "format 5, and it has no checksum"), (4, "checkpoint format 4; this version reads 5")):
        text = {"infogan_fast": json.dumps({**HEADER, "format": written})}
        path.write_bytes(safetensors.torch.save(small_tensors(), metadata=text))
        assert message in refused(path)


def test_every_value_of_the_header_is_looked_at(path):
    """Behind a right checksum."""
    for what, text in with_values(HEADER):
        write_checkpoint(path, small_tensors(), {"infogan_fast": text})
        if what in (
            "best: null",
            "seconds: 9223372036854775808",
            "networks: {}",
            "metrics: []",
            "labels_sha256: null",
        ) or what.startswith("settings: {"):
            load_checkpoint(path, CPU)
        else:
            refused(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"step": -5}, "its header: step: got -5, allowed: greater than or equal to 0"),
        ({"step": 5}, "its header: step: got 5, allowed: 6, by its name"),
        ({"best": [7, 0.5]}, "its header: best.0: got 7, allowed: at most 6"),
        ({"best": {}}, "its header: best: got {}, allowed: "),
        ({"last_log": [7, 1.0]}, "its header: last_log.0: got 7, allowed: at most 6"),
        ({"last_log": [3, 2.0]}, "its header: last_log.1: got 2.0, allowed: at most 1.5"),
        ({"shape": []}, "its header: shape: got [], allowed: "),
        ({"shape": [1, 8, 0]}, "its header: shape.2: got 0, allowed: greater than or equal to 1"),
        ({"images_sha256": "A" * 64}, "its header: images_sha256: got "),
    ],
)
def test_the_key_the_value_and_what_is_allowed(path, change, message):
    write_checkpoint(path, small_tensors(), {"infogan_fast": json.dumps({**HEADER, **change})})
    assert message in refused(path)


def file_of(entries, data=b"", metadata=None):
    """A safetensors file of any header."""
    text = {"infogan_fast": json.dumps(HEADER)} if metadata is None else metadata
    header = entries if isinstance(entries, str) else json.dumps({"__metadata__": text, **entries})
    header = header.encode() if isinstance(header, str) else header
    return struct.pack("<Q", len(header)) + header + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


FOUR = b"\0" * 4


@pytest.mark.parametrize(
    "content",
    [
        file_of({"a": entry("C64", offsets=(0, 8))}, FOUR * 2),
        file_of({"a": entry("F8_E4M3", (4,))}, FOUR),
        file_of({"a": entry("BOOL", (4,))}, b"\7" * 4),
        file_of({"a": entry("F4")}, FOUR),
        file_of({"a": entry(shape=(2**40, 2**40), offsets=(0, 2**82))}, FOUR),
        file_of({"a": entry(shape=(2**62, 4))}, FOUR),
        file_of({"a": entry(shape=(-1,))}, FOUR),
        file_of({"a": entry(shape=(1.0,))}, FOUR),
        file_of({"a": entry(shape=(1,) * 1000)}, FOUR),
        file_of({"a": entry(shape=(0, 2**62), offsets=(0, 4))}, FOUR),
        file_of({"a": entry(offsets=(4, 0))}, FOUR),
        file_of({"a": entry(offsets=(-4, 0))}, FOUR),
        file_of({"a": entry(offsets=(4, 8))}, FOUR * 2),
        file_of({"a": entry(), "b": entry()}, FOUR),
        file_of({"a": entry("U8", offsets=(0, 1)), "b": entry(offsets=(1, 5))}, b"\0" * 5),
        file_of({"a": entry(layout="sparse_coo")}, FOUR),
        file_of({"a": {"dtype": "F32"}}, FOUR),
        file_of({"a": [entry()]}, FOUR),
        file_of({"a": entry()}, FOUR * 1000),
        file_of({"a": entry()}, b""),
        file_of({"a": entry()}, FOUR, metadata={"infogan_fast": 3}),
        file_of({"a": entry()}, FOUR, metadata={}),
        file_of('{"a": {}, "a": {}}'),
        file_of('{"__metadata__": []}'),
        file_of("[]"),
        file_of("3"),
        file_of(""),
        file_of(" " * 5 * 2**20),
        file_of("[" * 4 * 2**20),
        file_of('{"a":' * 100_000),
        *(file_of(f'{{"a": {value}}}') for value in VALUES),
        *(file_of(f'{{"__metadata__": {value}}}') for value in VALUES),
        *(file_of(f'{{"a": {{"dtype": "F32", "shape": {value}, "data_offsets": [0, 4]}}}}', FOUR) for value in VALUES),
        *(file_of(f'{{"a": {{"dtype": "F32", "shape": [1], "data_offsets": {value}}}}}', FOUR) for value in VALUES),
        *(file_of(f'{{"a": {{"dtype": {value}, "shape": [1], "data_offsets": [0, 4]}}}}', FOUR) for value in VALUES),
        struct.pack("<Q", 100 * 2**20) + b" " * 100,
        struct.pack("<Q", 2**64 - 1) + b"{}",
        struct.pack("<q", -1) + b"{}",
    ],
)
def test_headers_that_were_made_to_do_harm(path, content):
    path.write_bytes(content)
    refused(path)


def test_a_file_larger_than_the_memory_is_not_read(path):
    size = 2**43
    header = file_of({"a": entry("U8", (size,), (0, size))})
    with open(path, "wb") as file:
        file.write(header)
        try:
            file.truncate(len(header) + size)  # which takes no room
        except OSError:
            pytest.skip("the file system has no files of that size")
    assert "of memory, free: " in refused(path)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
def test_reading_takes_the_memory_of_one_copy(tmp_path):
    size = 200 * 2**20
    path = save_checkpoint(tmp_path, 6, {"a": torch.zeros(size // 8), "b": torch.ones(size // 8)}, SCALARS)
    peak = resident_growth(f"load_checkpoint(Path({str(path)!r}), torch.device('cpu'))")
    assert size < peak < 1.3 * size
    assert resident_growth(f"find_checkpoint(Path({str(tmp_path)!r}), 'last')") < 0.3 * size


def resident_growth(expression):
    """Bytes by which an expression makes a process grow."""
    script = (
        "import torch; from pathlib import Path\n"
        "from infogan_fast.runs.checkpoint import find_checkpoint, load_checkpoint\n"
        "def most(): return 1024 * int(Path('/proc/self/status').read_text().split('VmHWM:')[1].split()[0])\n"
        f"before = most(); {expression}; print(most() - before)"
    )
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout)


@pytest.mark.parametrize(
    ("name", "tensor", "message"),
    [
        ("weight", torch.zeros(2, 3, dtype=torch.float64), r"model.weight: got float64 \[2, 3\], allowed: float32 \["),
        ("weight", torch.zeros(2, 3, dtype=torch.int64), "got int64"),
        ("weight", torch.zeros(2, 3, dtype=torch.complex64), "got complex64"),
        ("weight", torch.zeros(3, 2), r"got float32 \[3, 2\]"),
        ("weight", torch.zeros(()), r"got float32 \[\]"),
        ("more", torch.zeros(3, 2), "it has model.more$"),
    ],
)
def test_weights_of_another_shape_or_dtype(name, tensor, message):
    net = nn.Linear(3, 2)
    tensors = {"model.weight": torch.zeros(2, 3), "model.bias": torch.zeros(2), f"model.{name}": tensor}
    with pytest.raises(CheckpointError, match=f"^p: its weights are not those of the configured networks: .*{message}"):
        load_networks(net, "model", tensors, "p")
    with pytest.raises(CheckpointError, match=r"p: damaged, or written by another version: it lacks model.bias$"):
        load_networks(net, "model", {"model.weight": torch.zeros(2, 3)}, "p")


def test_moments_of_another_dtype():
    optimizer = torch.optim.Adam([nn.Parameter(torch.zeros(2))])
    tensors = {"adam.0.step": torch.tensor(1.0), "adam.0.exp_avg": torch.zeros(2), "adam.0.exp_avg_sq": torch.zeros(2)}
    for key, value in (("step", torch.tensor(1)), ("exp_avg_sq", torch.zeros(2, dtype=torch.complex64))):
        with pytest.raises(CheckpointError, match=f"^p: adam.0.{key}: got (int64|complex64) "):
            load_optimizer(optimizer, "adam", {**tensors, f"adam.0.{key}": value}, "p")


def test_names_that_are_not_those_of_checkpoints(tmp_path):
    for name in (
        "step_٣٣٣٣٣٣٣٣.safetensors",
        "step_3.safetensors",
        "step_000000003.safetensors",
        "step_-0000001.safetensors",
    ):
        (tmp_path / name).touch()
    (tmp_path / f"step_{'9' * 100}.safetensors").touch()
    assert checkpoints(tmp_path) == []
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        find_checkpoint(tmp_path)
