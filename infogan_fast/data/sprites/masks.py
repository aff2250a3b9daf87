"""The shapes of ``sprites`` as grey masks, one for each shape, scale and rotation.

A pixel's grey is the number of its 8x8 sample points that lie in the shape. Points and shapes are integers from the
start: the only floating-point numbers are the cosines of 40 angles, which are rounded to 18 bits at once, and none of
which is so near to a tie that the last bit of a mathematical library could decide it. So the masks have the same bits
on every machine.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

#: The lengths of the shapes at each scale, in tenths of those at the largest.
SCALES_IN_TENTHS = (5, 6, 7, 8, 9, 10)

#: The number of rotations in a full turn.
ROTATIONS = 40

#: Height and width of a mask in pixels. Odd, so that the centre of a sprite is the centre of a pixel.
MASK_SIDE = 31

_SAMPLES = 8  # per side of a pixel
_POINTS_PER_PIXEL = 2 * _SAMPLES  # unit of the sample points: they lie half a sample's distance from their edges
_COSINE_UNIT = 1 << 18  # more would overflow the squares of 64 bits
_COSINES = tuple(round(_COSINE_UNIT * math.cos(2.0 * math.pi * k / ROTATIONS)) for k in range(ROTATIONS))

# Lengths at the largest scale in thousandths of a pixel. Every shape has an area of 400 pixels, so that the area tells
# the scale and nothing of the shape. The square's edges fall between sample points at every scale.
_HALF_SIDE = 10_000
_SEMI_MAJOR_AXIS = 14_273
_HALF_DIAGONAL = 10_584

Coordinates = NDArray[np.int64]
Inside = NDArray[np.bool_]


def _length(thousandths: int, tenths: int) -> int:
    """A length at a scale, in the unit of the coordinates."""
    return thousandths * tenths * _POINTS_PER_PIXEL * _COSINE_UNIT // 10_000


def _in_square(u: Coordinates, v: Coordinates, tenths: int) -> Inside:
    inside: Inside = np.maximum(np.abs(u), np.abs(v)) <= _length(_HALF_SIDE, tenths)
    return inside


def _in_ellipse(u: Coordinates, v: Coordinates, tenths: int) -> Inside:
    """Whether points lie in an ellipse with axes 8 to 5, the long one along u."""
    inside: Inside = 25 * u * u + 64 * v * v <= 25 * _length(_SEMI_MAJOR_AXIS, tenths) ** 2
    return inside


def _in_heart(u: Coordinates, v: Coordinates, tenths: int) -> Inside:
    """Whether points lie in a square on its corner with discs over its upper sides, about its centre of mass."""
    half = _length(_HALF_DIAGONAL, tenths)
    # (pi / 2 + 2 / 3) / (4 + pi) of half a side: from the square's centre to the heart's, along either side.
    offset = half * 3133 // 10_000
    p, q = v + u + offset, v - u + offset  # along the square's sides, in which it reaches from -half to half
    square: Inside = np.maximum(np.abs(p), np.abs(q)) <= half
    discs: Inside = np.minimum((p - half) ** 2 + q * q, (q - half) ** 2 + p * p) <= half * half
    return square | discs


class Shape(NamedTuple):
    """A shape, and the smallest turn after which it looks the same."""

    inside: Callable[[Coordinates, Coordinates, int], Inside]
    """Whether points lie in it, from their u (right) and v (up) in its own frame, and the scale in tenths."""
    period: int
    """The number of rotations after which it is the same; ``ROTATIONS`` is a full turn."""


#: The shapes by name, in the order of the factor.
SHAPES = {
    "square": Shape(_in_square, ROTATIONS // 4),
    "ellipse": Shape(_in_ellipse, ROTATIONS // 2),
    "heart": Shape(_in_heart, ROTATIONS),
}


@functools.cache
def sprite_masks() -> NDArray[np.uint8]:
    """Every shape at every scale and rotation about its centre of mass, which is the centre of the mask.

    Returns:
        uint8 ``[shapes, scales, rotations, MASK_SIDE, MASK_SIDE]``, read-only: 255 times the fraction of the pixel
        that is covered. Rotations are anticlockwise. Masks that differ by a symmetry of the shape are equal bit for
        bit. They are made once per process, in half a second.
    """
    masks = np.empty((len(SHAPES), len(SCALES_IN_TENTHS), ROTATIONS, MASK_SIDE, MASK_SIDE), dtype=np.uint8)
    for rotation in range(ROTATIONS):
        u, v = _turned_frame(rotation)
        for of_shape, shape in zip(masks, SHAPES.values(), strict=True):
            if rotation >= shape.period:
                continue
            for of_scale, tenths in zip(of_shape, SCALES_IN_TENTHS, strict=True):
                of_scale[rotation :: shape.period] = _grey(shape.inside(u, v, tenths))
    masks.flags.writeable = False
    return masks


def _turned_frame(rotation: int) -> tuple[Coordinates, Coordinates]:
    """u and v of the mask's sample points in the frame of a shape that is turned: each ``[248, 248]``."""
    samples = MASK_SIDE * _SAMPLES
    points = 2 * np.arange(samples, dtype=np.int64) + 1 - samples
    right, up = points[None, :], -points[:, None]
    cosine, sine = _COSINES[rotation], _COSINES[rotation - ROTATIONS // 4]
    return right * cosine + up * sine, up * cosine - right * sine


def _grey(inside: Inside) -> NDArray[np.uint8]:
    """Count samples ``[248, 248]`` into grey pixels ``[31, 31]``, rounded."""
    by_row = inside.view(np.uint8).reshape(MASK_SIDE, _SAMPLES, -1).sum(axis=1, dtype=np.uint16)
    counts = by_row.reshape(MASK_SIDE, MASK_SIDE, _SAMPLES).sum(axis=2, dtype=np.uint16)
    most = _SAMPLES * _SAMPLES
    grey: NDArray[np.uint8] = ((counts * 255 + most // 2) // most).astype(np.uint8)
    return grey
