"""The matching of categories to classes, and the accuracy that follows from it."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.evaluation import code_accuracies, fraction_correct, fraction_interval, match_categories


def test_matching_is_the_best_of_all_permutations():
    generator = np.random.default_rng(0)
    predicted, labels = generator.integers(0, 5, 200), generator.integers(0, 5, 200)
    best = max(fraction_correct(predicted, labels, order) for order in itertools.permutations(range(5)))
    assert fraction_correct(predicted, labels, match_categories(predicted, labels, 5)) == best


def test_permuted_labels_are_matched_exactly():
    labels = np.tile(np.arange(10), 7)
    order = np.random.default_rng(1).permutation(10)
    classes = match_categories(order[labels], labels, 10)
    assert fraction_correct(order[labels], labels, classes) == 1.0
    assert [order[c] for c in classes] == list(range(10))


def test_more_categories_than_classes():
    predicted, labels = np.array([0, 0, 1, 2, 2, 2]), np.array([0, 0, 0, 1, 1, 1])
    classes = match_categories(predicted, labels, 4)
    assert classes == (0, -1, 1, -1)
    assert fraction_correct(predicted, labels, classes) == pytest.approx(5 / 6)


def test_fewer_categories_than_classes():
    predicted, labels = np.array([0, 0, 1, 1, 1]), np.array([2, 2, 0, 0, 1])
    classes = match_categories(predicted, labels, 2)
    assert classes == (2, 0)
    assert fraction_correct(predicted, labels, classes) == pytest.approx(4 / 5)


def test_labels_with_gaps():
    predicted, labels = np.array([0, 0, 1, 1, 3]), np.array([5, 5, 10, 10, 0])
    assert match_categories(predicted, labels, 4) == (5, 10, -1, 0)


def top_left(images):
    """Q's output: code 1 is always category 0, code 2 is the value of the first pixel."""
    value = (images[:, 0, 0, 0] * 255).round().long()
    constant = torch.tensor([1.0, 0.0]).expand(len(images), 2)
    return torch.cat((constant, F.one_hot(value, 3).float(), torch.full((len(images), 1), 9.0)), 1)


MODEL = stand_in(ig.LatentSpec(noise=1, categorical=(2, 3), continuous=1), q=top_left)


def pictures(values):
    return torch.tensor(values, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4)


def test_best_code_by_training_images_comes_first():
    data = ImageData(
        "x",
        pictures([0, 1, 2, 0, 1, 2]),
        torch.tensor([2, 0, 1, 2, 0, 1]),
        pictures([0, 1, 2, 2]),
        torch.tensor([2, 0, 1, 0]),
    )
    best, other = code_accuracies(MODEL, data)
    assert (best.code, best.train, best.heldout, best.classes) == (1, 1.0, 0.75, (2, 0, 1))
    assert other.code == 0
    assert other.train == pytest.approx(1 / 3)
    assert best.heldout_ci == fraction_interval(3, 4)
    assert 0.0 < best.nmi < 1.0  # on the held-out images: on the training images the groups are the same
    assert (other.nmi, other.ari) == (0.0, 0.0)


def test_without_labels():
    assert code_accuracies(MODEL, ImageData("x", pictures([0, 1]))) == []
    labelled = ImageData("x", pictures([0, 1]), torch.tensor([0, 1]), pictures([1]))
    best = code_accuracies(MODEL, labelled)[0]
    assert (best.heldout, best.heldout_ci) == (None, None)
    assert (best.nmi, best.ari) == pytest.approx((1.0, 1.0))  # on the training images


def test_what_chance_gives():
    """Against categories that have nothing to do with the classes, and classes of unequal size."""
    spec = ig.LatentSpec(noise=1, categorical=(4,))
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(4, (4_000, 1), generator=generator).float()
    labels = torch.randint(4, (4_000,), generator=generator)
    model = stand_in(spec, q=lambda x: F.one_hot(x[:, 0].long(), 4).float())
    (found,) = code_accuracies(model, ImageData("x", images, labels))
    assert found.chance == pytest.approx(0.27, abs=0.02)
    assert found.train == pytest.approx(found.chance, abs=0.02)
    assert found.nmi_by_chance == pytest.approx(0.0, abs=0.005)
    (found,) = code_accuracies(model, ImageData("x", images, images[:, 0].long(), images[:40], labels[:40]))
    assert (found.train, found.chance) == (1.0, pytest.approx(0.3, abs=0.07))
    assert found.nmi_by_chance == pytest.approx(0.08, abs=0.07)
    (found,) = code_accuracies(model, ImageData("x", images, (torch.arange(4_000) % 10 == 0).long()))
    assert found.chance == pytest.approx(0.9)
