"""Image files that hide another one, or become far larger than they are: skipped, named, and no program is started."""

import io
import os
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image, ImageFile, TiffImagePlugin

from infogan_fast.data import DataError, ImageData, load
from infogan_fast.data.decoding.memory import reserved
from infogan_fast.data.decoding.pillow import FORMATS

MIB = 2**20
SMALL = 40  # MiB


def encoded(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


EPS = encoded(Image.new("RGB", (8, 8), "red"), "EPS")
RED = Image.new("RGB", (64, 64), "red")


def iptc(payload):
    """An IPTC file, the payload of which Pillow opens as whatever it is."""

    def entry(record, number, content):
        size = struct.pack(">H", len(content)) if len(content) < 128 else b"\x84\0" + struct.pack(">L", len(content))
        return bytes((0x1C, record, number)) + size + content

    head = [(60, b"\1\0"), (20, b"\0\x08"), (30, b"\0\x08"), (120, b"\5")]
    return b"".join(entry(3, number, content) for number, content in head) + entry(8, 10, payload)


def jpeg_segment(marker, content):
    return struct.pack(">2sH", bytes((0xFF, marker)), len(content) + 2) + content


def in_jpeg(marker, *contents, image=RED):
    """A JPEG with segments in front."""
    start = encoded(image, "JPEG")
    return start[:2] + b"".join(jpeg_segment(marker, content) for content in contents) + start[2:]


def png_chunk(kind, content):
    return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))


def png(size, bits, colour, *chunks, pixels=b""):
    """A PNG of a header and chunks; the pixels may be missing."""
    header = struct.pack(">2L5B", *size, bits, colour, 0, 0, 0)
    idat = png_chunk(b"IDAT", pixels)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + b"".join(chunks) + idat + png_chunk(b"IEND", b"")


def tiff(entries, after=b"", form="<HHLL"):
    """A TIFF file of a directory; in front of it 8 bytes, after it what is given."""
    directory = b"".join(struct.pack(form, *entry) for entry in entries)
    return b"II*\0" + struct.pack("<LH", 8, len(entries)) + directory + bytes(4) + after


def with_eps(kind):
    """A file of an allowed format with an EPS wherever its format can hold something."""
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[34377], info[33723], info[700] = EPS, EPS, EPS  # Photoshop's, IPTC's and XMP data
    for tag in (34377, 33723, 700):
        info.tagtype[tag] = 7
    options = {
        "PNG": {"exif": b"Exif\0\0" + EPS, "icc_profile": EPS},
        "JPEG": {"exif": b"Exif\0\0" + EPS, "comment": EPS, "icc_profile": EPS, "xmp": EPS},
        "WEBP": {"exif": b"Exif\0\0" + EPS, "icc_profile": EPS, "xmp": EPS},
        "GIF": {"comment": EPS[:200]},
        "TIFF": {"tiffinfo": info},
    }
    return encoded(RED, kind, **options.get(kind, {})) + EPS


@pytest.fixture
def started(tmp_path, monkeypatch):
    """Whether a program named ``gs`` was started, which is first on the path."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("gs", "djpeg", "convert"):
        (programs / name).write_text(f"#!/bin/sh\ntouch {programs}/started\n")
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # whether there is one is remembered
    return (programs / "started").exists


def test_the_fake_ghostscript_would_be_started(tmp_path, started):
    (tmp_path / "x.iim").write_bytes(iptc(EPS))
    with Image.open(tmp_path / "x.iim") as image, suppress(OSError):
        image.load()
    assert started()


@pytest.mark.parametrize("name", ["x.iim", "x.png", "x.tif", "x.jpg", "x.eps", "x"])
@pytest.mark.parametrize("content", [iptc(EPS), EPS, iptc(iptc(EPS))], ids=["iptc", "eps", "iptc in iptc"])
@pytest.mark.parametrize("stream", [False, True])
def test_no_file_starts_ghostscript(tmp_path, started, name, content, stream):
    folder = tmp_path / "data"
    folder.mkdir()
    RED.save(folder / "good.png")
    (folder / name).write_bytes(content)
    data = load(str(folder), stream=stream, workers=0)
    assert data.notes[0].startswith(f"skipped 1 of 2 files: {name} (")
    assert not started()


@pytest.mark.parametrize("kind", FORMATS)
def test_nothing_nested_starts_ghostscript(tmp_path, started, kind):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "x").write_bytes(with_eps(kind))
    RED.save(folder / "good.png")
    assert len(load(str(folder), stream=False).images) == 2
    assert not started()


def test_several_jpegs_in_one_file(tmp_path, started):
    RED.save(tmp_path / "x.mpo", save_all=True, append_images=[RED])
    content = (tmp_path / "x.mpo").read_bytes()
    second = content.index(b"\xff\xd8", 100)
    (tmp_path / "y.mpo").write_bytes(content[:second] + EPS)
    assert len(load(str(tmp_path), strict=False).images) == 2
    assert not started()


@pytest.mark.parametrize("content", [iptc(EPS), EPS], ids=["iptc", "eps"])
def test_images_of_a_dataset_that_are_not_loaded_yet(tmp_path, started, content):
    (tmp_path / "x").write_bytes(content)
    with pytest.raises(DataError, match=r"mine: item 0: an image in format (IPTC|EPS), not loaded yet; allowed: PNG"):
        ImageData.from_dataset([Image.open(tmp_path / "x")], name="mine")
    assert not started()
    RED.save(tmp_path / "x.ico")
    assert len(ImageData.from_dataset([Image.open(tmp_path / "x.ico").convert("RGB")], name="mine").images) == 1


@pytest.mark.parametrize("kind", ["AVIF", "ICO", "JPEG2000"])
def test_formats_that_are_not_read_are_named(tmp_path, kind):
    Image.init()
    if kind not in Image.SAVE:
        pytest.skip("not part of this Pillow")
    (tmp_path / "x.img").write_bytes(encoded(RED, kind))
    with pytest.raises(DataError, match=rf"holds no image: x\.img \({kind}, a format that is not read\)"):
        load(str(tmp_path))


LARGE = png((9380, 9380), 16, 6)
TEXT = zlib.compress(bytes(MIB - 1))
ASTRAL = zlib.compress(("\U0001f600" + "a" * (MIB - 5)).encode())
OVERLAPPING = [(tag, 7, 2 * MIB, 0) for tag in range(1000, 3000)]
SIZES = [(256, 4, 1, 8), (257, 4, 1, 8), (258, 3, 1, 8), (262, 3, 1, 1)]
TILE = [(322, 4, 1, 2**15), (323, 4, 1, 2**15), (324, 4, 1, 400), (325, 4, 1, 9000)]
EXIF_NUMBERS = b"Exif\0\0" + tiff([(0x011A, 5, 2 * MIB // 8, 8), (0x0112, 3, MIB, 8)])


def exif_in_pieces():
    start = EXIF_NUMBERS + bytes(60_000 - len(EXIF_NUMBERS))
    return in_jpeg(0xE1, start, *[b"Exif\0\0" + bytes(60_000)] * 400)


ATTACKS = {
    "a large one": (lambda: LARGE, "decoding it takes 671 MiB of memory, allowed: 512 MiB"),
    "more pixels than Pillow allows": (lambda: png((30_000, 30_000), 8, 2), "pixels, perhaps a decompression bomb"),
    "compressed text": (
        lambda: png((8, 8), 8, 0, *(png_chunk(b"zTXt", b"k%d\0\0" % i + TEXT) for i in range(60))),
        "Too much memory used in text chunks",
    ),
    "compressed text of wide characters": (
        lambda: png((8, 8), 8, 0, *(png_chunk(b"iTXt", b"k%d\0\1\0\0\0" % i + ASTRAL) for i in range(60))),
        "Too much memory used in text chunks",
    ),
    "a compressed profile": (
        lambda: png((8, 8), 8, 0, png_chunk(b"iCCP", b"p\0\0" + zlib.compress(bytes(200 * MIB), 1))),
        "too large",
    ),
    "Exif data in many pieces": (exif_in_pieces, "more than 8 MiB come before its pixels"),
    "tags that lie on each other": (
        lambda: tiff([*SIZES, *OVERLAPPING], bytes(3 * MIB)),
        "its tags announce 4194316 bytes",
    ),
    "tags of many numbers": (lambda: tiff([*SIZES, (273, 4, MIB, 300)], bytes(5 * MIB)), "its tags announce 4194"),
    "a chunk of more than the file": (
        lambda: png((8, 8), 8, 0).replace(png_chunk(b"IDAT", b""), struct.pack(">L", 2**31 - 1) + b"IDAT" + bytes(9)),
        "broken data stream",
    ),
    "a large tile": (
        lambda: tiff([*SIZES, (259, 3, 1, 8), *TILE], bytes(10_000)),
        "decoding it takes 1024 MiB of memory, allowed: 512 MiB",
    ),
    "a large strip": (
        lambda: tiff([(256, 4, 1, 18_000), (257, 4, 1, 18_000), *SIZES[2:], (259, 3, 1, 8), (273, 4, 1, 400)], b"."),
        "decompression bomb",
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_memory(tmp_path, confined, attack):
    make, reason = ATTACKS[attack]
    content = make()
    (tmp_path / "x").write_bytes(content)
    RED.save(tmp_path / "good.png")
    ended = confined(tmp_path, stream=False)
    assert ended.message is None
    assert ended.notes[0].startswith("skipped 1 of 2 files: x (")
    assert reason in ended.notes[0]
    assert ended.mib < SMALL + 2 * len(content) / MIB


def jpeg_in_scans(progressive):
    image = Image.new("L", (9000, 9000))
    return encoded(image.convert("CMYK") if progressive else image, "JPEG", progressive=progressive)


@pytest.mark.slow
def test_memory_of_progressive_jpegs(tmp_path, confined):
    (tmp_path / "a.jpg").write_bytes(jpeg_in_scans(progressive=True))
    (tmp_path / "b.jpg").write_bytes(jpeg_in_scans(progressive=False))
    ended = confined(tmp_path, stream=False)
    assert ended.count == 1
    assert "a.jpg (decoding it takes 632 MiB" in ended.notes[0]
    assert ended.mib < SMALL


@pytest.mark.parametrize(
    ("mode", "kind", "options", "mib"),
    [
        ("RGB", "PNG", {}, 48),
        ("RGBA", "PNG", {}, 96),
        ("L", "PNG", {}, 12),
        ("P", "PNG", {"transparency": 0}, 12 + 48),
        ("I;16", "PNG", {}, 24 + 12),
        ("F", "TIFF", {}, 48 + 12),
        ("RGB", "TIFF", {"compression": "tiff_deflate"}, 48 + 36),
        ("RGB", "WEBP", {"lossless": True, "method": 0}, 48 + 192),
        ("RGB", "JPEG", {}, 48),
        ("RGB", "JPEG", {"progressive": True}, 72 + 48),
        ("P", "GIF", {}, 24 + 48),
        ("P", "BMP", {}, 12 + 48),
        ("L", "PPM", {}, 12),
        ("RGB", "TGA", {"compression": "tga_rle"}, 48),
    ],
)
def test_large_images_take_what_is_counted_for_them(tmp_path, confined, mode, kind, options, mib):
    size = (4096, 3072)  # 12 MiB of pixels
    Image.new(mode, size).save(tmp_path / "x", kind, **options)
    ended = confined(tmp_path, stream=False, image_size=1024)
    assert ended.count == 1, ended.message
    assert ended.mib < mib + SMALL


def test_threads_share_the_allowance(tmp_path, monkeypatch):
    monkeypatch.setattr("infogan_fast.data.decoding.memory.ALLOWANCE", 100 * MIB)
    now, most = [], []

    def decode(number):
        with reserved(tmp_path, 40 * MIB):
            now.append(number)
            most.append(len(now))
            time.sleep(0.01)
            now.remove(number)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, range(8)))
    assert max(most) == 2
    assert len(most) == 8


def test_a_large_image_where_little_memory_is_free_ends_the_load(tmp_path, monkeypatch):
    Image.new("RGBA", (4096, 3072)).save(tmp_path / "x.png")
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 100 * MIB)
    for stream in (False, True):
        with pytest.raises(DataError, match=r"x\.png: its images need 0\.141 GiB of memory, allowed: half"):
            load(str(tmp_path), stream=stream, workers=0)


def test_only_the_first_frame_is_decoded(tmp_path, confined):
    frames = [Image.new("RGB", (512, 512), (i, 90, 200)) for i in range(60)]
    for kind in ("GIF", "PNG", "WEBP", "TIFF"):
        frames[0].save(tmp_path / f"x.{kind}", kind, save_all=True, append_images=frames[1:])
    ended = confined(tmp_path, stream=False)
    assert ended.count == 4
    assert ended.mib < SMALL


def test_a_long_comment_takes_no_long_time(tmp_path, confined):
    content = encoded(Image.new("P", (8, 8)), "GIF")
    comment = b"!\xfe" + b"\xff" + (bytes(255) + b"\xff") * 30_000
    comment = comment[:-1] + b"\0"
    at = content.index(b",")
    (tmp_path / "x.gif").write_bytes(content[:at] + comment + content[at:])
    assert confined(tmp_path, stream=False).mib < SMALL + 16


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("kind", ["short", "long", "far"])
def test_orientation_as_pillow_reads_it(tmp_path, order, kind):
    """Whatever integers the tag is of; the first of the two corners shows it."""
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}LH", 8, 2)
    value = {"short": struct.pack(f"{order}2H", 6, 0), "long": struct.pack(f"{order}L", 6)}.get(kind)
    tag = {"short": (3, 1), "long": (4, 1), "far": (3, 3)}[kind]
    first = struct.pack(f"{order}HHLL", 0x0100, 4, 1, 8)
    entry = struct.pack(f"{order}HHL", 0x0112, *tag) + (value or struct.pack(f"{order}L", 38))
    exif = b"Exif\0\0" + head + first + entry + bytes(4) + struct.pack(f"{order}3H", 6, 0, 0)
    image = Image.new("L", (16, 16))
    image.paste(255, (0, 0, 8, 8))
    image.save(tmp_path / "x.png", exif=exif)
    assert load(str(tmp_path), image_size=16).images[0, 0, 0, -1] == 255


@pytest.mark.parametrize("key", ["XML:com.adobe.xmp", "Raw profile type exif"])
def test_orientation_elsewhere_in_png(tmp_path, key):
    from PIL import ImageOps, PngImagePlugin

    exif = Image.Exif()
    exif[0x0112] = 6
    texts = PngImagePlugin.PngInfo()
    content = exif.tobytes()
    text = '<x tiff:Orientation="6"/>' if "xmp" in key else f"\nexif\n{len(content):8}\n{content.hex()}\n"
    (texts.add_itxt if "xmp" in key else texts.add_text)(key, text)
    image = Image.new("L", (16, 16))
    image.paste(255, (0, 0, 8, 8))
    image.save(tmp_path / "x.png", pnginfo=texts)
    with Image.open(tmp_path / "x.png") as opened:
        expected = np.asarray(ImageOps.exif_transpose(opened))
    np.testing.assert_array_equal(load(str(tmp_path), image_size=16).images[0, 0], expected)
    assert expected[0, -1] == 255


def test_settings_of_pillow_are_as_before(tmp_path):
    from PIL import PngImagePlugin

    before = PngImagePlugin.MAX_TEXT_MEMORY, ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    RED.save(tmp_path / "x.png")
    load(str(tmp_path))
    assert before == (PngImagePlugin.MAX_TEXT_MEMORY, ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS)


@pytest.mark.parametrize("colour", [0, 3])
def test_a_column_of_pixels_takes_a_pointer_for_each(tmp_path, confined, colour):
    palette, pixels = png_chunk(b"PLTE", bytes(6)), zlib.compress(bytes(1000))
    (tmp_path / "tall.png").write_bytes(png((1, 80_000_000), 8, colour, palette, pixels=pixels))
    (tmp_path / "good.png").write_bytes(png((1, 1), 8, 0, pixels=zlib.compress(bytes(2))))
    ended = confined(tmp_path, stream=False)
    assert "tall.png (decoding it takes" in ended.notes[0]
    assert ended.mib < SMALL + 16
