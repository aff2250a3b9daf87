"""A folder with one image file."""

import io
import re
import struct
import zlib

import numpy as np
from harness import Target
from PIL import Image

from fuzz_targets.placing import assert_images, write
from infogan_fast.data import load

#: Pillow asks for as many bytes as a chunk announces, up to 4 GiB, of which it uses those that are there.
_ADDRESS_SPACE = 6 << 30
#: What libtiff says of a damaged file, on standard error.
_OF_LIBTIFF = re.compile(rb"(?:\w+: [ -~]*\n)+")

_FOLDER, _NAME = "images", "picture"
_PNG = b"\x89PNG\r\n\x1a\n"
_SIZES = (0, 1, 2, 8, 255, 9000, 65535, 65536, 2**31 - 1, 2**31, 2**32 - 1)


def _place(content, folder):
    return write(folder / _FOLDER / _NAME, content)


def _read(path):
    data = load(str(path.parent), image_size=8, stream=False)
    assert_images(data)
    streamed = load(str(path.parent), image_size=8, stream=True, workers=0)
    assert streamed.images.shape == data.images.shape
    assert bool((streamed.images.read([0]) == data.images).all())


def _honest_size(path):
    """Of the pixels as they are stored, four bytes each, or two for each channel of 16 bits."""
    try:
        with Image.open(path) as image:
            return image.width * image.height * 4
    except Exception:  # not an image
        return 0


def encoded(image, image_format, **options):
    """A picture as a file of a format."""
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def png_chunks(content):
    """``(type, data)`` of a PNG file's chunks, as far as there are whole ones."""
    at, chunks = len(_PNG), []
    while len(content) >= at + 12:
        (size,) = struct.unpack_from(">I", content, at)
        chunks.append((content[at + 4 : at + 8], content[at + 8 : at + 8 + size]))
        at += 12 + size
    return chunks


def png_bytes(chunks):
    """A PNG file with the right checksums."""
    parts = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    return _PNG + b"".join(parts)


def _seeds():
    grey = Image.fromarray(np.arange(9 * 12, dtype=np.uint8).reshape(9, 12))
    colour = Image.merge("RGB", (grey, grey.point(lambda v: 255 - v), grey))
    deep = Image.fromarray(np.arange(9 * 12, dtype=np.uint16).reshape(9, 12) * 600)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    return {
        "grey.png": encoded(grey, "PNG"),
        "colour.png": encoded(colour, "PNG"),
        "alpha.png": encoded(colour.convert("RGBA"), "PNG"),
        "palette.png": encoded(colour.convert("P"), "PNG", transparency=0),
        "deep.png": encoded(deep, "PNG"),
        "one-bit.png": encoded(grey.convert("1"), "PNG"),
        "colour.jpg": encoded(colour, "JPEG", exif=exif, quality=50),
        "progressive.jpg": encoded(grey, "JPEG", progressive=True, quality=50),
        "palette.gif": encoded(colour, "GIF"),
        "colour.bmp": encoded(colour, "BMP"),
        "colour.ppm": encoded(colour, "PPM"),
        "colour.tif": encoded(colour, "TIFF"),
        "deflate.tif": encoded(colour, "TIFF", compression="tiff_deflate"),
        "deep.tif": encoded(deep, "TIFF"),
        "colour.webp": encoded(colour, "WEBP"),
    }


def _damaged():
    seeds = _seeds()
    (header, data), *rest = png_chunks(seeds["grey.png"])
    huge, large = struct.pack(">2I", 2**31 - 1, 2**31 - 1), struct.pack(">2I", 13000, 13000)
    eps = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n9 9 moveto\nshowpage\n%%EOF\n"
    tiff = seeds["deflate.tif"]
    return {
        "iptc-with-postscript-in-it": iptc_bytes(eps),
        "iptc-with-an-image-in-it": iptc_bytes(seeds["grey.png"]),
        "postscript": eps,
        "png-of-2-to-the-31-squared": png_bytes([(header, huge + data[8:]), *rest]),
        "png-of-13000-squared": png_bytes([(header, large + data[8:]), *rest]),
        "png-whose-pixels-announce-4-GiB": seeds["grey.png"].replace(
            struct.pack(">I", len(rest[0][1])) + b"IDAT", struct.pack(">I", 2**32 - 9) + b"IDAT", 1
        ),
        "png-without-pixels": png_bytes([(header, bytes(8) + data[8:]), *rest]),
        "png-cut-off": seeds["colour.png"][:50],
        "png-with-a-text-of-80-MiB": png_bytes([(header, data), (b"zTXt", b"a\0\0" + _zeros(80 << 20)), *rest]),
        "tiff-with-a-wrong-checksum": tiff.replace(tiff[8:16], bytes(8), 1),
        "jpeg-cut-off": seeds["colour.jpg"][:400],
        "gif-cut-off": seeds["palette.gif"][:-30],
        "empty": b"",
    }


def iptc_bytes(content):
    """An IPTC file of one image, 9 pixels square, whose data are another file."""
    fields = [((3, 60), b"\1\0"), ((3, 65), b"\1"), ((3, 20), b"\0\x09"), ((3, 30), b"\0\x09"), ((3, 120), b"\5")]
    fields.append(((8, 10), content))
    return b"".join(b"\x1c" + bytes(tag) + struct.pack(">H", len(data)) + data for tag, data in fields)


def _zeros(count):
    return zlib.compress(bytes(count))


def _mutate(content, random, raw):
    chunks = png_chunks(content) if content.startswith(_PNG) else []
    if not chunks or random.random() < 0.2:
        return raw(content)
    at = random.randrange(len(chunks))
    kind, data = chunks[at]
    match random.randrange(6):
        case 0:
            del chunks[at]
        case 1:
            chunks.insert(random.randrange(len(chunks) + 1), (kind, data))
        case 2 if kind == b"IHDR" and len(data) == 13:
            sides = [random.choice(_SIZES) for _ in range(2)]
            chunks[at] = (kind, struct.pack(">2I", *sides) + data[8:])
        case 3:
            kinds = (b"tRNS", b"PLTE", b"iTXt", b"zTXt", b"tEXt", b"eXIf", b"acTL", b"fcTL", b"iCCP", b"pHYs", b"IEND")
            chunks.insert(1, (random.choice(kinds), raw(data) if data else b"x"))
        case _:
            chunks[at] = (kind, _mutate_chunk(kind, data, random, raw))
    return png_bytes(chunks)


def _mutate_chunk(kind, data, random, raw):
    if kind == b"IDAT" and random.random() < 0.7:
        return zlib.compress(raw(zlib.decompressobj().decompress(data, 1 << 20)), 1)
    return raw(data) if data else b"x"


TARGET = Target(
    "image",
    _place,
    _read,
    _seeds,
    _damaged,
    _mutate,
    max_length=32_000,
    honest_size=_honest_size,
    address_space=_ADDRESS_SPACE,
    printed=_OF_LIBTIFF,
)
