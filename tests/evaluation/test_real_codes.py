"""What Q says of real data, of a Q whose answers are known."""

import math

import pytest
import torch
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data.stored import HeldImages
from infogan_fast.evaluation.real_codes import ROWS, real_codes

SPEC = ig.LatentSpec(noise=1, categorical=(3, 2), continuous=1)


def read(x):
    """The first code is sure of the value of an image; the second knows nothing but leans to the second category."""
    first = 1e4 * torch.nn.functional.one_hot(x.long().flatten(1)[:, 0], 3)
    second = torch.tensor([0.0, 1e-6]).expand(len(x), 2)
    return torch.cat((first, second, torch.zeros(len(x), 1)), dim=1)


def test_shares_and_entropy():
    data = torch.tensor([0.0, 0.0, 0.0, 2.0]).repeat(25)[:, None]
    first, second = real_codes(stand_in(SPEC, q=read), data, 0)
    assert (first.rows, first.shares, first.posterior_entropy) == (100, (0.75, 0.0, 0.25), 0.0)
    assert second.shares == (0.0, 1.0)
    assert second.posterior_entropy == pytest.approx(math.log(2))
    assert second.to_json(1) == {
        "categorical_code": 2,
        "images": 100,
        "category_shares": [0.0, 1.0],
        "real_posterior_entropy_nats": second.posterior_entropy,
    }


def test_of_many_rows_some_are_read():
    data = torch.arange(3 * ROWS).remainder(3).float()[:, None]
    first, _ = real_codes(stand_in(SPEC, q=read), data, 5)
    assert first.rows == ROWS
    assert first.shares == pytest.approx((1 / 3,) * 3, abs=0.04)
    assert real_codes(stand_in(SPEC, q=read), HeldImages("x", data), 5)[0] == first
    assert real_codes(stand_in(SPEC, q=read), data, 6)[0] != first


def test_without_categorical_codes_there_is_nothing():
    assert real_codes(stand_in(ig.LatentSpec(noise=1, continuous=1)), torch.zeros(3, 1), 0) == []
