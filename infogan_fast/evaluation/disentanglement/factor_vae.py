"""The FactorVAE score (Kim & Mnih, "Disentangling by Factorising", 2018, section 4)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from infogan_fast.evaluation.disentanglement.representation import Representation
from infogan_fast.evaluation.disentanglement.sharing import ImagesBySharedValue

_IMAGES = 64  # that share a value, per vote
_FIT_VOTES, _TEST_VOTES = 10_000, 5_000
_LEAST_DEVIATION = 0.05  # of a code that takes part


def factor_vae(fit: Representation, test: Representation, rng: np.random.Generator) -> float:
    """How often the code that varies least among images that share a factor's value tells which factor it is.

    A vote is 64 images that share the value of a random factor: the code whose variance among them, relative to that
    over all images, is least. Each code stands for the factor that most of its votes of ``fit`` were cast for; the
    score is the fraction of the votes of ``test`` that are right. 1 is best, one in F (the number of factors) is
    chance. A factor in several codes costs nothing.

    The variance of a discrete column is the total variance of its one-hot vector, ``1 - sum_k p_k^2`` (Gini's index).

    As in disentanglement_lib with its study's settings: 10,000 and 5,000 votes, codes with a standard deviation below
    0.05 left out. Unlike there, images are drawn with replacement from a table instead of rendered, and all of
    ``fit`` serves for the overall variances.

    Args:
        fit, test: two disjoint sets of images.
        rng: of the draws.

    Returns:
        0 to 1; 0 where every code is left out.
    """
    overall = variances(fit.codes[None], fit.categories)[0]
    active = np.flatnonzero(np.sqrt(overall) >= _LEAST_DEVIATION)
    if len(active) == 0:
        return 0.0
    cast = _votes(fit, _FIT_VOTES, overall, active, rng)
    checked = _votes(test, _TEST_VOTES, overall, active, rng)
    return float(checked[cast.argmax(axis=0), np.arange(len(active))].sum() / checked.sum())


def _votes(
    images: Representation,
    count: int,
    overall: NDArray[np.float64],
    active: NDArray[np.int64],
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """How often each active code varied least when each factor was shared: ``[F, active]``."""
    factors = images.factors.shape[1]
    votes = np.zeros((factors, len(active)), dtype=np.int64)
    for factor, points in enumerate(np.bincount(rng.integers(factors, size=count), minlength=factors)):
        first = rng.integers(len(images.codes), size=points)
        rows = ImagesBySharedValue(images.factors[:, factor]).draw(np.repeat(first[:, None], _IMAGES, axis=1), rng)
        among = variances(images.codes[rows], images.categories)
        least = np.argmin(among[:, active] / overall[active], axis=1)
        votes[factor] = np.bincount(least, minlength=len(active))
    return votes


def variances(codes: NDArray[np.float64], categories: tuple[int, ...]) -> NDArray[np.float64]:
    """Variance of each code within each group, with ``n - 1``: ``[groups, n, D]`` to ``[groups, D]``."""
    result: NDArray[np.float64] = codes.var(axis=1, ddof=1)
    size = codes.shape[1]
    for column, count in enumerate(categories):
        if count:
            fractions = [np.mean(codes[:, :, column] == category, axis=1) for category in range(count)]
            result[:, column] = (1.0 - np.square(fractions).sum(axis=0)) * size / (size - 1)
    return result
