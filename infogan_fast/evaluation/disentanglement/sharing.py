"""Draws of images that share the value of a factor, from a table of images."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


class ImagesBySharedValue:
    """The images of each value of one factor.

    Args:
        factor: int64 ``[N]``, ``>= 0``: the value that each image shows.
    """

    def __init__(self, factor: NDArray[np.int64]) -> None:
        self._factor = factor
        self._order = np.argsort(factor, kind="stable")
        self._counts = np.bincount(factor)
        self._starts = np.cumsum(self._counts) - self._counts

    def draw(self, like: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
        """For each image of ``like``, of any shape, an image drawn with replacement from those that share its value."""
        values = self._factor[like]
        places = (rng.random(like.shape) * self._counts[values]).astype(np.int64)
        drawn: NDArray[np.int64] = self._order[self._starts[values] + places]
        return drawn
