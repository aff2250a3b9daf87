"""IDX files, plain and gzip: images alone, or labels beside images."""

import gzip
import math
import struct
import zlib
from contextlib import suppress

import numpy as np
from harness import FREE, Target

from fuzz_targets.placing import assert_images, write
from infogan_fast.data import load

_IMAGES, _LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
_GZIP = b"\x1f\x8b"
_MOST = 1 << 20  # bytes that the mutator unpacks
_SIZES = (0, 1, 2, 3, 27, 28, 255, 256, 65535, 65536, 2**24, 2**31, 2**32 - 1)


def idx_bytes(array, type_code=0x08):
    """An array as an IDX file."""
    return struct.pack(f">HBB{array.ndim}I", 0, type_code, array.ndim, *array.shape) + array.tobytes()


def _place(content, folder):
    is_labels = _start(content, 4) == b"\0\0\x08\x01"
    for name in (_IMAGES, _LABELS):
        (folder / name).unlink(missing_ok=True)
    if is_labels:
        write(folder / _IMAGES, idx_bytes(_pixels(3)))
    return write(folder / (_LABELS if is_labels else _IMAGES), content)


def _read(path):
    assert_images(load(str(path.parent)))
    if path.name == _IMAGES:
        for stream in (False, True):
            assert_images(load(str(path), stream=stream, workers=0))


def _honest_size(path):
    """What the header announces, where the file can hold it and it fits into memory; else it has to be refused."""
    content = path.read_bytes()
    start = _start(content, 16)
    if start[:3] != b"\0\0\x08" or len(start) < 4 + 4 * start[3]:
        return len(content)
    announced = math.prod(struct.unpack_from(f">{start[3]}I", start, 4)) if start[3] <= 3 else 0
    return max(len(content), announced if announced <= min(FREE // 2, 1032 * len(content)) else 0)


def _start(content, count):
    if not content.startswith(_GZIP):
        return content[:count]
    with suppress(zlib.error):
        return zlib.decompressobj(31).decompress(content, count)
    return b""


def _pixels(count):
    return np.arange(count * 4 * 5, dtype=np.uint8).reshape(count, 4, 5)


def _seeds():
    images, labels = idx_bytes(_pixels(3)), idx_bytes(np.array([2, 0, 1], dtype=np.uint8))
    return {
        "images": images,
        "images.gz": gzip.compress(images, mtime=0),
        "images-one": idx_bytes(_pixels(1)),
        "labels": labels,
        "labels.gz": gzip.compress(labels, mtime=0),
        "two-members.gz": gzip.compress(images[:20], mtime=0) + gzip.compress(images[20:], mtime=0),
    }


def _damaged():
    images, pixels = _seeds()["images"], _pixels(3)
    most = b"\xff\xff\xff\xff"
    return {
        "gzip-bomb-behind-a-small-header": gzip.compress(images + bytes(80 << 20), mtime=0),
        "gzip-bomb-of-labels": gzip.compress(_seeds()["labels"] + bytes(80 << 20), mtime=0),
        "gzip-that-announces-4-GiB": gzip.compress(images[:4] + b"\0\0\0\1\0\1\0\0\0\1\0\0" + bytes(99), mtime=0),
        "gzip-cut-off-in-its-header": gzip.compress(images, mtime=0)[:7],
        "gzip-with-a-wrong-checksum": gzip.compress(images, mtime=0)[:-8] + bytes(8),
        "no-images-of-a-size-beyond-64-bits": images[:4] + bytes(4) + most + most,
        "images-beyond-64-bits": images[:4] + most * 3 + bytes(9),
        "images-without-pixels": idx_bytes(pixels[:, :0]),
        "labels-fewer-than-images": idx_bytes(np.zeros(2, dtype=np.uint8)),
        "empty": b"",
    }


def _mutate(content, random, raw):
    if content.startswith(_GZIP) and random.random() < 0.8:
        return _packed(_mutate_idx(_start(content, _MOST), random, raw), random)
    return raw(content) if random.random() < 0.2 else _mutate_idx(content, random, raw)


def _mutate_idx(content, random, raw):
    dimensions = content[3] if len(content) > 3 else 0
    match random.randrange(4):
        case 0 if 0 < dimensions <= 8 and len(content) >= 4 + 4 * dimensions:
            at = 4 + 4 * random.randrange(dimensions)
            return content[:at] + struct.pack(">I", random.choice(_SIZES)) + content[at + 4 :]
        case 1:  # a body of the announced size, where that is small
            start = raw(content[:16])
            if len(start) == 16 and start[3] == 3 and math.prod(struct.unpack_from(">3I", start, 4)) <= 4096:
                return start + bytes(math.prod(struct.unpack_from(">3I", start, 4)))
            return start + content[16:]
        case _:
            return raw(content)


def _packed(content, random):
    packed = gzip.compress(content, random.choice((0, 1, 9)), mtime=0)
    match random.randrange(8):
        case 0:
            return packed + gzip.compress(content[: random.randrange(20)], mtime=0)
        case 1:
            return packed + bytes(random.randrange(20))
        case 2:
            return packed[: -random.randrange(1, 9)]
        case 3:
            return gzip.compress(content + bytes(random.choice((1, 1000, 10**6))), mtime=0)
        case _:
            return packed


TARGET = Target("idx", _place, _read, _seeds, _damaged, _mutate, max_length=160_000, honest_size=_honest_size)
