"""White sprites on black, rendered from known factors in the manner of dSprites (Matthey et al. 2017).

As there: 64x64 pixels; shape, scale, rotation and position with 3, 6, 40, 32 and 32 values, 737,280 images in all.
Unlike there: edges are grey instead of jagged, the 40 rotations are evenly spaced and none is the first one again, the
shapes have equal areas, and the position is that of the centre of mass.
"""

from __future__ import annotations

import functools
import math

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data.factors import Factor, checked_columns, checked_number, number_of_images, rendered
from infogan_fast.data.images import ImageData
from infogan_fast.data.sprites.masks import MASK_SIDE, ROTATIONS, SCALES_IN_TENTHS, SHAPES, sprite_masks
from infogan_fast.reference import philox4x32

#: Height and width of an image in pixels.
SIDE = 64

_POSITIONS = SIDE // 2
_FIRST_CENTRE = (
    SIDE - _POSITIONS + 1
) / 2  # of a sprite, from the left or upper edge, so that it stays 2 pixels inside


_CENTRES = tuple(_FIRST_CENTRE + k for k in range(_POSITIONS))

#: The factors, in the order of their columns. Images of different factors differ, except that the square is the same
#: after a quarter turn (10 rotations) and the ellipse after half a turn (20).
FACTORS = (
    Factor("shape", tuple(SHAPES), "name"),
    Factor("scale", tuple(tenths / 10 for tenths in SCALES_IN_TENTHS), "lengths, relative to the largest sprite"),
    Factor("rotation", tuple(2.0 * math.pi * k / ROTATIONS for k in range(ROTATIONS)), "radians, anticlockwise"),
    Factor("x", _CENTRES, "pixels from the left edge to the centre of mass"),
    Factor("y", _CENTRES, "pixels from the upper edge to the centre of mass"),
)
FACTOR_NAMES = tuple(factor.name for factor in FACTORS)
FACTOR_SIZES = tuple(factor.size for factor in FACTORS)

#: The number of combinations of the factors.
COMBINATIONS = math.prod(FACTOR_SIZES)

#: The number of training images of ``load("sprites")``, which take 205 MB.
TRAINING_IMAGES = 50_000

#: The number of held-out images, which are the same whatever the number of training images.
HELDOUT_IMAGES = 5_000

#: The largest number of training images: all combinations except those that show the same as one that is held out.
MOST_TRAINING_IMAGES = 725_515


def render(indices: Tensor) -> Tensor:
    """Render the images of some combinations of the factors.

    Args:
        indices: int64 ``[N, 5]`` on any device, the index of each of ``FACTORS``; N may be 0.

    Returns:
        uint8 ``[N, 1, 64, 64]`` on the CPU, 0 to 255: a new tensor of 4,096 bytes per image. The same bits on every
        machine.

    Raises:
        DataError: ``indices`` are not int64 ``[N, 5]``, or an index is out of range.
    """
    shape, scale, rotation, x, y = checked_columns(indices, FACTORS)
    images = _windows()[shape, scale, rotation, _POSITIONS - 1 - y, _POSITIONS - 1 - x]
    return torch.from_numpy(images)[:, None]


@functools.cache
def _windows() -> NDArray[np.uint8]:
    """Every image, as a window of 64x64 on its mask with black around it; the last window has the sprite upper left.

    Positions are whole pixels apart, so that rendering is copying a window. The result is a view
    ``[shapes, scales, rotations, positions, positions, SIDE, SIDE]`` of 6.5 MB.
    """
    around = (SIDE + _POSITIONS - 1 - MASK_SIDE) // 2
    padded = np.pad(sprite_masks(), [(0, 0)] * 3 + [(around, around)] * 2)
    return sliding_window_view(padded, (SIDE, SIDE), axis=(3, 4))


def load_sprites(training_images: int = TRAINING_IMAGES) -> ImageData:
    """Render random combinations of the factors to train on and 5,000 to hold out, labelled with their shape.

    No training image equals one that is held out, also not by a symmetry of its shape. The training images of a smaller
    number are the first ones of a larger number.

    Args:
        training_images: 1 to ``MOST_TRAINING_IMAGES``; each is 4,096 bytes.

    Raises:
        DataError: ``training_images`` is out of range.
    """
    factors, heldout_factors = chosen_factors("sprites", training_images)
    name = "sprites" if training_images == TRAINING_IMAGES else f"sprites:{training_images}"
    return rendered(name, render, FACTORS, factors, heldout_factors)


def chosen_factors(data: str, training_images: int) -> tuple[Tensor, Tensor]:
    """The factors of the training images of ``load_sprites``, int64 ``[N, 5]``, and of the held-out ones.

    Args:
        data: the data set's name, for messages.
        training_images: N, 1 to ``MOST_TRAINING_IMAGES``.

    Raises:
        DataError: ``training_images`` is out of range.
    """
    checked_number(data, training_images, MOST_TRAINING_IMAGES)
    order = _shuffled()
    heldout = order[:HELDOUT_IMAGES]
    shown = torch.zeros(COMBINATIONS, dtype=torch.bool)
    shown[_first_with_same_image(heldout)] = True
    train = order[~shown[_first_with_same_image(order)]][:training_images]
    return _factors_of(train), _factors_of(heldout)


def load_sized_sprites(name: str) -> ImageData:
    """Call ``load_sprites`` by a name such as ``sprites:200000``.

    Raises:
        DataError: what follows the colon is not a number of training images.
    """
    return load_sprites(number_of_images(name, MOST_TRAINING_IMAGES))


@functools.cache
def _shuffled() -> Tensor:
    """All combinations, numbered as in ``_factors_of``, in a random order that is always the same: int64 ``[N]``.

    They are sorted by Philox, not by a library's shuffle, which may change with its version. This is done once per
    process, in half a second.
    """
    number, zero = torch.arange(COMBINATIONS), torch.zeros((), dtype=torch.int64)
    high, low, _, _ = philox4x32((number, zero, zero, zero), (zero, zero))
    return torch.argsort(high << 31 | low >> 1, stable=True)


def _factors_of(combinations: Tensor) -> Tensor:
    """Convert numbers ``[N]`` of combinations to factors ``[N, 5]``, of which the last changes fastest."""
    return torch.stack(torch.unravel_index(combinations, FACTOR_SIZES), dim=1)


def _first_with_same_image(combinations: Tensor) -> Tensor:
    """The lowest number ``[N]`` of a combination that has the same image."""
    shape, _, rotation, _, _ = torch.unravel_index(combinations, FACTOR_SIZES)
    periods = torch.tensor([shape.period for shape in SHAPES.values()])[shape]
    return combinations - (rotation - rotation % periods) * (_POSITIONS * _POSITIONS)
