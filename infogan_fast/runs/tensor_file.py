"""Tensors and text in one safetensors file, with a checksum over all of its bytes.

safetensors writes it. It is read here, as the library opens only paths that are UTF-8, follows links, and takes the
last of two tensors of one name. Sizes are checked before anything is allocated, and the tensors share one copy.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, NamedTuple

import safetensors.torch
import torch
from pydantic import ConfigDict, Field, Strict
from torch import Tensor

from infogan_fast.data.memory import free_memory
from infogan_fast.files import bytes_text
from infogan_fast.regular_files import regular_only
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.schemas import Schema, Text, Whole, checked, parse_json
from infogan_fast.text import short

#: Of the header: some hundred bytes for each of the tensors, and the text.
MOST_HEADER_BYTES = 4 * 2**20

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
#: What a tensor in a file may be.
DTYPES = tuple(_DTYPES.values())
_LENGTH_BYTES = 8  # of the number before the header
_CHUNK = 16 * 2**20  # bytes that are read and hashed at a time
_CHECKSUM = re.compile(rb'"sha256":"([0-9a-f]{64})"')
_NOT_YET = "0" * 64  # in the place of the checksum while it is computed


class DamagedError(RunFolderError):
    """The file is not as it was written; the message does not name it."""


class TensorFile(NamedTuple):
    """What is in a file."""

    tensors: dict[str, Tensor]
    """On the CPU, and parts of one tensor."""
    text: dict[str, str]
    """The texts by name."""
    has_checksum: bool
    """Whether there was one to compare with."""


class _Entry(Schema):
    """The entry of a tensor in the header, which says where it is."""

    model_config = ConfigDict(strict=True, extra="forbid")

    dtype: Literal["F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U8", "BOOL"]
    shape: Annotated[list[Whole], Field(max_length=8)]
    data_offsets: Annotated[tuple[Whole, Whole], Strict(False)]


class _Text(Schema):
    """The text, in the header."""

    text: dict[Text, Text]


def serialize(tensors: Mapping[str, Tensor], text: Mapping[str, str]) -> list[bytes | memoryview]:
    """A file in parts, which are written one after the other.

    Args:
        tensors: by name, on any device.
        text: by name, but ``sha256``, which is the checksum.
    """
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = memoryview(safetensors.torch.save(on_cpu, metadata={**text, "sha256": _NOT_YET}))
    header = bytes(content[: _LENGTH_BYTES + int.from_bytes(content[:_LENGTH_BYTES], "little")])
    place = _CHECKSUM.search(header)
    assert place is not None
    first, last = place.span(1)
    return [content[:first], hashlib.sha256(content).hexdigest().encode(), content[last:]]


def read(path: Path, with_tensors: bool = True) -> TensorFile:
    """The content of a file, compared with its checksum if it has one.

    Args:
        path: of a regular file.
        with_tensors: False to read the text alone; the rest is only compared.

    Raises:
        DamagedError: it is not a safetensors file, or not as it was written, or does not fit into memory.
        OSError: it cannot be read.
    """
    with open(path, "rb", opener=regular_only) as file:
        size = os.fstat(file.fileno()).st_size
        header = _read_header(file, size)
        entries, text = _parse_header(header[_LENGTH_BYTES:], size - len(header))
        data = torch.empty(_room(size - len(header)) if with_tensors else 0, dtype=torch.uint8)
        found = _CHECKSUM.findall(header)
        digest = hashlib.sha256(_CHECKSUM.sub(f'"sha256":"{_NOT_YET}"'.encode(), header))
        _read_data(file, size - len(header), data.numpy().data if with_tensors else None, digest)
    if "sha256" in text and (len(found) != 1 or found[0].decode() != digest.hexdigest()):
        raise DamagedError("its checksum is not that of its content")
    tensors = {name: _tensor(data, entry) for name, entry in entries.items()} if with_tensors else {}
    return TensorFile(tensors, text, "sha256" in text)


def _read_header(file: BinaryIO, size: int) -> bytes:
    """The length of the header, and the header."""
    length = file.read(_LENGTH_BYTES)
    count = int.from_bytes(length, "little")
    if len(length) < _LENGTH_BYTES or count > min(size - _LENGTH_BYTES, MOST_HEADER_BYTES):
        raise DamagedError(
            f"it is cut off, or its header is damaged: got a header of {count} bytes in a file of {size}, allowed: at "
            f"most {max(0, min(size - _LENGTH_BYTES, MOST_HEADER_BYTES))}"
        )
    header = file.read(count)
    if len(header) < count:
        raise DamagedError("it became shorter while it was read")
    return length + header


def _parse_header(header: bytes, size: int) -> tuple[dict[str, _Entry], dict[str, str]]:
    """The places of the tensors in ``size`` bytes of data, which they fill without a gap, and the text."""
    values = parse_json(header, "its header", DamagedError)
    if not isinstance(values, dict):
        raise DamagedError(f"its header: got {short(values)}, allowed: names of tensors")
    text = checked(_Text, {"text": values.pop("__metadata__", {})}, "its header", DamagedError).text
    entries = {
        name: checked(_Entry, value, f"its header: {short(name)}", DamagedError) for name, value in values.items()
    }
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: item[1].data_offsets):
        needed = math.prod(entry.shape) * _DTYPES[entry.dtype].itemsize
        if entry.data_offsets != (end, end + needed) or end % _DTYPES[entry.dtype].itemsize:
            raise DamagedError(
                f"its header: {short(name)}: got bytes {list(entry.data_offsets)}, allowed: [{end}, {end + needed}], "
                f"by its dtype, its shape and the tensor before"
            )
        end += needed
    if end != size:
        raise DamagedError(f"it holds {size} bytes of data, its header says {end}")
    return entries, text


def _room(size: int) -> int:
    """``size``, if there is as much memory."""
    free = free_memory()
    if free is not None and size > free:
        raise DamagedError(f"it needs {bytes_text(size)} of memory, free: {bytes_text(free)}")
    return size


def _read_data(file: BinaryIO, size: int, into: memoryview | None, digest: Any) -> None:
    """Read ``size`` bytes, hash them, and keep them if there is a place for them."""
    chunk = memoryview(bytearray(min(_CHUNK, size))) if into is None else into
    done = 0
    while done < size:
        first = 0 if into is None else done
        count = file.readinto(chunk[first : first + min(_CHUNK, size - done)])  # type: ignore[attr-defined]
        if not count:
            raise DamagedError("it became shorter while it was read")
        digest.update(chunk[first : first + count])
        done += count


def _tensor(data: Tensor, entry: _Entry) -> Tensor:
    first, last = entry.data_offsets
    return data[first:last].view(_DTYPES[entry.dtype]).view(entry.shape)
