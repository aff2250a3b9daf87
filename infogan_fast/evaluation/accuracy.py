"""How well the categorical codes classify real images, which nobody told them the classes of (paper, section 7.2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from infogan_fast.data import ImageData, StoredImages
from infogan_fast.data.stored import in_order
from infogan_fast.evaluation.intervals import fraction_interval
from infogan_fast.evaluation.reading import BATCH, q_output
from infogan_fast.model import InfoGAN

#: How often labels are shuffled to learn what chance gives: the mean of 5 accuracies on 1,000 images is within 0.01.
_SHUFFLES = 5


@dataclass(frozen=True)
class CodeAccuracy:
    """One categorical code as a classifier."""

    code: int
    """Which categorical code, from 0."""
    classes: tuple[int, ...]
    """The class matched to each category, a label that occurs; -1 for a category that is one too many."""
    train: float
    """Fraction of the training images classified correctly, 0 to 1; the matching was fitted on these."""
    heldout: float | None
    """Fraction of the held-out images classified correctly, 0 to 1; None without held-out labels."""
    heldout_ci: tuple[float, float] | None
    """The 95 % interval of ``heldout``, Wilson's, for the sampling of the images."""
    nmi: float
    """Normalised mutual information of categories and classes on the held-out images, or the training images where
    no others have labels: ``I / ((H_categories + H_classes) / 2)``, 0 to 1."""
    ari: float
    """Adjusted Rand index of the same (Hubert & Arabie 1985): 1 for the same groups, 0 by chance, at least -0.5."""
    chance: float | None = None
    """What the accuracy is to be held against: the share of the largest class, or the mean accuracy of categories
    matched to shuffled labels, whichever is larger, on the held-out images, or the training images without them."""
    nmi_by_chance: float | None = None
    """Mean NMI of the categories with shuffled labels, on the images of ``nmi``."""


def match_categories(predicted: NDArray[np.int64], labels: NDArray[np.int64], cardinality: int) -> tuple[int, ...]:
    """The one-to-one matching of categories to classes that classifies the most images correctly.

    Where there are more categories than classes the surplus ones get -1, and their images count as wrong; where there
    are fewer, some classes cannot be predicted.

    Args:
        predicted: category of each image ``[N]``, in ``[0, cardinality)``.
        labels: class of each image ``[N]``, ``>= 0``.
        cardinality: number of categories K.

    Returns:
        The class of each category, length K: a label that occurs, or -1.
    """
    occurring, class_index = np.unique(labels, return_inverse=True)
    counts = np.zeros((cardinality, len(occurring)), dtype=np.int64)
    np.add.at(counts, (predicted, class_index), 1)
    classes = np.full(cardinality, -1)
    categories, matched = linear_sum_assignment(counts, maximize=True)
    classes[categories] = occurring[matched]
    return tuple(int(c) for c in classes)


def fraction_correct(predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: tuple[int, ...]) -> float:
    """Fraction, 0 to 1, of the images whose category was matched to their class."""
    return float(np.mean(np.asarray(classes)[predicted] == labels))


def predict_categories(model: InfoGAN, images: Tensor | StoredImages) -> NDArray[np.int64]:
    """Q's most probable category of each categorical code, in evaluation mode: ``[N, m]``.

    Args:
        model: the networks.
        images: real data ``[N, *shape]`` on any device, or stored.

    Raises:
        NonFiniteError: an output of Q is not finite.
    """
    predicted = []
    for batch in in_order(images, BATCH):
        logits = model.spec.split(q_output(model, batch), model.variance).logits
        predicted.append(torch.stack([code.argmax(dim=1) for code in logits], dim=1).cpu())
    return torch.cat(predicted).numpy()


def code_accuracies(model: InfoGAN, data: ImageData) -> list[CodeAccuracy]:
    """Every categorical code as a classifier of the real data, the best on the training part first.

    Args:
        model: the networks.
        data: the images; the list is empty where they have no training labels or the model no categorical code.
    """
    spec = model.spec
    if data.labels is None or not spec.categorical:
        return []
    heldout: NDArray[np.int64] | None = None
    if data.heldout_images is not None and data.heldout_labels is not None:
        heldout = predict_categories(model, data.heldout_images)
        heldout_labels = data.heldout_labels.cpu().numpy()

    train, train_labels = predict_categories(model, data.images), data.labels.cpu().numpy()
    accuracies = []
    for code, (classes, on_train) in enumerate(_matched(train, train_labels, spec.categorical)):
        if heldout is None:
            agreement = _agreement(train[:, code], train_labels)
            chance = _by_chance(train[:, code], train_labels, cardinality=spec.categorical[code])
            accuracies.append(CodeAccuracy(code, classes, on_train, None, None, *agreement, *chance))
        else:
            on_heldout = fraction_correct(heldout[:, code], heldout_labels, classes)
            interval = fraction_interval(round(on_heldout * len(heldout)), len(heldout))
            agreement = _agreement(heldout[:, code], heldout_labels)
            chance = _by_chance(heldout[:, code], heldout_labels, classes=classes)
            accuracies.append(CodeAccuracy(code, classes, on_train, on_heldout, interval, *agreement, *chance))
    return sorted(accuracies, key=lambda accuracy: -accuracy.train)


def training_accuracies(model: InfoGAN, data: ImageData) -> list[tuple[tuple[int, ...], float]]:
    """The matching of ``match_categories`` and the accuracy of each categorical code, both on the training images.

    Args:
        model: the networks.
        data: the images; the list is empty where they have no training labels or the model no categorical code.
    """
    if data.labels is None or not model.spec.categorical:
        return []
    return _matched(predict_categories(model, data.images), data.labels.cpu().numpy(), model.spec.categorical)


def _matched(
    predicted: NDArray[np.int64], labels: NDArray[np.int64], cardinalities: tuple[int, ...]
) -> list[tuple[tuple[int, ...], float]]:
    """The best matching of each categorical code, and the fraction of the images that it classifies correctly."""
    matched = []
    for code, cardinality in enumerate(cardinalities):
        classes = match_categories(predicted[:, code], labels, cardinality)
        matched.append((classes, fraction_correct(predicted[:, code], labels, classes)))
    return matched


def _agreement(predicted: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[float, float]:
    """NMI and ARI between the categories and the classes of some images."""
    from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score  # which takes a second to import

    return float(normalized_mutual_info_score(labels, predicted)), float(adjusted_rand_score(labels, predicted))


def _by_chance(
    predicted: NDArray[np.int64],
    labels: NDArray[np.int64],
    *,
    classes: tuple[int, ...] | None = None,
    cardinality: int | None = None,
) -> tuple[float, float]:
    """The accuracy and the NMI that the same categories have with shuffled labels, means over some shuffles.

    Args:
        predicted: category of each image ``[N]``.
        labels: class of each image ``[N]``.
        classes: the matching, made on other images; without it one is made for each shuffle.
        cardinality: how many categories there are, where there is no matching.

    Returns:
        The accuracy, at least the share of the largest class, and the NMI.
    """
    from sklearn.metrics import normalized_mutual_info_score

    rng = np.random.default_rng(0)
    fractions, agreements = [], []
    for _ in range(_SHUFFLES):
        shuffled = rng.permutation(labels)
        matching = match_categories(predicted, shuffled, cardinality) if cardinality is not None else classes
        assert matching is not None
        fractions.append(fraction_correct(predicted, shuffled, matching))
        agreements.append(float(normalized_mutual_info_score(shuffled, predicted)))
    largest = float(np.unique(labels, return_counts=True)[1].max() / len(labels))
    return max(largest, float(np.mean(fractions))), float(np.mean(agreements))
