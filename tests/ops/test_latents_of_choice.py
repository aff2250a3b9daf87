"""Codes of one's own choice, and the columns of Q's output."""

import numpy as np
import pytest
import torch

import infogan_fast as ig

SPEC = ig.LatentSpec(noise=3, categorical=(4, 2), continuous=2, continuous_prior="normal")
ONE = ig.LatentSpec(noise=1, categorical=(5,), continuous=1)


def test_what_is_not_chosen_is_drawn_as_ever():
    drawn = ig.sample_latents(SPEC, 6, torch.tensor(7))
    for made in (
        ig.make_latents(SPEC, 6, seed=7),
        ig.make_latents(SPEC, 6, (None, None), [None, None], torch.tensor(7)),
    ):
        assert all(torch.equal(a, b) for a, b in zip(made, drawn, strict=True))
    partly = ig.make_latents(SPEC, 6, categorical=(None, 1), continuous=(0.5, None), seed=7)
    assert torch.equal(partly.input[:, :7], drawn.input[:, :7])
    assert torch.equal(partly.continuous[:, 1], drawn.continuous[:, 1])


@pytest.mark.parametrize(
    "categorical",
    [1, (1, 1), [1, torch.ones(3, dtype=torch.int64)], np.ones((3, 2), dtype=np.int32), torch.ones(3, 2).long()],
    ids=["for all", "per code", "per code and row", "array", "tensor"],
)
@pytest.mark.parametrize("continuous", [-2.0, (-2, -2.0), (-2.0, np.full(3, -2.0)), torch.full((3, 2), -2.0)], ids=str)
def test_ways_of_saying_the_same(categorical, continuous):
    latents = ig.make_latents(SPEC, 3, categorical, continuous, seed=0)
    assert latents.categorical.tolist() == [[1, 1]] * 3
    assert latents.continuous.tolist() == [[-2.0, -2.0]] * 3
    assert latents.input[:, 3:].tolist() == [[0.0, 1.0, 0.0, 0.0, 0.0, 1.0, -2.0, -2.0]] * 3


def test_a_value_per_row():
    latents = ig.make_latents(ONE, 5, torch.arange(5), torch.linspace(-1, 1, 5), seed=0)
    assert torch.equal(latents.input[:, 1:6], torch.eye(5))
    assert latents.continuous[:, 0].tolist() == [-1.0, -0.5, 0.0, 0.5, 1.0]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_dtype(dtype):
    latents = ig.make_latents(ONE, 2, 3, 0.3, seed=0, dtype=dtype)
    assert latents.input.dtype == dtype
    assert latents.continuous.dtype == torch.float32
    assert torch.equal(latents.input[:, -1], torch.full((2,), 0.3, dtype=dtype))


def test_without_a_seed_torchs_generator_decides():
    torch.manual_seed(0)
    first, second = ig.make_latents(ONE, 4), ig.make_latents(ONE, 4)
    torch.manual_seed(0)
    assert torch.equal(ig.make_latents(ONE, 4).input, first.input)
    assert not torch.equal(first.input, second.input)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"categorical": 4}, ValueError, r"categorical\[1\] must be in \[0, 2\), got 4|categorical\[0\] must be in"),
        ({"categorical": (0, 2)}, ValueError, r"categorical\[1\] must be in \[0, 2\), got 2"),
        ({"categorical": -1}, ValueError, r"categorical\[0\] must be in \[0, 4\), got -1"),
        ({"categorical": 0.0}, TypeError, r"categorical\[0\] must be integers, got torch.float64: 0"),
        ({"categorical": True}, TypeError, r"categorical\[0\] must be integers"),
        ({"categorical": (0,)}, ValueError, r"got 1 values, allowed: one number for all, one per code \(2\)"),
        ({"categorical": torch.zeros(3, 3).long()}, ValueError, r"got a tensor \[3, 3\], allowed: \[3, 2\]$"),
        ({"categorical": torch.zeros(3).long()}, ValueError, r"got a tensor \[3\], allowed: \[3, 2\]$"),
        ({"categorical": ("a", 0)}, TypeError, r"categorical\[0\]: got 'a', allowed: a number"),
        ({"categorical": "a"}, TypeError, r"categorical\[0\]: got 'a', allowed: a number"),
        ({"continuous": float("nan")}, ValueError, r"continuous\[0\] must be finite, got nan"),
        ({"continuous": (0.0, torch.zeros(4))}, ValueError, r"continuous\[1\]: got a tensor \[4\], allowed: a number"),
        ({"seed": 1.5}, TypeError, "seed must be an int, a tensor or None, got 1.5"),
        ({"seed": True}, TypeError, "seed must be an int, a tensor or None, got True"),
    ],
)
def test_errors(arguments, error, message):
    with pytest.raises(error, match=message):
        ig.make_latents(SPEC, 3, **arguments)


@pytest.mark.parametrize("variance", ["learned", "learned_std", 0.25])
def test_split(variance):
    head = torch.randn(6, SPEC.head_dim(variance), dtype=torch.float64, requires_grad=True)
    parameters = SPEC.split(head, variance)
    assert [tuple(logits.shape) for logits in parameters.logits] == [(6, 4), (6, 2)]
    assert torch.equal(torch.cat((*parameters.logits, parameters.mean), dim=1), head[:, :8])
    expected = {"learned": head[:, 8:], "learned_std": 2.0 * head[:, 8:], 0.25: torch.full((6, 2), 0.25).log()}
    torch.testing.assert_close(parameters.log_variance, expected[variance], check_dtype=False)
    total = sum(logits.sum() for logits in parameters.logits) + parameters.mean.sum() + parameters.log_variance.sum()
    total.backward()
    assert bool(head.grad.all())


def test_split_of_other_widths():
    for shape in ((6, 11), (6, 13), ()):
        with pytest.raises(ValueError, match=r"head must be \[B, 10\] for LatentSpec"):
            SPEC.split(torch.zeros(shape), "learned")
    with pytest.raises(ValueError, match="variance must be"):
        SPEC.split(torch.zeros(6, 8), -1.0)
    assert SPEC.split(torch.zeros(2, 3, 8), 1.0).logits[0].shape == (2, 3, 4)
