"""Sprites in colour: those of ``sprites``, each in one of six hues, which is a sixth factor."""

from __future__ import annotations

import torch
from torch import Tensor

from infogan_fast.data import sprites
from infogan_fast.data.factors import Factor, checked_columns, number_of_images, rendered
from infogan_fast.data.images import ImageData
from infogan_fast.data.memory import check_fits
from infogan_fast.reference import philox4x32

_CHANNELS = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]], dtype=torch.uint8)

#: The factors, in the order of their columns: those of ``sprites``, and the hue.
FACTORS = (*sprites.FACTORS, Factor("hue", ("red", "yellow", "green", "cyan", "blue", "magenta"), "name"))
FACTOR_NAMES = tuple(factor.name for factor in FACTORS)
FACTOR_SIZES = tuple(factor.size for factor in FACTORS)


def render(indices: Tensor) -> Tensor:
    """Render the images of some combinations of the factors.

    Args:
        indices: int64 ``[N, 6]`` on any device, the index of each of ``FACTORS``; N may be 0.

    Returns:
        uint8 ``[N, 3, 64, 64]`` on the CPU, 0 to 255: each channel is the white sprite or black. A new tensor of
        12,288 bytes per image, with the same bits on every machine.

    Raises:
        DataError: ``indices`` are not int64 ``[N, 6]``, or an index is out of range.
    """
    hues = torch.from_numpy(checked_columns(indices, FACTORS)[-1])
    return sprites.render(indices[:, :-1]) * _CHANNELS[hues][:, :, None, None]


def load_coloured_sprites(training_images: int = sprites.TRAINING_IMAGES) -> ImageData:
    """Render the sprites of ``load_sprites``, in the same order, each in a random hue, labelled with their shape.

    No held-out sprite is among the training images in any hue. The training images of a smaller number are the first
    ones of a larger number.

    Args:
        training_images: 1 to ``sprites.MOST_TRAINING_IMAGES``; each is 12,288 bytes, the default number 614 MB.

    Raises:
        DataError: ``training_images`` is out of range, or the images would not fit into memory.
    """
    name = "colour-sprites" if training_images == sprites.TRAINING_IMAGES else f"colour-sprites:{training_images}"
    factors, heldout_factors = sprites.chosen_factors("colour-sprites", training_images)
    check_fits(name, (len(factors) + len(heldout_factors)) * 3 * sprites.SIDE**2)
    factors, heldout_factors = _with_hues(factors, part=0), _with_hues(heldout_factors, part=1)
    return rendered(name, render, FACTORS, factors, heldout_factors)


def load_sized_coloured_sprites(name: str) -> ImageData:
    """Call ``load_coloured_sprites`` by a name such as ``colour-sprites:200000``.

    Raises:
        DataError: as ``load_coloured_sprites``, or what follows the colon is not a number.
    """
    return load_coloured_sprites(number_of_images(name, sprites.MOST_TRAINING_IMAGES))


def _with_hues(factors: Tensor, part: int) -> Tensor:
    """Factors int64 ``[N, 6]`` of sprites ``[N, 5]``: the hue of a row is a function of its number and the part."""
    zero = torch.zeros((), dtype=torch.int64)
    word, _, _, _ = philox4x32((torch.arange(len(factors)), zero, zero, zero + part), (zero, zero + 2))
    return torch.cat([factors, (word * len(_CHANNELS) >> 32)[:, None]], dim=1)
