"""The mutual information gap (Chen et al., "Isolating Sources of Disentanglement in VAEs", 2018, section 4.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import mutual_info_score

from infogan_fast.evaluation.disentanglement.representation import Representation

_BINS = 20


def mig(images: Representation) -> float:
    """How much more the best code tells of each factor than the second best: the mean over factors.

    ``(I(f; c_1) - I(f; c_2)) / H(f)``, c_1 and c_2 being the codes of the largest mutual information with f. 1 is
    best: each factor wholly in one code. A factor in two codes alike gives 0; one of more than 20 values stays below 1
    in a continuous code, of which only the bin is known.

    A continuous column is cut into 20 bins of equal width from its least to its largest value; a discrete one is taken
    as it is. As in disentanglement_lib, which draws 10,000 images. The information is that of the counts, which is
    too large by some ``(bins - 1)(values - 1) / 2N`` nats; in the gap most of it cancels.

    Args:
        images: each factor takes two values or more.

    Returns:
        0 to 1. Where there is one code alone, the second best is a constant.
    """
    gaps = []
    binned = [
        _bins(values) if count == 0 else values for values, count in zip(images.codes.T, images.categories, strict=True)
    ]
    for factor in images.factors.T:
        information = sorted((mutual_info_score(factor, column) for column in binned), reverse=True)
        first, second, *_ = (*information, 0.0)
        gaps.append((first - second) / mutual_info_score(factor, factor))
    return float(np.mean(gaps))


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.digitize(values, np.histogram_bin_edges(values, _BINS)[:-1])
