"""Image files of every mode and format to squares of grey or RGB."""

import io

import numpy as np
import pytest

pytest.importorskip("PIL")

from PIL import Image

from infogan_fast.data.decoding.pillow import grey_or_rgb, read_square

RED, GREEN, WHITE = (255, 0, 0), (0, 255, 0), (255, 255, 255)


def saved(path, image, **options):
    image.save(path, **options)
    return path


def flat(mode, colour, size=(8, 8)):
    return Image.new(mode, size, colour)


def assert_flat(pixels, colour, tolerance=0):
    assert len(pixels) == len(colour)
    expected = np.broadcast_to(np.reshape(colour, (-1, 1, 1)), pixels.shape)
    np.testing.assert_allclose(pixels.astype(int), expected, atol=tolerance)


@pytest.mark.parametrize(
    ("mode", "colour", "name", "expected", "tolerance"),
    [
        ("1", 1, "a.png", [255], 0),
        ("L", 90, "a.png", [90], 0),
        ("RGB", (9, 90, 200), "a.png", [9, 90, 200], 0),
        ("RGB", (90, 90, 90), "a.png", [90], 0),
        ("RGB", (9, 90, 200), "a.webp", [9, 90, 200], 6),
        ("RGB", (9, 90, 200), "a.gif", [9, 90, 200], 0),
        ("RGB", (9, 90, 200), "a.bmp", [9, 90, 200], 0),
        ("RGB", (9, 90, 200), "a.jpg", [9, 90, 200], 3),
        ("YCbCr", (128, 128, 128), "a.jpg", [128], 0),
        ("CMYK", (0, 255, 255, 0), "a.jpg", RED, 3),
        ("CMYK", (0, 255, 255, 0), "a.tif", RED, 0),
        ("I;16", 257 * 90, "a.png", [90], 0),
        ("I;16", 65535, "a.tif", [255], 0),
        ("I", 257 * 90, "a.tif", [90], 0),
        ("F", 0.2, "a.tif", [51], 0),
        ("LA", (0, 51), "a.png", [204], 0),
        ("RGBA", (255, 0, 0, 0), "a.png", [255], 0),
        ("RGBA", (255, 0, 0, 51), "a.png", [255, 204, 204], 0),
    ],
)
def test_modes(tmp_path, mode, colour, name, expected, tolerance):
    assert_flat(read_square(saved(tmp_path / name, flat(mode, colour)), 4, None), expected, tolerance)


def test_palette_with_transparency(tmp_path):
    image = Image.new("P", (8, 8), 0)
    image.putpalette([*RED, *GREEN])
    image.paste(1, (4, 0, 8, 8))
    opaque = read_square(saved(tmp_path / "a.png", image), 8, None)
    assert_flat(opaque[:, :, :4], RED)
    assert_flat(opaque[:, :, 4:], GREEN)
    for transparency in (1, b"\xff\x00"):
        pixels = read_square(saved(tmp_path / "b.png", image, transparency=transparency), 8, None)
        assert_flat(pixels[:, :, :4], RED)
        assert_flat(pixels[:, :, 4:], WHITE)


def test_a_transparent_grey_or_colour_in_png(tmp_path):
    path = saved(tmp_path / "a.png", flat("L", 7), transparency=7)
    assert_flat(read_square(path, 4, None), [255])
    path = saved(tmp_path / "b.png", flat("RGB", RED), transparency=RED)
    assert_flat(read_square(path, 4, 3), WHITE)


@pytest.mark.parametrize("mode", ["La", "RGBa", "PA"])
def test_modes_that_no_format_keeps(mode):
    image = flat({"La": "LA", "RGBa": "RGBA", "PA": "P"}[mode], 0).convert(mode)
    assert grey_or_rgb(image).mode == ("L" if mode == "La" else "RGB")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(tmp_path, orientation):
    """A camera's file whose image, shown upright, is red at the top left."""
    shown = np.zeros((16, 16, 3), dtype=np.uint8)
    shown[:8, :8], shown[:8, 8:] = RED, GREEN
    undo = {2: [1], 3: [0, 1], 4: [0], 5: ["T"], 6: ["T", 0], 7: [0, 1, "T"], 8: ["T", 1]}.get(orientation, [])
    stored = shown
    for step in undo:
        stored = stored.transpose(1, 0, 2) if step == "T" else np.flip(stored, axis=step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path / "a.png", Image.fromarray(np.ascontiguousarray(stored)), exif=exif)
    np.testing.assert_array_equal(read_square(path, 16, None), shown.transpose(2, 0, 1))


def test_the_centre_is_cropped_and_channels_are_as_asked(tmp_path):
    image = flat("RGB", GREEN, (30, 10))
    image.paste(RED, (10, 0, 20, 10))
    path = saved(tmp_path / "wide.png", image)
    assert_flat(read_square(path, 10, None), RED)
    assert_flat(read_square(path, 10, 1), [76])
    assert_flat(read_square(saved(tmp_path / "grey.png", flat("L", 90, (10, 30))), 20, 3), [90] * 3)


def test_downsizing_takes_every_pixel_into_account(tmp_path):
    checks = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    assert_flat(read_square(saved(tmp_path / "a.png", Image.fromarray(checks)), 16, None), [127.5], 2)
    # Decoded at an eighth of its size, a JPEG is the same image within rounding.
    smooth = Image.fromarray(np.linspace(0, 255, 512).astype(np.uint8)[None].repeat(512, 0))
    jpeg = read_square(saved(tmp_path / "a.jpg", smooth, quality=95), 16, None).astype(int)
    assert np.abs(jpeg - read_square(saved(tmp_path / "b.png", smooth), 16, None)).max() <= 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.full((4, 4), 70000, dtype=np.int32), "integers from 70000 to 70000, allowed: 0 to 65535"),
        (np.full((4, 4), 2.5, dtype=np.float32), "floating-point values from 2.5 to 2.5, allowed: 0 to 1"),
        (np.full((4, 4), np.nan, dtype=np.float32), "values from nan to nan"),
    ],
)
def test_values_without_a_known_scale(tmp_path, values, message):
    with pytest.raises(ValueError, match=message):
        read_square(saved(tmp_path / "a.tif", Image.fromarray(values)), 4, None)


def test_eps_is_not_opened_as_it_would_run_a_program(tmp_path):
    content = io.BytesIO()
    flat("RGB", RED).save(content, "EPS")
    (tmp_path / "a.png").write_bytes(content.getvalue())
    with pytest.raises(OSError, match="cannot identify"):
        read_square(tmp_path / "a.png", 4, None)
