"""The sampler's statistics at a million draws, with fixed seeds: each test would fail a wrong sampler, not a fair one.

A p-value under 1e-4 fails; with the seeds fixed the outcome does not change from run to run.
"""

import numpy as np
import pytest
import torch
from cases import seed_of
from scipy import stats

import infogan_fast as ig

DRAWS = 1_000_000
LEAST_P = 1e-4


@pytest.mark.parametrize("cardinality", [2, 3, 7, 10, 100, 255, 1000])
@pytest.mark.parametrize("seed", [0, 1])
def test_categorical_codes_are_uniform(cardinality, seed):
    latents = ig.sample_latents(ig.LatentSpec(0, (cardinality,)), DRAWS, seed_of(seed))
    counts = torch.bincount(latents.categorical[:, 0], minlength=cardinality).numpy()
    assert len(counts) == cardinality
    assert stats.chisquare(counts).pvalue > LEAST_P


@pytest.mark.parametrize(("prior", "cdf"), [("uniform", stats.uniform(-1, 2).cdf), ("normal", stats.norm.cdf)])
@pytest.mark.parametrize("where", ["continuous", "noise"])
def test_real_variables_follow_their_prior(prior, cdf, where):
    if where == "noise":
        values = ig.sample_latents(ig.LatentSpec(5, noise_prior=prior), DRAWS // 5, seed_of(2)).input
    else:
        spec = ig.LatentSpec(continuous=5, continuous_prior=prior)
        values = ig.sample_latents(spec, DRAWS // 5, seed_of(3)).continuous
    for column in values.T.numpy():
        assert stats.kstest(column, cdf).pvalue > LEAST_P
    assert stats.kstest(values.flatten().numpy(), cdf).pvalue > LEAST_P


def test_normal_tails():
    values = ig.sample_latents(ig.LatentSpec(4), DRAWS, seed_of(4)).input.flatten().double().numpy()
    for bound in (3.0, 4.0, 4.5):
        expected = 2.0 * stats.norm.sf(bound)
        count = int((np.abs(values) > bound).sum())
        assert stats.binomtest(count, values.size, expected).pvalue > LEAST_P


def test_uniform_is_open_and_symmetric():
    values = ig.sample_latents(ig.LatentSpec(continuous=4), DRAWS, seed_of(5)).continuous
    assert values.min() > -1.0
    assert values.max() < 1.0
    assert (values == 0.0).sum() == 0


@pytest.mark.parametrize("prior", ["uniform", "normal"])
def test_variables_of_a_row_are_independent(prior):
    spec = ig.LatentSpec(6, (), 6, continuous_prior=prior, noise_prior=prior)
    values = ig.sample_latents(spec, DRAWS // 4, seed_of(6)).input.double()
    assert_uncorrelated(values)
    assert_uncorrelated(values.square())


@pytest.mark.parametrize("other", [{"offset": 1}, {"row_offset": 1}, {"seed": seed_of(8)}])
def test_calls_rows_and_seeds_are_independent(other):
    spec = ig.LatentSpec(4, (16,), 4)
    arguments = {"seed": seed_of(7), **other}
    a = ig.sample_latents(spec, DRAWS // 4, seed_of(7))
    b = ig.sample_latents(spec, DRAWS // 4, **arguments)
    assert_uncorrelated(torch.cat((a.continuous, b.continuous, a.input[:, :4], b.input[:, :4]), dim=1).double())
    table = torch.bincount(a.categorical[:, 0] * 16 + b.categorical[:, 0], minlength=256).reshape(16, 16)
    assert stats.chi2_contingency(table.numpy()).pvalue > LEAST_P


def test_categorical_codes_of_a_row_are_independent():
    codes = ig.sample_latents(ig.LatentSpec(0, (8, 8, 8)), DRAWS, seed_of(9)).categorical
    for i, j in ((0, 1), (0, 2), (1, 2)):
        table = torch.bincount(codes[:, i] * 8 + codes[:, j], minlength=64).reshape(8, 8)
        assert stats.chi2_contingency(table.numpy()).pvalue > LEAST_P


def assert_uncorrelated(values: torch.Tensor) -> None:
    """Every pair of columns: the correlation of n independent pairs is normal with standard deviation 1 / sqrt(n)."""
    correlations = torch.corrcoef(values.T)
    columns = correlations.shape[0]
    pairs = correlations[tuple(torch.triu_indices(columns, columns, offset=1))]
    bound = stats.norm.isf(LEAST_P / pairs.numel()) / np.sqrt(values.shape[0])
    assert pairs.abs().max() < bound
