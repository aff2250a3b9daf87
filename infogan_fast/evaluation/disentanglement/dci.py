"""DCI's disentanglement (Eastwood & Williams, "A Framework for the Quantitative Evaluation of Disentangled
Representations", 2018, section 2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier

from infogan_fast.evaluation.disentanglement.representation import Representation

_TREES, _DEPTH = 10, 8


def dci(images: Representation, rng: np.random.Generator) -> float:
    """Whether each code serves to predict one factor alone.

    ``sum_i rho_i (1 - H_F(P_i))``: P_i is how the importance of code i is spread over the factors, H_F its entropy to
    base F, and rho_i the code's fraction of all importance. 1 is best; 0 where every code serves all factors alike. A
    factor in several codes costs nothing.

    Importances are those of a random forest per factor that predicts its value from all codes, as in the paper; all
    columns are offered at every split. A discrete column is given as a one-hot vector whose importances are added.

    Unlike disentanglement_lib, whose gradient boosting (100 trees of depth 3 per value of each factor) takes minutes
    where the forest (10 trees of depth 8, by entropy) takes seconds.

    Args:
        images: with two factors or more.
        rng: of the forests.

    Returns:
        0 to 1.
    """
    return disentanglement(importances(images, rng))


def importances(images: Representation, rng: np.random.Generator) -> NDArray[np.float64]:
    """Importance of each code for each factor ``[D, F]``, ``>= 0``; a column adds up to 1, or to 0 if no code helps."""
    columns = [images.column(code) for code in range(len(images.categories))]
    first = np.cumsum([0, *(column.shape[1] for column in columns[:-1])])
    inputs = np.concatenate(columns, axis=1)
    result = []
    for factor in images.factors.T:
        forest = RandomForestClassifier(
            _TREES,
            criterion="entropy",
            max_depth=_DEPTH,
            max_features=None,
            random_state=int(rng.integers(2**31)),
        )
        result.append(np.add.reduceat(forest.fit(inputs, factor).feature_importances_, first))
    return np.stack(result, axis=1)


def disentanglement(importance: NDArray[np.float64]) -> float:
    """The score of a matrix of importances ``[D, F]``, F >= 2; 0 where all are 0."""
    if importance.sum() == 0.0:
        return 0.0
    per_code = 1.0 - entropy(importance + 1e-11, base=importance.shape[1], axis=1)
    return float(per_code @ importance.sum(axis=1) / importance.sum())
