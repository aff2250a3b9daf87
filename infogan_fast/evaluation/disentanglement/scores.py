"""All scores of a network on a data set with known factors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.evaluation.disentanglement.beta_vae import beta_vae
from infogan_fast.evaluation.disentanglement.dci import dci
from infogan_fast.evaluation.disentanglement.factor_vae import factor_vae
from infogan_fast.evaluation.disentanglement.mig import mig
from infogan_fast.evaluation.disentanglement.representation import Representation, represent
from infogan_fast.evaluation.disentanglement.sap import sap
from infogan_fast.evaluation.reading import some_rows
from infogan_fast.model import InfoGAN

#: The most images that scores are fitted on and tested on, those of disentanglement_lib.
FIT_IMAGES, TEST_IMAGES = 10_000, 5_000


def scores(fit: Representation, test: Representation, seed: int) -> dict[str, float]:
    """The five scores, 0 to 1 each, larger is better.

    Args:
        fit, test: two disjoint sets of images with the same codes, at least one, and the same factors, at least two,
            each of which takes two values or more in either set.
        seed: of what the scores draw; the same scores for the same seed.

    Returns:
        ``factor_vae``, ``mig``, ``sap``, ``dci`` and ``beta_vae``.
    """
    rng = np.random.default_rng(seed)
    with warnings.catch_warnings():
        # scikit-learn's advice to take a factor that has about as many values as there are images for a number.
        warnings.filterwarnings("ignore", "The number of unique classes", UserWarning)
        return {
            "factor_vae": factor_vae(fit, test, rng),
            "mig": mig(fit),
            "sap": sap(fit, test),
            "dci": dci(fit, rng),
            "beta_vae": beta_vae(fit, test, rng),
        }


def disentanglement_scores(model: InfoGAN, data: ImageData, seed: int) -> dict[str, Any] | None:
    """``scores`` of the codes that Q reads off real images.

    Fitted on 10,000 training images and tested on 5,000 held-out ones, drawn at random, or on all where there are
    fewer. Without held-out factors a third of the training images is set aside to test on.

    Args:
        model: the networks.
        data: real images and their factors.
        seed: of the images and of the scores.

    Returns:
        As ``scores`` does, with ``factors``, the names of the factors that vary in both sets, the others being left
        out, and ``images`` and ``test_images``, how many there are. None without training factors, without codes, or
        where fewer than two factors vary.
    """
    if data.factors is None or model.spec.num_codes == 0:
        return None
    rng = np.random.default_rng(seed)
    if data.heldout_images is not None and data.heldout_factors is not None:
        test_images, test_factors = data.heldout_images, data.heldout_factors
        rows = some_rows(len(data.images), FIT_IMAGES, rng)
        test_rows = some_rows(len(test_images), TEST_IMAGES, rng)
    else:
        test_images, test_factors = data.images, data.factors
        rows, test_rows = _two_parts(len(data.images), rng)
    if len(test_rows) == 0:
        return None
    varying = _varying(data.factors, rows) & _varying(test_factors, test_rows)
    if varying.sum() < 2:
        return None
    return {
        **scores(
            represent(model, data.images, data.factors[:, varying], rows),
            represent(model, test_images, test_factors[:, varying], test_rows),
            seed,
        ),
        "factors": [name for name, varies in zip(data.factor_names, varying, strict=True) if varies],
        "images": len(rows),
        "test_images": len(test_rows),
    }


def _varying(factors: Tensor, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which factors take two values or more: ``[F]``."""
    some = factors.cpu().numpy()[rows]
    different: NDArray[np.bool_] = (some != some[0]).any(axis=0)
    return different


def _two_parts(count: int, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to fit and to test on, two to one and none in both, each ascending."""
    rows = rng.permutation(count)[: FIT_IMAGES + TEST_IMAGES]
    tested = len(rows) // 3
    return np.sort(rows[tested:]), np.sort(rows[:tested])
