"""Sprites: what is drawn where, what is the same and what is not."""

import hashlib

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError
from infogan_fast.data.sprites import COMBINATIONS, FACTOR_NAMES, FACTOR_SIZES, FACTORS, render
from infogan_fast.data.sprites.masks import SCALES_IN_TENTHS, SHAPES, sprite_masks
from infogan_fast.data.sprites.sheet import sprite_sheet

SQUARE, ELLIPSE, HEART = range(3)


def every_sprite(x=15, y=15):
    """Indices of all shapes, scales and rotations at one position: ``[720, 5]``."""
    return torch.cartesian_prod(*map(torch.arange, FACTOR_SIZES[:3]), torch.tensor([x]), torch.tensor([y]))


def at(shape=HEART, scale=5, rotation=0, x=15, y=15):
    return render(torch.tensor([[shape, scale, rotation, x, y]]))[0, 0]


def brute_force(shape, scale, rotation, x, y, samples=32):
    """The image from the shapes' definitions in the complex plane, in float64, with 32x32 points per pixel."""
    points = (np.arange(64 * samples) + 0.5) / samples
    centre = FACTORS[3].values[x] - 1j * FACTORS[4].values[y]
    z = (points[None, :] - 1j * points[:, None] - centre) * np.exp(-1j * FACTORS[2].values[rotation])
    z /= FACTORS[1].values[scale]
    if shape == SQUARE:  # side 20
        inside = (abs(z.real) <= 10) & (abs(z.imag) <= 10)
    elif shape == ELLIPSE:  # area 400, axes 8 to 5: the sum of the distances from its foci
        major = np.sqrt(400 / np.pi * 8 / 5)
        focus = major * np.sqrt(1 - (5 / 8) ** 2)
        inside = abs(z - focus) + abs(z + focus) <= 2 * major
    else:  # area 400: the square on its corner and two half discs, shifted to its centre of mass
        r = np.sqrt(400 / (4 + np.pi))
        w = z * np.exp(-1j * np.pi / 4) + r * (np.pi / 2 + 2 / 3) / (4 + np.pi) * (1 + 1j)
        inside = (abs(w.real) <= r) & (abs(w.imag) <= r)
        inside |= (abs(w - r) <= r) | (abs(w - 1j * r) <= r)
    return 255 * inside.reshape(64, samples, 64, samples).mean(axis=(1, 3))


@pytest.mark.parametrize(
    "indices",
    [
        (SQUARE, 5, 0, 15, 15),
        (SQUARE, 3, 4, 0, 31),
        (ELLIPSE, 5, 7, 31, 0),
        (HEART, 5, 0, 16, 9),
        (HEART, 0, 33, 3, 20),
    ],
)
def test_against_the_shapes_definitions(indices):
    difference = at(*indices).double().numpy() - brute_force(*indices)
    assert abs(difference).max() < 255 / 8  # an edge along the samples: less than half of one in eight, on two sides
    assert abs(difference).mean() < 0.1


def test_same_bits_everywhere():
    assert (
        hashlib.sha256(sprite_masks().tobytes()).hexdigest()
        == "0c386aab20979dc070239fac38e1c8bda8323d70a7f6232827653e41855a3ca7"
    )
    images = render(torch.tensor([[0, 0, 0, 0, 0], [1, 2, 7, 31, 3], [2, 5, 39, 16, 31]]))
    assert (
        hashlib.sha256(images.numpy().tobytes()).hexdigest()
        == "bbd1ee2f9f3be56f94847b2c5e20612e54f84abd46145f80130c5e6d39bb3635"
    )


def test_factors():
    assert FACTOR_NAMES == ("shape", "scale", "rotation", "x", "y")
    assert FACTOR_SIZES == (3, 6, 40, 32, 32)
    assert COMBINATIONS == 737_280
    assert FACTORS[0].values == ("square", "ellipse", "heart")
    assert FACTORS[1].values == (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)


def test_shape_dtype_and_layout():
    images = render(every_sprite())
    assert images.shape == (720, 1, 64, 64)
    assert images.dtype == torch.uint8
    assert images.is_contiguous()
    assert images.amax(dim=(1, 2, 3)).eq(255).all()
    assert render(torch.zeros(0, 5, dtype=torch.int64)).shape == (0, 1, 64, 64)


def test_images_can_be_written_to():
    at()[:] = 7
    assert at().max() == 255


@pytest.mark.parametrize(("x", "y"), [(0, 0), (31, 0), (0, 31), (31, 31), (11, 22)])
def test_centre_of_mass_is_at_x_and_y_and_no_sprite_touches_the_border(x, y):
    images = render(every_sprite(x, y))[:, 0].double()
    mass, points = images.sum(dim=(1, 2)), torch.arange(64, dtype=torch.float64) + 0.5
    across = (images.sum(dim=1) * points).sum(dim=1) / mass
    down = (images.sum(dim=2) * points).sum(dim=1) / mass
    assert (across - FACTORS[3].values[x]).abs().max() < 0.05
    assert (down - FACTORS[4].values[y]).abs().max() < 0.05
    border = torch.ones(64, 64, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert images[:, border].max() == 0


def test_translation_moves_every_pixel():
    assert torch.equal(at(x=20, y=4), at(x=13, y=9).roll((-5, 7), dims=(0, 1)))


def test_area_is_400_times_the_scale_squared():
    areas = render(every_sprite()).double().sum(dim=(1, 2, 3)).reshape(3, 6, 40) / 255
    expected = torch.tensor([4.0 * tenths**2 for tenths in SCALES_IN_TENTHS], dtype=torch.float64)
    errors = (areas / expected[:, None] - 1).abs()
    assert errors.max() < 0.012  # where straight edges lie along the samples, as the heart's after an eighth of a turn
    assert errors.mean() < 0.001


@pytest.mark.parametrize(("shape", "period"), [(SQUARE, 10), (ELLIPSE, 20), (HEART, 40)])
def test_symmetries(shape, period):
    assert list(SHAPES.values())[shape].period == period
    same = [k for k in range(40) if torch.equal(at(shape, 3, 3), at(shape, 3, (3 + k) % 40))]
    assert same == list(range(0, 40, period))


@pytest.mark.parametrize("shape", [SQUARE, ELLIPSE, HEART])
def test_a_quarter_turn_turns_the_image_anticlockwise(shape):
    for rotation in (0, 3):
        first, turned = (at(shape, rotation=r)[16:47, 16:47] for r in (rotation, rotation + 10))
        assert torch.equal(turned, first.rot90())


def test_an_upright_heart_is_symmetric_with_its_tip_below():
    heart = at(HEART)[16:47, 16:47]
    assert torch.equal(heart, heart.flip(1))
    rows = [row for row in heart if row.any()]
    assert rows[0].count_nonzero() > 2 * rows[-1].count_nonzero()


def test_no_two_images_are_equal_but_by_symmetry():
    """Images are masks at whole-pixel positions: equal ones would have equal masks, cut to what is not black."""
    cut = set()
    for of_shape, shape in zip(sprite_masks(), SHAPES.values(), strict=True):
        for mask in of_shape[:, : shape.period].reshape(-1, 31, 31):
            rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
            part = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
            cut.add((part.shape, part.tobytes()))
    assert len(cut) == 6 * (10 + 20 + 40)


def test_no_two_images_of_a_grid_are_equal():
    values = [range(3), (0, 5), (0, 1, 5, 9), (0, 1, 16, 31), (0, 1, 16, 31)]
    images = render(torch.cartesian_prod(*map(torch.tensor, map(list, values))))
    assert len(images.flatten(1).unique(dim=0)) == len(images) == 3 * 2 * 4 * 4 * 4


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        (torch.zeros(2, 4, dtype=torch.int64), r"int64 \[N, 5\] \(shape, scale, .*got torch.int64 \[2, 4\]"),
        (torch.zeros(5, dtype=torch.int64), r"got torch.int64 \[5\]"),
        (torch.zeros(2, 5), r"got torch.float32 \[2, 5\]"),
        (torch.tensor([[0, 0, 0, 0, 0], [0, 6, 0, 0, 0]]), "scale of row 1: got 6, allowed: 0 to 5"),
        (torch.tensor([[0, 0, -1, 0, 0]]), "rotation of row 0: got -1, allowed: 0 to 39"),
        (torch.tensor([[0, 0, 0, 32, 0]]), "x of row 0: got 32, allowed: 0 to 31"),
    ],
)
def test_wrong_indices(indices, message):
    with pytest.raises(DataError, match=message):
        render(indices)


def test_sheet():
    sheet = sprite_sheet()
    assert sheet.shape == (3 * 66 + 2, 16 * 66 + 2)
    assert torch.equal(sheet[134:198, 200:264], at(HEART, x=16, y=16))  # third row, fourth column: scale, last value
