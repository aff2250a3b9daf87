"""The BetaVAE score (Higgins et al., "beta-VAE", 2017, section 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from infogan_fast.evaluation.disentanglement.representation import Representation
from infogan_fast.evaluation.disentanglement.sharing import ImagesBySharedValue

_PAIRS = 64  # that share a value, per point
_FIT_POINTS, _TEST_POINTS = 10_000, 5_000


def beta_vae(fit: Representation, test: Representation, rng: np.random.Generator) -> float:
    """How well a linear classifier tells, from how much codes differ in pairs of images, which factor the pairs share.

    A point is the mean of ``|c - c'|`` over 64 pairs of images that share the value of a random factor; a logistic
    regression is fitted on those of ``fit`` and the score is its accuracy on those of ``test``. 1 is best, one in F is
    chance. It is the easiest of the scores: codes that mix factors can reach 1.

    In a discrete column ``|c - c'|`` is 1 where the categories differ, else 0.

    As in disentanglement_lib: 10,000 and 5,000 points of 64 pairs, scikit-learn's regression with its defaults, but
    for up to 1,000 iterations. Unlike there, the second image of a pair is drawn with replacement from a table instead
    of rendered.

    Args:
        fit, test: two disjoint sets of images with two factors or more.
        rng: of the draws.

    Returns:
        0 to 1.
    """
    model = LogisticRegression(max_iter=1000)
    model.fit(*_points(fit, _FIT_POINTS, rng))
    return float(model.score(*_points(test, _TEST_POINTS, rng)))


def _points(
    images: Representation, count: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Mean differences ``[count, D]``, and which factor is shared ``[count]``."""
    factors = images.factors.shape[1]
    shared = np.sort(rng.integers(factors, size=count))
    discrete = np.asarray(images.categories) > 0
    points = []
    for factor, number in enumerate(np.bincount(shared, minlength=factors)):
        first = rng.integers(len(images.codes), size=(number, _PAIRS))
        second = ImagesBySharedValue(images.factors[:, factor]).draw(first, rng)
        difference = np.abs(images.codes[first] - images.codes[second])
        points.append(np.where(discrete, difference > 0.0, difference).mean(axis=1))
    return np.concatenate(points), shared
