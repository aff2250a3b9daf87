"""The separated attribute predictability score (Kumar et al., "Variational Inference of Disentangled Latent Concepts",
2018, section 3)."""

from __future__ import annotations

import numpy as np
from sklearn.svm import LinearSVC

from infogan_fast.evaluation.disentanglement.representation import Representation


def sap(fit: Representation, test: Representation) -> float:
    """How much better the best code predicts each factor than the second best: the mean over factors.

    The difference of two accuracies on ``test``, each of a linear classifier of the factor's value with one code as its
    input, fitted on ``fit``. The highest possible is ``1 - chance``; a continuous code of a factor with many values
    stays far below, as one linear classifier per value can hardly pick a value from the middle of a line.

    A discrete column is given to the classifier as a one-hot vector.

    As in disentanglement_lib with its study's settings, which takes every factor as unordered: a linear support vector
    machine with C = 0.01 and balanced classes. Its primal problem is solved, not the dual, which is faster and has
    the same solution.

    Args:
        fit, test: two disjoint sets of images; each factor takes two values or more in ``fit``.

    Returns:
        0 to 1. Where there is one code alone, the second best is a constant.
    """
    gaps = []
    inputs = [(fit.column(code), test.column(code)) for code in range(len(fit.categories))]
    if len(inputs) == 1:
        inputs.append((np.zeros((len(fit.codes), 1)), np.zeros((len(test.codes), 1))))
    for factor, test_factor in zip(fit.factors.T, test.factors.T, strict=True):
        accuracies = []
        for column, test_column in inputs:
            model = LinearSVC(C=0.01, class_weight="balanced", dual=False)
            accuracies.append(float(model.fit(column, factor).score(test_column, test_factor)))
        second, first = sorted(accuracies)[-2:]
        gaps.append(first - second)
    return float(np.mean(gaps))
