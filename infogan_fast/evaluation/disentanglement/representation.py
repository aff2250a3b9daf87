"""What the scores are computed from: the codes that Q reads off images, and the factors that the images show."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.reading import batches, q_output
from infogan_fast.model import InfoGAN


@dataclass(frozen=True)
class Representation:
    """Images as their codes, beside their factors.

    A column of codes is continuous, Q's mean, or discrete, Q's most probable category. The number of a category means
    nothing, so that no score may depend on it: each says how it treats such a column.

    Raises:
        ValueError: the shapes do not fit together, there are no images or factors, or a category is out of range.
    """

    codes: NDArray[np.float64]
    """``[N, D]``; those of a discrete column are whole numbers."""
    factors: NDArray[np.int64]
    """``[N, F]``, each a number that stands for a value, ``>= 0``."""
    categories: tuple[int, ...]
    """D of them: how many categories a discrete column has, 0 for a continuous one."""

    def __post_init__(self) -> None:
        codes, factors = self.codes, self.factors
        if codes.ndim != 2 or factors.ndim != 2 or len(codes) != len(factors) or len(self.categories) != codes.shape[1]:
            raise ValueError(
                f"codes, factors and categories must be [N, D], [N, F] and [D], got {list(codes.shape)}, "
                f"{list(factors.shape)} and [{len(self.categories)}]"
            )
        if factors.size == 0 or factors.min() < 0:
            raise ValueError(f"factors must be >= 0, of at least one image, got {list(factors.shape)}")
        for column, count in enumerate(self.categories):
            values = codes[:, column]
            if count and not (np.isin(values, np.arange(count))).all():
                raise ValueError(
                    f"column {column} must hold categories from 0 to {count - 1}, got {values.min()} to {values.max()}"
                )

    def column(self, index: int) -> NDArray[np.float64]:
        """One code as input of a classifier: ``[N, 1]``, or one-hot ``[N, K]`` of a discrete code."""
        count, values = self.categories[index], self.codes[:, index]
        return one_hot(values, count) if count else values[:, None]


def one_hot(values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """``[N]`` categories as ``[N, count]`` zeros and ones."""
    return np.eye(count)[values.astype(np.int64)]


def represent(
    model: InfoGAN, images: Tensor | StoredImages, factors: Tensor, rows: NDArray[np.int64]
) -> Representation:
    """Some images as Q reads them in evaluation mode, in the order of the spec's codes.

    Args:
        model: the networks.
        images: ``[N, *shape]`` on any device, or stored.
        factors: int64 ``[N, F]``.
        rows: which of the images, ascending.

    Raises:
        NonFiniteError: an output of Q is not finite.
    """
    spec, codes = model.spec, []
    for batch in batches(images, rows):
        logits, mean, _ = spec.split(q_output(model, batch), model.variance)
        columns = [code.argmax(dim=1, keepdim=True).double() for code in logits]
        codes.append(torch.cat([*columns, mean.double()], dim=1).cpu())
    return Representation(
        torch.cat(codes).numpy(), factors.cpu().numpy()[rows], (*spec.categorical, *(0,) * spec.continuous)
    )
