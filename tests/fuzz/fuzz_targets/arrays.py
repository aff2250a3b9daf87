"""NumPy's files: ``.npy``, and ``.npz`` archives of them."""

import io
import math
import re
import struct
import warnings
import zipfile
from contextlib import suppress

import numpy as np
from harness import FREE, Target

from fuzz_targets.placing import assert_images, write
from infogan_fast.data import load

_MOST = 1 << 20  # bytes of a member that the mutator unpacks
_HEADER = re.compile(rb"'descr': '\W?\w(\d+)'.*'shape': \(([\d, ]*)\)")
_SIZES = ("0", "1", "3", "-1", "255", "65536", "2147483648", "4294967296", "1099511627776", "9223372036854775807")
_SHAPES = ("()", "(3,)", "3", "(3, 4)", "(3, 4, 5, 1, 1)", "(True, 4, 5)", "(3.0, 4, 5)", "('3', 4, 5)", "(3, (4,), 5)")
_DTYPES = (
    *("'|u1'", "'<f4'", "'>f8'", "'<f2'", "'<f16'", "'|b1'", "'|O'", "'<U3'", "'|S0'", "'|V0'", "'<M8[ns]'", "'<c8'"),
    *("'u1,u1'", "'(3,)u1'", "[('a', '|u1')]", "[('a', '|O')]", "'|u1x'", "''", "None", "1", "[]", "{'a': 1}", "'<f3'"),
)
_NAMES = (
    "images.npy",
    "x.npy",
    "arr_0.npy",
    "labels.npy",
    "y.npy",
    "images",
    "a\nb.npy",
    "\x1b[31m.npy",
    "../x.npy",
    "",
)
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


def npy_bytes(array):
    """An array as a ``.npy`` file."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npz_bytes(members, method=zipfile.ZIP_DEFLATED):
    """An archive of ``(name, content)``; names may repeat."""
    file = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore", UserWarning)
        for name, content in members:
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def _place(content, folder):
    for name in ("x.npy", "x.npz"):
        (folder / name).unlink(missing_ok=True)
    return write(folder / ("x.npz" if content.startswith(b"PK") else "x.npy"), content)


def _read(path):
    data = load(str(path), stream=False)
    assert_images(data)
    if path.suffix == ".npy":
        streamed = load(str(path), stream=True, workers=0)
        assert_images(streamed)
        assert streamed.images.shape == data.images.shape


def _honest_size(path):
    """What the headers of the arrays announce; nothing of what the file cannot hold or would not fit into memory."""
    content = path.read_bytes()
    starts = [content[:4096]]
    with suppress(Exception), zipfile.ZipFile(path) as archive:  # the reader says what is wrong with it
        starts = [archive.open(name).read(4096) for name in archive.namelist()]
    found = [match for match in map(_HEADER.search, starts) if match]
    sizes = [int(match[1]) * math.prod(map(int, match[2].replace(b",", b" ").split())) for match in found]
    announced = sum(size for size in sizes if size <= FREE // 2)
    return max(len(content), announced if announced <= 1032 * len(content) else 0)


def _seeds():
    rows = np.arange(3 * 4 * 5, dtype=np.uint8).reshape(3, 4, 5)
    colour, labels = np.stack([rows] * 3, axis=-1), np.array([2, 0, 1])
    seeds = {
        "grey.npy": npy_bytes(rows),
        "colour-last.npy": npy_bytes(colour),
        "colour-first.npy": npy_bytes(np.moveaxis(colour, -1, 1).copy()),
        "fortran.npy": npy_bytes(np.asfortranarray(rows)),
        "float32.npy": npy_bytes((rows / 255).astype(np.float32)),
        "float16-signed.npy": npy_bytes((rows / 127.5 - 1).astype(np.float16)),
        "big-endian.npy": npy_bytes((rows / 255).astype(">f8")),
    }
    members = [("images.npy", seeds["grey.npy"]), ("labels.npy", npy_bytes(labels))]
    for name, method in (("stored", zipfile.ZIP_STORED), ("deflated", zipfile.ZIP_DEFLATED)):  # as NumPy packs
        seeds[f"{name}.npz"] = npz_bytes(members, method)
    seeds["float.npz"] = npz_bytes([("x.npy", seeds["float32.npy"]), ("y.npy", npy_bytes(labels.astype(np.uint8)))])
    seeds["one.npz"] = npz_bytes([("arr_0.npy", seeds["colour-last.npy"])])
    return seeds


def _damaged():
    grey, labels = _seeds()["grey.npy"], npy_bytes(np.array([2, 0, 1]))
    half = npy_bytes(np.zeros((3, 4, 5), dtype=np.float16))

    def header(old, new, content=grey):
        """With another text of the same length in the header."""
        assert old in content
        return content.replace(old, new.ljust(len(old)), 1)

    def archive(images=grey, labels=labels, method=zipfile.ZIP_DEFLATED):
        return npz_bytes([("images.npy", images), ("labels.npy", labels)], method)

    packed = archive(method=zipfile.ZIP_LZMA)
    at = packed.index(b"images.npy") + 40
    return {
        "labels-that-announce-2-to-the-40.npz": archive(
            labels=header(b"(3,), }      ", b"(1099511627776,), }", labels)
        ),
        "labels-of-80-MiB-for-3-images.npz": archive(labels=npy_bytes(np.zeros(80 << 17, dtype=np.int64))),
        "images-that-announce-2-to-the-40.npz": archive(header(b"(3, 4, 5), }      ", b"(1048576, 1024, 1024), }")),
        "member-that-goes-on-for-80-MiB.npz": archive(grey + bytes(80 << 20)),
        "images-that-announce-2-to-the-63.npy": header(b"(3, 4, 5), }", b"(9223372036854775807, 4, 5), }"),
        "header-without-its-end.npy": header(b"}", b" "),
        "header-with-a-bracket-too-many.npy": header(b"}", b"("),
        "header-nested-2000-deep.npy": b"\x93NUMPY\1\0" + struct.pack("<H", 4000) + b"[" * 2000 + b"]" * 2000,
        "header-that-announces-4-GiB.npy": b"\x93NUMPY\2\0\xff\xff\xff\xff" + grey[10:],
        "shape-of-a-negative-number.npy": header(b"(3, 4, 5)", b"(-3, 4, 5)"),
        "shape-of-a-truth-value.npy": header(b"(3, 4, 5)", b"(True, 4, 5)"),
        "shape-of-fractions.npy": header(b"(3, 4, 5)", b"(3., 4, 5)"),
        "type-that-is-none.npy": header(b"'|u1'", b"'|q9'"),
        "type-with-a-shape.npy": header(b"'|u1'", b"'3u1'"),
        "type-with-fields.npy": header(b"'|u1'", b"'u1,'"),
        "no-type.npy": header(b"'|u1'", b"''"),
        "half-with-one-byte-too-few.npy": half[:-1],
        "objects.npy": npy_bytes(np.array([[[{}]]], dtype=object)),
        "objects-as-labels.npz": archive(labels=npy_bytes(np.array([None] * 3))),
        "packed-as-numpy-never-does.npz": archive(method=zipfile.ZIP_BZIP2),
        "damaged-lzma.npz": packed[:at] + b"\xff" * 9 + packed[at + 9 :],
        "encrypted.npz": archive().replace(b"PK\1\2\x14\x03\x14\0\0\0", b"PK\1\2\x14\x03\x14\0\1\0"),
        "packed-by-a-method-that-is-none.npz": _with_method(archive(), 99),
        "name-of-two-lines.npz": npz_bytes([("two\nlines.npy", grey)]),
        "name-that-clears-the-screen.npz": npz_bytes([("\x1b[2J.npy", grey)]),
        "empty.npy": b"",
        "no-members.npz": npz_bytes([]),
    }


def _with_method(packed, method):
    """An archive that says of its members that they are packed by another method than they are."""
    for magic, offset in ((b"PK\3\4", 8), (b"PK\1\2", 10)):
        at = packed.index(magic) + offset
        packed = packed[:at] + struct.pack("<H", method) + packed[at + 2 :]
    return packed


def _mutate(content, random, raw):
    if random.random() < 0.15:
        return raw(content)
    if not content.startswith(b"PK"):
        return _mutate_npy(content, random, raw)
    return _mutate_npz(content, random, raw)


def _mutate_npz(content, random, raw):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        infos = archive.infolist()
        members = [(info.orig_filename, archive.open(info).read(_MOST)) for info in infos]
        method = infos[0].compress_type if infos else zipfile.ZIP_STORED
    if not members:
        return raw(content)
    at = random.randrange(len(members))
    name, member = members[at]
    match random.randrange(10):
        case 0:
            members[at] = (random.choice(_NAMES), member)
        case 1:
            members.append((random.choice(_NAMES), random.choice(members)[1]))
        case 2:
            del members[at]
        case 3:
            method = random.choice(_METHODS)
        case 4:
            members[at] = (name, member + bytes(random.choice((1, 1000, _MOST))))
        case _:
            members[at] = (name, _mutate_npy(member, random, raw))
    packed = npz_bytes(members, method)
    return raw(packed) if random.random() < 0.2 else packed


def _mutate_npy(content, random, raw):
    """The header's text changed and its length mended, or bytes."""
    if content[:6] != b"\x93NUMPY" or len(content) < 12:
        return raw(content)
    wide = content[6] >= 2
    start = 12 if wide else 10
    length = int.from_bytes(content[8:start], "little")
    text, body = content[start : start + length].decode("latin1"), content[start + length :]
    version = content[6:8]
    match random.randrange(8):
        case 0:
            text = re.sub(r"'shape': \(.*?\)", f"'shape': {random.choice(_SHAPES)}", text)
        case 1:
            sizes = [random.choice(_SIZES) for _ in range(random.randrange(1, 5))]
            text = re.sub(r"'shape': \(.*?\)", f"'shape': ({', '.join(sizes)},)", text)
        case 2:
            text = re.sub(r"'descr': ('.*?'|\[.*?\])", lambda _: f"'descr': {random.choice(_DTYPES)}", text)
        case 3:
            text = re.sub(r"True|False", random.choice(("True", "False", "1", "None", "'x'")), text, count=1)
        case 4:
            version = random.choice((b"\1\0", b"\2\0", b"\3\0", b"\0\0", b"\1\1", b"\xff\xff"))
        case 5:
            return raw(content)
        case 6:
            body = raw(body) if body else b"\0"
        case _:
            text = raw(text.encode("latin1")).decode("latin1")
    encoded = text.encode("latin1")[:65535]
    size = struct.pack("<I" if version[0] >= 2 else "<H", len(encoded))
    return content[:6] + version + size + encoded + body


TARGET = Target("arrays", _place, _read, _seeds, _damaged, _mutate, max_length=160_000, honest_size=_honest_size)
