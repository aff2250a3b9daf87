"""The mutual information of Q's categories for two views of the same images."""

import math

import numpy as np
import pytest
import torch

from infogan_fast.objectives import invariant_information

SURE = 50.0  # a logit that makes a category certain


def certain(categories, count):
    return SURE * torch.nn.functional.one_hot(torch.as_tensor(categories), count).double()


@pytest.mark.parametrize("count", [2, 3, 10])
def test_equal_categories_that_are_equally_frequent_tell_all(count):
    logits = certain(torch.arange(4 * count) % count, count)
    assert float(invariant_information(logits, logits)) == pytest.approx(math.log(count), abs=1e-12)


def test_one_category_for_all_tells_nothing():
    logits = certain([1] * 8, 3)
    assert float(invariant_information(logits, logits)) == pytest.approx(0.0, abs=1e-12)


def test_uncertainty_tells_nothing():
    logits = torch.zeros(8, 3)
    assert float(invariant_information(logits, logits)) == pytest.approx(0.0, abs=1e-6)


def test_categories_that_do_not_depend_on_each_other_tell_nothing():
    first, second = torch.arange(6).repeat_interleave(6) % 3, torch.arange(6).repeat(6) % 3
    assert float(invariant_information(certain(first, 3), certain(second, 3))) == pytest.approx(0.0, abs=1e-12)


def test_is_the_mutual_information_of_the_symmetric_joint_distribution():
    generator = np.random.default_rng(0)
    first, second = 2.0 * generator.normal(size=(2, 40, 5))
    p, q = (np.exp(x) / np.exp(x).sum(1, keepdims=True) for x in (first, second))
    joint = np.zeros((5, 5))
    for row, column in zip(p, q, strict=True):
        joint += (np.outer(row, column) + np.outer(column, row)) / 80
    independent = np.outer(joint.sum(1), joint.sum(0))
    expected = (joint * np.log(joint / independent)).sum()
    found = invariant_information(torch.from_numpy(first), torch.from_numpy(second))
    assert float(found) == pytest.approx(expected, rel=1e-12)
    assert float(invariant_information(torch.from_numpy(second), torch.from_numpy(first))) == pytest.approx(expected)


def test_gradient():
    generator = torch.Generator().manual_seed(0)
    logits = [torch.randn(6, 4, dtype=torch.float64, generator=generator).requires_grad_() for _ in range(2)]
    assert torch.autograd.gradcheck(invariant_information, logits)


@pytest.mark.parametrize("size", [0.0, 1e2, 1e30])
def test_gradient_is_finite_for_logits_of_any_size(size):
    logits = (size * torch.randn(6, 4, generator=torch.Generator().manual_seed(0))).requires_grad_()
    found = invariant_information(logits, logits.detach().flip(1))
    found.backward()
    assert bool(found.isfinite())
    assert bool(logits.grad.isfinite().all())
