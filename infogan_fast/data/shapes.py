"""Colour images of a disc, a cross or a triangle on a dark ground, rendered from known factors.

They are as few as a person might collect: 600 to train on, 200 of each shape. An image has 64x64 pixels. Shape,
size, rotation, place and the three channels of both colours are drawn independently and evenly, except that a shape
whose colour is too near to that of its ground gets another one.

A pixel's colour is mixed from that of the shape and that of the ground by how many of its 4x4 sample points lie in the
shape. Points, shapes and colours are integers: the only floating-point numbers are the cosines of 120 angles, which
are rounded to 16 bits at once. So the images have the same bits on every machine.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.factors import Factor, checked_columns, checked_number, number_of_images, rendered
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import check_fits
from infogan_fast.reference import philox4x32

#: Height and width of an image in pixels.
SIDE = 64

_ROTATIONS = 40
_POSITIONS = 32
_RADII = (200, 236, 272, 308, 344, 380)  # in thousandths of SIDE
_SHAPE_LEVELS = tuple(range(60, 256, 15))
_GROUND_LEVELS = tuple(range(0, 61, 10))

_FRACTION = "fraction of the way that keeps the shape a pixel away from the edges"
_FRACTIONS = tuple(k / (_POSITIONS - 1) for k in range(_POSITIONS))

#: The shapes, by label.
CLASS_NAMES = ("disc", "cross", "triangle")

#: The factors, in the order of their columns. The rotation of a disc cannot be seen; a cross is the same after a
#: quarter turn (10 rotations), a triangle after a third of one, which is no whole number of rotations.
FACTORS = (
    Factor("shape", CLASS_NAMES, "name"),
    Factor("size", tuple(radius / 1000 for radius in _RADII), "radius of the circle around the shape, in sides"),
    Factor("rotation", tuple(2.0 * math.pi * k / _ROTATIONS for k in range(_ROTATIONS)), "radians, anticlockwise"),
    Factor("x", _FRACTIONS, f"place of the circle's centre from the left, {_FRACTION}"),
    Factor("y", _FRACTIONS, f"place of the circle's centre from above, {_FRACTION}"),
    *(Factor(channel, _SHAPE_LEVELS, "the shape's, 0 to 255") for channel in ("red", "green", "blue")),
    *(Factor(f"ground {channel}", _GROUND_LEVELS, "the ground's, 0 to 255") for channel in ("red", "green", "blue")),
)
FACTOR_NAMES = tuple(factor.name for factor in FACTORS)
FACTOR_SIZES = tuple(factor.size for factor in FACTORS)

#: The number of training images of ``load("shapes")``.
TRAINING_IMAGES = 600

#: The number of held-out images, which are the same whatever the number of training images.
HELDOUT_IMAGES = 1_000

#: The largest number of training images, which take 1.2 GB.
MOST_TRAINING_IMAGES = 100_000

_LEAST_CONTRAST = 180  # between the sums of the three channels of shape and ground

_SAMPLES = 4  # per side of a pixel
_UNIT = 64  # of lengths, per pixel; sample points lie half a sample's distance from the edges of their pixels
_COSINE_UNIT = 1 << 16  # more would overflow 32 bits
_ANGLES = 3 * _ROTATIONS  # so that the three sides of a triangle have one of their own
_COSINES = tuple(round(_COSINE_UNIT * math.cos(2.0 * math.pi * k / _ANGLES)) for k in range(_ANGLES))
_DISC, _CROSS, _TRIANGLE = range(3)

Points = NDArray[np.int32]


def render(indices: Tensor) -> Tensor:
    """Render the images of some combinations of the factors.

    Args:
        indices: int64 ``[N, 11]`` on any device, the index of each of ``FACTORS``; N may be 0.

    Returns:
        uint8 ``[N, 3, 64, 64]`` on the CPU, 0 to 255: a new tensor of 12,288 bytes per image, which takes half a
        millisecond. The same bits on every machine.

    Raises:
        DataError: ``indices`` are not int64 ``[N, 11]``, or an index is out of range.
    """
    rows = checked_columns(indices, FACTORS).T
    images = np.empty((len(rows), 3, SIDE, SIDE), dtype=np.uint8)
    for image, row in zip(images, rows, strict=True):
        shape, size, rotation, x, y, *colours = row.tolist()
        covered = _covered(shape, _RADII[size], rotation, x, y)
        for channel, pixels in enumerate(image):
            light, dark = _SHAPE_LEVELS[colours[channel]], _GROUND_LEVELS[colours[3 + channel]]
            pixels[:] = (dark * _SAMPLES**2 + (light - dark) * covered + _SAMPLES**2 // 2) // _SAMPLES**2
    return torch.from_numpy(images)


def _covered(shape: int, thousandths: int, rotation: int, x: int, y: int) -> Points:
    """How many of each pixel's sample points lie in a shape: ``[64, 64]``, 0 to 16."""
    radius = thousandths * SIDE * _UNIT // 1000
    first, way = radius + _UNIT, SIDE * _UNIT - 2 * (radius + _UNIT)
    points = np.arange(SIDE * _SAMPLES, dtype=np.int32) * (_UNIT // _SAMPLES) + _UNIT // (2 * _SAMPLES)
    right = (points - (first + x * way // (_POSITIONS - 1)))[None, :]
    up = ((first + y * way // (_POSITIONS - 1)) - points)[:, None]
    if shape == _DISC:
        inside = right * right + up * up <= radius * radius
    elif shape == _CROSS:
        inside = _in_cross(right, up, radius, rotation)
    else:
        inside = _in_triangle(right, up, radius, rotation)
    counts: Points = inside.reshape(SIDE, _SAMPLES, SIDE, _SAMPLES).sum(axis=(1, 3), dtype=np.int32)
    return counts


def _in_cross(right: Points, up: Points, radius: int, rotation: int) -> NDArray[np.bool_]:
    """Whether points lie in two bars of 1.92 by 0.56 radii across each other: their corners are on the circle."""
    along = np.abs(_distance(right, up, 3 * rotation))
    across = np.abs(_distance(right, up, 3 * rotation + _ANGLES // 4))
    inside: NDArray[np.bool_] = np.maximum(along, across) <= radius * 96 // 100 * _COSINE_UNIT
    inside &= np.minimum(along, across) <= radius * 28 // 100 * _COSINE_UNIT
    return inside


def _in_triangle(right: Points, up: Points, radius: int, rotation: int) -> NDArray[np.bool_]:
    """Whether points lie in the triangle of three equal sides whose corners are on the circle, one of them up."""
    inside = np.ones((len(up), right.shape[1]), dtype=np.bool_)
    for side in range(3):
        angle = 3 * rotation - _ANGLES // 4 + side * _ANGLES // 3
        inside &= _distance(right, up, angle) <= radius // 2 * _COSINE_UNIT
    return inside


def _distance(right: Points, up: Points, angle: int) -> Points:
    """How far points are from the centre in the direction of an angle, in ``1 / (_UNIT * _COSINE_UNIT)`` pixels."""
    cosine, sine = _COSINES[angle % _ANGLES], _COSINES[(angle - _ANGLES // 4) % _ANGLES]
    distance: Points = right * np.int32(cosine) + up * np.int32(sine)
    return distance


def load_shapes(training_images: int = TRAINING_IMAGES) -> ImageData:
    """Render random images to train on and 1,000 to hold out, labelled with their shape.

    Shapes take turns, so that there are as many of each or one more. The training images of a smaller number are the
    first ones of a larger number, and none equals a held-out one.

    Args:
        training_images: 1 to ``MOST_TRAINING_IMAGES``; each is 12,288 bytes.

    Raises:
        DataError: ``training_images`` is out of range, or the images would not fit into memory.
    """
    checked_number("shapes", training_images, MOST_TRAINING_IMAGES)
    name = "shapes" if training_images == TRAINING_IMAGES else f"shapes:{training_images}"
    check_fits(name, (training_images + HELDOUT_IMAGES) * 3 * SIDE * SIDE)
    factors, heldout_factors = _drawn(training_images, part=0), _drawn(HELDOUT_IMAGES, part=1)
    return rendered(name, render, FACTORS, factors, heldout_factors)


def load_sized_shapes(name: str) -> ImageData:
    """Call ``load_shapes`` by a name such as ``shapes:6000``.

    Raises:
        DataError: as ``load_shapes``, or what follows the colon is not a number.
    """
    return load_shapes(number_of_images(name, MOST_TRAINING_IMAGES))


def _drawn(count: int, part: int) -> Tensor:
    """The factors int64 ``[count, 11]`` of a part's images, each row a function of its number and the part alone.

    Colours are drawn again, with the next counters of Philox, until shape and ground differ enough.
    """
    numbers = torch.arange(count)
    factors = torch.stack([numbers % FACTOR_SIZES[0], *_uniform(numbers, part, 0, FACTOR_SIZES[1:])], dim=1)
    light, dark = torch.tensor(_SHAPE_LEVELS), torch.tensor(_GROUND_LEVELS)
    attempt = 0
    while True:
        contrast = light[factors[:, 5:8]].sum(dim=1) - dark[factors[:, 8:]].sum(dim=1)
        pale = torch.nonzero(contrast < _LEAST_CONTRAST)[:, 0]
        if len(pale) == 0:
            return factors
        attempt += 1
        factors[pale, 5:] = torch.stack(_uniform(pale, part, attempt, FACTOR_SIZES[5:]), dim=1)


def _uniform(numbers: Tensor, part: int, attempt: int, sizes: tuple[int, ...]) -> list[Tensor]:
    """A random index of each factor for each image: int64 ``[N]``, one for each of ``sizes``."""
    zero = torch.zeros((), dtype=torch.int64)
    words: list[Tensor] = []
    for block in range(-(-len(sizes) // 4)):
        counter = (numbers, zero + block, zero + attempt, zero + part)
        words += philox4x32(counter, (zero, zero + 1))
    return [word * size >> 32 for word, size in zip(words, sizes, strict=False)]
