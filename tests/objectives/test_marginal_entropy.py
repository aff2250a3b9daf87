"""The entropy of the categories within the information on real images."""

import math

import pytest
import torch

from infogan_fast.objectives.real_information import invariant_information, marginal_entropy


def test_it_is_log_k_where_categories_are_equally_frequent_and_0_where_there_is_one():
    even, one = 100.0 * torch.eye(4), torch.zeros(6, 4)
    one[:, 2] = 1000.0
    assert float(marginal_entropy(even, even)) == pytest.approx(math.log(4))
    assert float(marginal_entropy(one, one)) == pytest.approx(0.0, abs=1e-6)


def test_the_information_is_twice_the_entropy_less_that_of_the_joint_distribution():
    a, b = torch.randn(2, 50, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    joint = a.softmax(1).T @ b.softmax(1) / 50
    joint = 0.5 * (joint + joint.T)
    of_joint = -(joint * joint.log()).sum()
    torch.testing.assert_close(invariant_information(a, b), 2.0 * marginal_entropy(a, b) - of_joint)


def test_gradients_are_right_and_finite_where_a_category_is_never_chosen():
    a, b = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(marginal_entropy, (a.detach().requires_grad_(), b.detach().requires_grad_()))
    never = torch.tensor([[0.0, -1e5]]).requires_grad_()
    marginal_entropy(never, never).backward()
    assert bool(never.grad.isfinite().all())
