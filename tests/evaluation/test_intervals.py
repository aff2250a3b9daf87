"""The intervals cover the true value as often as they say."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.evaluation import fraction_interval, mean_interval, recover_codes

REPETITIONS = 2000


def assert_covers_95_in_100(low, high, truth):
    """Within what 2,000 repetitions of an interval that covers 95 in 100 give but once in a million."""
    covered = int(np.sum((low <= truth) & (truth <= high)))
    fewest, most = stats.binom.ppf([5e-7, 1.0 - 5e-7], len(low), 0.95)
    assert fewest <= covered <= most, covered / len(low)


@pytest.mark.parametrize("flipped", [0.5, 0.1, 0.02])
def test_information_through_a_symmetric_channel(flipped):
    """x is c, or with probability p one of the K - 1 others: I = log K + (1-p) log(1-p) + p log(p/(K-1))."""
    categories, generator = 10, np.random.default_rng(0)
    wrong = generator.random((2000, REPETITIONS)) < flipped
    information = math.log(categories) + np.where(wrong, math.log(flipped / (categories - 1)), math.log(1.0 - flipped))
    truth = math.log(categories) - stats.entropy([1.0 - flipped, *[flipped / (categories - 1)] * (categories - 1)])
    assert_covers_95_in_100(*mean_interval(information), truth)


@pytest.mark.parametrize("noise", [0.1, 1.0])
def test_information_through_a_gaussian_channel(noise):
    """x = c + n, n of variance v, c of variance 1: Q(c|x) = N(x / (1 + v), v / (1 + v)) and I = log(1 + 1/v) / 2."""
    generator, variance = np.random.default_rng(1), noise**2
    code = generator.standard_normal((1000, REPETITIONS), dtype=np.float32)
    image = code + noise * generator.standard_normal(code.shape, dtype=np.float32)
    posterior = variance / (1.0 + variance)
    log_q = stats.norm.logpdf(code, image / (1.0 + variance), math.sqrt(posterior))
    entropy = 0.5 * math.log(2.0 * math.pi * math.e)
    assert_covers_95_in_100(*mean_interval(entropy + log_q), 0.5 * math.log(1.0 + 1.0 / variance))


def test_rare_misses_are_covered_where_students_interval_fails():
    generator, probability, size = np.random.default_rng(2), 0.001, 4000
    values = -9.0 * (generator.random((size, REPETITIONS)) < probability)
    low, high = mean_interval(values)
    truth = -9.0 * probability
    assert np.mean((low <= truth) & (truth <= high)) > 0.95
    half = stats.t.ppf(0.975, size - 1) * values.std(0, ddof=1) / math.sqrt(size)
    assert np.mean(np.abs(values.mean(0) - truth) <= half) < 0.93


@pytest.mark.parametrize("skewed", [lambda values: values**4, lambda values: -(values**4)])
def test_the_ends_solve_halls_equation(skewed):
    values = skewed(np.random.default_rng(4).random(30))
    skewness, t = stats.skew(values), stats.t.ppf(0.975, 29)
    for end, quantile in zip(mean_interval(values[:, None]), (t, -t), strict=True):
        w = (values.mean() - end[0]) / values.std(ddof=1)
        g = skewness * (values.std() / values.std(ddof=1)) ** 3
        hall = w + g * w**2 / 3.0 + g**2 * w**3 / 27.0 + g / (6.0 * 30)
        assert math.sqrt(30) * hall == pytest.approx(quantile)


def test_without_skewness_it_is_students_interval():
    values = np.array([[1.0], [2.0], [3.0], [4.0]])
    wanted = stats.t.interval(0.95, 3, 2.5, values.std(ddof=1) / 2.0)
    assert (*mean_interval(values),) == pytest.approx(wanted)


def test_a_constant_has_no_width():
    assert [end.tolist() for end in mean_interval(np.full((5, 2), 0.25))] == [[0.25, 0.25]] * 2
    with pytest.raises(ValueError, match=r"values must be \[N, columns\] with N >= 2, got \[1, 2\]"):
        mean_interval(np.zeros((1, 2)))


def test_fractions():
    assert_covers_95_in_100(*np.transpose([fraction_interval(k, 1000) for k in _hits(0.9)]), 0.9)
    assert fraction_interval(0, 50)[0] == 0.0
    # Wilson's formula at k = n: n / (n + z^2).
    assert fraction_interval(50, 50) == pytest.approx((50 / (50 + stats.norm.ppf(0.975) ** 2), 1.0))


def _hits(fraction):
    return np.random.default_rng(3).binomial(1000, fraction, REPETITIONS)


def noisy_channel(flipped, variance="learned", noise=0.5):
    """G shows the codes with noise, Q knows the exact posterior and says it in the form that ``variance`` asks for."""
    log_variance = math.log(noise**2 / (1.0 + noise**2))
    scale = {"learned": [log_variance], "learned_std": [0.5 * log_variance]}.get(variance, [])

    def generate(latents):
        generator = torch.Generator().manual_seed(int(latents.sum() * 1e3))
        code = latents[:, :4].argmax(1)
        other = torch.randint(1, 4, code.shape, generator=generator)
        code = torch.where(torch.rand(code.shape, generator=generator) < flipped, (code + other) % 4, code)
        value = latents[:, 4:] + noise * torch.randn(len(latents), 1, generator=generator)
        return torch.cat((F.one_hot(code, 4), value), 1)

    def read(x):
        logits = torch.where(x[:, :4] > 0, math.log(1 - flipped), math.log(flipped / 3))
        return torch.cat((logits, x[:, 4:] / (1.0 + noise**2), torch.tensor(scale).expand(len(x), -1)), 1)

    spec = ig.LatentSpec(categorical=(4,), continuous=1, continuous_prior="normal")
    return stand_in(spec, generate, read, variance)


@pytest.mark.parametrize("variance", ["learned", "learned_std", 0.2])
def test_of_recovered_codes(variance):
    result = recover_codes(noisy_channel(0.1, variance), torch.tensor(3), 0, 4000)
    truths = math.log(4) - stats.entropy([0.9, *[0.1 / 3] * 3]), 0.5 * math.log(1.0 + 1.0 / 0.25)
    for bound, (low, high), truth in zip(result.mi_bound_nats, result.mi_bound_ci_nats, truths, strict=True):
        assert low < bound < high
        assert low < truth < high  # of one draw, which is fixed
    # Standard deviation of log Q: that of two values for the channel, and 1/sqrt(2) for the Gaussian's z^2 / 2.
    deviations = math.sqrt(0.09) * math.log(0.9 * 3 / 0.1), math.sqrt(0.5)
    for (low, high), deviation in zip(result.mi_bound_ci_nats, deviations, strict=True):
        assert high - low == pytest.approx(2 * 1.96 * deviation / math.sqrt(4000), rel=0.1)


def test_a_categorical_code_is_not_above_its_entropy():
    result = recover_codes(noisy_channel(0.3), torch.tensor(3), 0, 4)  # some hits, some misses, and a wide interval
    assert result.mi_bound_ci_nats[0][1] == math.log(4)
    assert result.mi_bound_ci_nats[0][0] < result.mi_bound_nats[0] < math.log(4)
