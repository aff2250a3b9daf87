"""How much images differ, against distances known by construction."""

import numpy as np
import pytest
import torch
from real_digits import SEED, Good, digits
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data.stored import HeldImages
from infogan_fast.evaluation.diversity import category_diversity, diversity, diversity_per_category, nearest, small


def test_images_of_two_kinds():
    """Two of N images differ by 100, or not: the mean over pairs of different images is known."""
    images = torch.zeros(40, 3, 16, 20, dtype=torch.uint8)
    images[:20] = 100
    assert diversity(small(images), 0) == pytest.approx(100 * 20 / 39, rel=0.05)
    assert diversity(small(images), 0) == diversity(small(images), 0)
    assert diversity(small(images[:1]), 0) is None
    assert diversity(small(images[:20]), 0) == 0.0
    assert diversity(small(images[19:21]), 0) == pytest.approx(100.0)


def test_the_most_similar_other_image():
    vectors = torch.tensor([0.0, 10.0, 100.0])[:, None].expand(-1, 7)
    assert nearest(vectors) == pytest.approx((10.0 + 10.0 + 90.0) / 3)
    assert nearest(vectors.repeat(2, 1)) == 0.0
    assert nearest(vectors[:1]) is None
    first, second = (nearest(small(images[:500])) for images, _ in digits())
    assert first == pytest.approx(second, rel=0.1)


def test_fine_noise_is_averaged_away_and_small_images_are_kept():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (100, 1, 64, 64), dtype=torch.uint8, generator=generator)
    assert diversity(small(noise), 0) == pytest.approx(74.0 / 8 * 2**0.5, rel=0.05)
    assert torch.equal(small(noise[..., :3, :5]), noise[..., :3, :5].flatten(1).float())
    assert small(torch.zeros(2, 3, 5, 30, dtype=torch.uint8)).shape == (2, 3 * 5 * 8)


def test_within_categories():
    vectors = torch.tensor([0.0, 50.0]).repeat(30)[:, None].expand(-1, 4)
    categories = np.array([0, 1] * 20 + [2] * 20)
    assert diversity_per_category(vectors, categories, 4, 0) == [0.0, 0.0, pytest.approx(50 * 10 / 19, rel=0.05), None]
    assert diversity_per_category(vectors, np.array([0] * 41 + [1] * 19), 2, 0)[1] is None


def test_two_halves_of_real_digits_are_as_diverse():
    first, second = (diversity(small(images), 0) for images, _ in digits())
    assert first == pytest.approx(second, rel=0.03)


def test_of_a_generator_that_draws_from_the_data():
    good, (images, _) = Good(), digits()[1]
    found = category_diversity(good.model(), images, SEED, 1)
    made, real = found["category_diversity"][0], found["category_diversity_real"][0]
    assert made == pytest.approx(real, rel=0.15)
    assert category_diversity(good.model(), HeldImages("x", images), SEED, 1) == found
    none = category_diversity(stand_in(ig.LatentSpec(noise=1, continuous=1)), images, SEED, 1)
    assert none == {"category_diversity": [], "category_diversity_real": []}
