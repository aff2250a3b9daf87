import copy
import dataclasses
import math
import pickle

import numpy as np
import pytest
import torch

import infogan_fast as ig


def test_dimensions_of_the_paper_set_ups():
    assert ig.LatentSpec(62, (10,), 2).input_dim == 74
    assert ig.LatentSpec(124, (10,) * 4, 4).input_dim == 168
    assert ig.LatentSpec(128, (10,) * 10).input_dim == 228
    assert ig.LatentSpec(128, (), 5).input_dim == 133
    assert ig.LatentSpec(128, (20, 20, 20), 1).input_dim == 189


def test_head_dim():
    spec = ig.LatentSpec(62, (10,), 2)
    assert spec.head_dim() == spec.head_dim("learned") == spec.head_dim("learned_std") == 14
    assert spec.head_dim(1.0) == spec.head_dim(1) == 12


def test_entropy_is_that_of_each_prior():
    uniform = ig.LatentSpec(0, (10, 2), 1).entropy()
    assert uniform.dtype == torch.float64
    torch.testing.assert_close(uniform, torch.tensor([math.log(10), math.log(2), math.log(2)], dtype=torch.float64))
    normal = ig.LatentSpec(0, (), 1, continuous_prior="normal").entropy()
    expected = torch.distributions.Normal(torch.zeros((), dtype=torch.float64), 1.0).entropy()
    torch.testing.assert_close(normal[0], expected)


def test_is_frozen_hashable_and_takes_lists():
    spec = ig.LatentSpec(62, [10], 2)
    assert spec == ig.LatentSpec(62, (10,), 2)
    assert hash(spec) == hash(ig.LatentSpec(62, (10,), 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        spec.noise = 3


def test_takes_integers_of_any_kind():
    spec = ig.LatentSpec(np.int64(62), (np.int32(10),), np.uint8(2))
    assert spec == ig.LatentSpec(62, (10,), 2)
    assert type(spec.noise) is type(spec.categorical[0]) is int


def test_pickles_and_copies():
    spec = ig.LatentSpec(62, (10,), 2)
    assert pickle.loads(pickle.dumps(spec)) == copy.deepcopy(spec) == spec
    criterion = copy.deepcopy(ig.InfoLoss(spec, variance=1.0))
    assert criterion.spec == spec


def test_code_names_follow_the_order_of_the_terms():
    assert ig.LatentSpec(0, (10,), 2).code_names == ("categorical 1 (K=10)", "continuous 1", "continuous 2")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"noise": -1}, ValueError, "noise must be in"),
        ({"noise": 1.5}, TypeError, "noise must be an int"),
        ({"categorical": 10}, TypeError, r"such as \(10,\), got 10"),
        ({"categorical": (10, 0)}, ValueError, r"categorical\[1\] must be in \[1, 2147483647\], got 0"),
        ({"categorical": (2.0,)}, TypeError, r"categorical\[0\] must be an int"),
        ({"continuous": -2}, ValueError, "continuous must be in"),
        ({"continuous_prior": "gauss"}, ValueError, "'uniform' or 'normal', got 'gauss'"),
        ({"noise_prior": None}, ValueError, "noise_prior must be"),
    ],
)
def test_what_is_not_allowed_is_named(arguments, error, message):
    with pytest.raises(error, match=message):
        ig.LatentSpec(**arguments)


@pytest.mark.parametrize("variance", ["fixed", 0.0, -1.0, math.inf, math.nan, None, True])
def test_variance_is_checked(variance):
    with pytest.raises(ValueError, match="variance must be 'learned', 'learned_std' or a positive finite float"):
        ig.LatentSpec(0, (2,), 1).head_dim(variance)
    with pytest.raises(ValueError, match="variance must be"):
        ig.InfoLoss(ig.LatentSpec(0, (2,), 1), variance=variance)
