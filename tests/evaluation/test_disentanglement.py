"""The scores on representations made by hand, whose scores are known.

Factors are drawn independently and evenly. A tolerance is five standard deviations of what the draws may do, or what it
is derived from stands beside it.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.data.stored import HeldImages
from infogan_fast.evaluation.disentanglement import Representation, dci, disentanglement_scores, mig, represent, scores
from infogan_fast.evaluation.disentanglement.dci import disentanglement
from infogan_fast.evaluation.disentanglement.factor_vae import variances

FIT, TEST = 3000, 1500
POINTS = 5000  # of FactorVAE and BetaVAE on the test images
SIZES = (2, 3, 4)


def factors(count, seed, sizes=SIZES):
    generator = np.random.default_rng(seed)
    return np.stack([generator.integers(0, size, count) for size in sizes], axis=1)


def scored(codes_of, categories=None, sizes=SIZES):
    """The scores of codes ``codes_of(values of the factors from -1 to 1, generator)``."""
    parts = []
    for seed, count in enumerate((FIT, TEST)):
        indices = factors(count, seed, sizes)
        values = 2.0 * indices / (np.array(sizes) - 1.0) - 1.0
        codes = indices.astype(float) if categories else codes_of(values, np.random.default_rng(10 + seed))
        parts.append(Representation(codes, indices, categories or (0,) * codes.shape[1]))
    return scores(*parts, seed=0)


def information_by_chance(rows, columns):
    """What two independent variables seem to share in FIT images: 2 N I has a chi-square distribution; one in 10^6."""
    return stats.chi2.ppf(1.0 - 1e-6, (rows - 1) * (columns - 1)) / (2.0 * FIT)


def binomial(fraction, count):
    """Five standard deviations of a fraction."""
    return 5.0 * math.sqrt(fraction * (1.0 - fraction) / count)


def perfect(values, generator):
    return values


def test_each_factor_in_a_code_of_its_own():
    result = scored(perfect)
    assert (result["factor_vae"], result["beta_vae"]) == (1.0, 1.0)
    assert result["dci"] == pytest.approx(1.0, abs=1e-6)
    lost = [information_by_chance(size, 4) / math.log(size) for size in SIZES]
    assert 1.0 - np.mean(lost) < result["mig"] <= 1.0


def test_the_same_in_discrete_codes():
    """One-hot, a value is predicted without error from its code and by chance from any other: SAP is 1 - 1/K."""
    result = scored(None, categories=SIZES)
    assert (result["factor_vae"], result["beta_vae"]) == (1.0, 1.0)
    assert result["dci"] == pytest.approx(1.0, abs=1e-6)
    assert result["mig"] == pytest.approx(scored(perfect)["mig"])
    wanted = np.mean([1.0 - 1.0 / size for size in SIZES])
    assert result["sap"] == pytest.approx(wanted, abs=binomial(0.5, TEST) + binomial(0.5, FIT))


def test_a_discrete_code_of_many_categories_is_not_cut_into_bins():
    """Of 30 categories each stands for a value; 20 bins of a continuous code mix ten pairs of 30 values."""
    indices = factors(FIT, 0, (30, 30))
    gaps = [mig(Representation(indices.astype(float), indices, categories)) for categories in ((30, 30), (0, 0))]
    by_chance = information_by_chance(30, 30) / math.log(30)
    assert 1.0 - by_chance < gaps[0] <= 1.0
    # What a pair hides is log 2 for two values in three.
    assert gaps[1] < 1.0 - 2.0 / 3.0 * math.log(2) / math.log(30) + binomial(2 / 3, FIT)


def test_sap_of_factors_with_two_values():
    """A line separates two values: 1 - 1/2."""
    result = scored(perfect, sizes=(2, 2, 2))
    assert result["sap"] == pytest.approx(0.5, abs=binomial(0.5, TEST))


def test_the_numbers_of_categories_mean_nothing():
    parts, renamed = [], []
    order = [np.random.default_rng(size).permutation(size) for size in (7, 6)]
    for seed, count in enumerate((FIT, TEST)):
        indices = factors(count, seed, (7, 6))
        noisy = np.where(np.random.default_rng(seed).random(indices.shape) < 0.3, indices[:, ::-1] % 6, indices)
        parts.append(Representation(noisy.astype(float), indices, (7, 6)))
        other = np.stack([order[column][noisy[:, column]] for column in (0, 1)], axis=1)
        renamed.append(Representation(other.astype(float), indices, (7, 6)))
    one, two = scores(*parts, seed=0), scores(*renamed, seed=0)
    for name in ("factor_vae", "mig", "beta_vae"):
        assert one[name] == pytest.approx(two[name]), name
    assert one["sap"] == pytest.approx(two["sap"], abs=1e-3)  # the solver stops at a tolerance
    assert one["dci"] == pytest.approx(two["dci"], abs=0.02)  # ties between columns are broken otherwise


def test_the_order_of_the_codes_means_nothing():
    result, permuted = scored(perfect), scored(lambda values, _: values[:, [2, 0, 1]])
    assert permuted == pytest.approx(result, abs=1e-6)


def rotated(values, generator, spread=1.0):
    first, second = values[:, 0], values[:, 1] * spread
    return np.stack((first + second, first - second), axis=1) / math.sqrt(2.0)


def test_two_factors_turned_by_45_degrees():
    """Both codes tell as much of both factors: gaps are 0, importances even, and the votes a coin's toss."""
    result = scored(rotated, sizes=(5, 5))
    # I is the mean of log p(f, s) / p(f) p(s), from log 1 to log 5 for a sum s of two factors with 5 values: its
    # standard deviation is below 0.81.
    assert 0.0 <= result["mig"] < 5.0 * math.sqrt(2.0) * 0.81 / math.sqrt(FIT) / math.log(5)
    assert 0.0 <= result["sap"] < math.sqrt(2.0) * binomial(0.5, TEST)
    assert result["factor_vae"] == pytest.approx(0.5, abs=binomial(0.5, POINTS))
    assert result["beta_vae"] == pytest.approx(0.5, abs=binomial(0.5, POINTS))
    # A code that serves one factor with 0.6 and the other with 0.4 has 1 - H_2(0.6) = 0.029.
    assert result["dci"] < 0.029


def test_beta_vae_does_not_see_a_rotation_of_unequal_factors():
    """Pairs differ in both codes by as much as the other factor does, of which the size tells which it is."""
    result = scored(lambda values, generator: rotated(values, generator, 0.2), sizes=(5, 5))
    assert result["beta_vae"] == 1.0
    assert result["factor_vae"] == pytest.approx(0.5, abs=binomial(0.5, POINTS))


def test_codes_that_know_nothing():
    result = scored(lambda values, generator: generator.uniform(-1.0, 1.0, (len(values), 4)))
    assert result["factor_vae"] == pytest.approx(1 / 3, abs=2 * binomial(1 / 3, POINTS))
    assert result["beta_vae"] == pytest.approx(1 / 3, abs=2 * binomial(1 / 3, POINTS))
    assert 0.0 <= result["mig"] < np.mean([information_by_chance(size, 20) / math.log(size) for size in SIZES])
    assert 0.0 <= result["sap"] < 2.0 * binomial(0.5, TEST)
    # Importances from 0.8 to 1.2 of what they are when even: 1 - H_3 is below 0.2^2 / (2 log 3) = 0.018.
    assert 0.0 <= result["dci"] < 0.018


def test_constant_codes():
    result = scored(lambda values, _: np.full((len(values), 3), 0.3))
    beta_vae = result.pop("beta_vae")
    assert result == {"factor_vae": 0.0, "mig": 0.0, "sap": 0.0, "dci": 0.0}
    assert beta_vae == pytest.approx(1 / 3, abs=binomial(1 / 3, POINTS))


def test_a_constant_code_beside_perfect_ones_changes_nothing():
    result = scored(lambda values, _: np.concatenate((values, np.zeros((len(values), 1))), axis=1))
    wanted = scored(perfect)
    # SAP's second best is now the best of three that know nothing.
    assert result.pop("sap") == pytest.approx(wanted.pop("sap"), abs=binomial(0.5, TEST))
    assert result == pytest.approx(wanted, abs=1e-6)


def test_codes_that_all_occur_twice():
    """No code is ahead of its double; nothing else is lost."""
    result = scored(lambda values, _: np.concatenate((values, values), axis=1))
    assert (result["mig"], result["sap"]) == (0.0, 0.0)
    assert (result["factor_vae"], result["beta_vae"]) == (1.0, 1.0)
    assert result["dci"] == pytest.approx(1.0, abs=1e-6)


def test_one_code_alone_is_compared_with_a_constant():
    result = scored(lambda values, _: values[:, :1], sizes=(2, 2))
    assert result["mig"] == pytest.approx(0.5, abs=information_by_chance(2, 2) / math.log(2))
    assert result["sap"] == pytest.approx(0.25, abs=binomial(0.5, TEST))
    # It always varies least, and is taken for the factor that it shows or for the other.
    assert result["factor_vae"] == pytest.approx(0.5, abs=binomial(0.5, POINTS))


def test_dci_of_importances_in_the_papers_formula():
    """One code serves one factor, with half of all importance; one serves two, in thirds and two thirds."""
    importance = np.array([[1.0, 0.0], [0.0, 0.0], [1 / 3, 2 / 3]])
    mixed = 1.0 - stats.entropy([1 / 3, 2 / 3], base=2)
    assert disentanglement(importance) == pytest.approx(0.5 + 0.5 * mixed)


def test_variance_of_a_discrete_code_is_that_of_its_one_hot_vector():
    codes = np.random.default_rng(0).integers(0, 4, (3, 10, 1)).astype(float)
    wanted = np.eye(4)[codes[..., 0].astype(int)].var(axis=1, ddof=1).sum(-1)
    np.testing.assert_allclose(variances(codes, (4,))[:, 0], wanted)


def test_the_same_scores_for_the_same_seed():
    part = Representation(np.random.default_rng(0).normal(size=(200, 2)), factors(200, 1), (0, 0))
    assert scores(part, part, seed=1) == scores(part, part, seed=1)
    assert dci(part, np.random.default_rng(1)) != dci(part, np.random.default_rng(2))


def test_what_a_representation_must_be():
    with pytest.raises(ValueError, match=r"got \[3, 2\], \[4, 1\] and \[2\]"):
        Representation(np.zeros((3, 2)), np.zeros((4, 1), dtype=np.int64), (0, 0))
    with pytest.raises(ValueError, match=r"column 1 must hold categories from 0 to 2, got 0.0 to 3.0"):
        Representation(np.array([[0.0, 0.0], [0.0, 3.0]]), np.zeros((2, 1), dtype=np.int64), (0, 3))
    with pytest.raises(ValueError, match=r"factors must be >= 0, of at least one image"):
        Representation(np.zeros((2, 1)), np.full((2, 1), -1), (0,))


def two_pixels(images):
    """Q's output: the category is the value of the first pixel, the mean that of the second."""
    first, second = (images[:, 0, 0, :2] * 255).round().T
    return torch.stack((-first.square(), -(first - 1).square(), -(first - 2).square(), second, first * 0), dim=1)


MODEL = stand_in(ig.LatentSpec(noise=1, categorical=(3,), continuous=1), q=two_pixels, variance="learned")


def images_of(values):
    values = torch.as_tensor(values, dtype=torch.uint8)
    return values[:, None, None, :].expand(-1, 1, 2, -1).contiguous()


def known(count, seed=0):
    return torch.from_numpy(factors(count, seed, (3, 4)))


def test_images_as_their_codes():
    values, rows = known(7), np.array([0, 3, 6])
    result = represent(MODEL, images_of(values), values, rows)
    assert result.categories == (3, 0)
    np.testing.assert_array_equal(result.codes, values.numpy()[rows])
    np.testing.assert_array_equal(result.factors, values.numpy()[rows])
    stored = represent(MODEL, HeldImages("x", images_of(values)), values, rows)
    np.testing.assert_array_equal(stored.codes, result.codes)


def test_of_a_data_set():
    train, heldout = known(300), known(90, 1)
    names = {"factor_names": ("a", "b"), "factor_sizes": (3, 4)}
    data = ImageData(
        "x",
        images_of(train),
        heldout_images=images_of(heldout),
        factors=train,
        heldout_factors=heldout,
        **names,
    )
    result = disentanglement_scores(MODEL, data, 0)
    split = disentanglement_scores(MODEL, ImageData("x", data.images, factors=train, **names), 0)
    assert (result["images"], result["test_images"], result["factors"]) == (300, 90, ["a", "b"])
    assert (split["images"], split["test_images"]) == (200, 100)
    for found in (result, split):
        assert (found["factor_vae"], found["beta_vae"]) == (1.0, 1.0)


def test_no_scores_where_there_is_nothing_to_tell_apart():
    train = known(30)
    names = {"factor_names": ("a", "b"), "factor_sizes": (3, 4)}
    assert disentanglement_scores(MODEL, ImageData("x", images_of(train)), 0) is None
    constant = train.clone()
    constant[:, 1] = 2
    without_codes = stand_in(ig.LatentSpec(noise=1))
    assert disentanglement_scores(MODEL, ImageData("x", images_of(train), factors=constant, **names), 0) is None
    assert disentanglement_scores(without_codes, ImageData("x", images_of(train), factors=train, **names), 0) is None
    heldout = {"heldout_images": images_of(constant), "heldout_factors": constant}
    data = ImageData("x", images_of(train), factors=train, **heldout, **names)
    assert disentanglement_scores(MODEL, data, 0) is None
    one = ImageData("x", images_of(train[:1]), factors=train[:1], **names)
    assert disentanglement_scores(MODEL, one, 0) is None
