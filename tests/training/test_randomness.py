"""Randomness as a function of (seed, step)."""

import pytest
import torch

from infogan_fast.training.randomness import BatchOrder, LatentSeedAtStep, RandomViews
from infogan_fast.training.views import Views

CPU = torch.device("cpu")


def test_an_epoch_shows_every_image_once():
    order = BatchOrder(0, 12, 4, CPU)
    epochs = [torch.cat([order(3 * epoch + batch) for batch in range(3)]) for epoch in range(2)]
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(12))
    assert not torch.equal(*epochs)


def test_order_does_not_depend_on_where_it_starts():
    first, second = BatchOrder(3, 10, 4, CPU), BatchOrder(3, 10, 4, CPU)
    batches = [first(step).clone() for step in range(7)]
    assert torch.equal(second(5), batches[5])
    assert torch.equal(second(1), batches[1])
    assert not torch.equal(BatchOrder(4, 10, 4, CPU)(0), batches[0])


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_views_differ_by_step_and_seed(make_config, seed):
    shape = (50, 1, 8, 8)

    def views_of(seed, step):
        return RandomViews(make_config(seed=seed, instance_noise=0.5), CPU, shape)(step)

    random_views = RandomViews(make_config(seed=seed, instance_noise=0.5), CPU, shape)
    first = Views(*(tensor.clone() for tensor in random_views(0)))
    second = Views(*(tensor.clone() for tensor in random_views(1)))
    assert first.noise.shape == (3, *shape)
    assert first.points.shape == (3, 50, 8, 8, 2)
    assert float(first.noise.std()) == pytest.approx(0.5, rel=0.05)
    assert abs(float(torch.corrcoef(torch.stack((first.noise.flatten(), second.noise.flatten())))[0, 1])) < 0.05
    for a, b in zip(random_views(0), first, strict=True):
        assert torch.equal(a, b)
    for other in (second, views_of(seed ^ 1, 0)):
        for a, b in zip(first, other, strict=True):
            assert not torch.equal(a, b)


def test_views_are_refilled_in_place(make_config):
    random_views = RandomViews(make_config(instance_noise=0.5, real_information=1.0), CPU, (2, 1, 8, 8))
    random_views(0)
    kept, again = random_views.views, random_views.again
    before = [(tensor.data_ptr(), tensor.clone()) for tensor in (*kept, *again)]
    assert random_views(1) is kept
    assert random_views.again is again
    for tensor, (address, content) in zip((*kept, *again), before, strict=True):
        assert tensor.data_ptr() == address
        assert not torch.equal(tensor, content)


def test_seeing_the_real_images_again_leaves_the_other_views_as_they_are(make_config):
    shape = (40, 1, 8, 8)
    plain = RandomViews(make_config(instance_noise=0.5), CPU, shape)
    twice = RandomViews(make_config(instance_noise=0.5, real_information=1.0), CPU, shape)
    for step in (0, 7):
        for tensor, other in zip(plain(step), twice(step), strict=True):
            assert torch.equal(tensor, other)
    assert plain.again is None
    assert twice.again.points.shape == (1, 40, 8, 8, 2)
    assert float(twice.again.noise.std()) == pytest.approx(0.25, rel=0.1)
    first = twice.again.points.clone()
    twice(0)
    assert not torch.equal(twice.again.points, first)
    twice(7)
    assert torch.equal(twice.again.points, first)


def test_without_categorical_codes_the_real_images_are_not_seen_again(make_config):
    assert RandomViews(make_config(categorical=(), real_information=1.0), CPU, (4, 1, 8, 8)).again is None


def test_without_noise_or_maps_of_its_own_the_other_view_is_still_moved(make_config):
    config = make_config(instance_noise=0.0, shear=0.0, rotation=0.0, real_information=1.0)
    random_views = RandomViews(config, CPU, (4, 1, 8, 8))
    assert random_views(3) == (None, None)
    assert random_views.again.noise is None
    assert random_views.again.points is not None


def test_without_noise_or_maps_an_image_is_seen_as_it_is(make_config):
    images = torch.rand(4, 1, 8, 8)
    views = RandomViews(make_config(instance_noise=0.0, shear=0.0, rotation=0.0), CPU, images.shape)(3)
    assert views.points is None
    assert views.noise is None
    assert torch.equal(views.see(images, 1), images)


def test_latent_seeds_of_two_runs_do_not_meet():
    first, second = LatentSeedAtStep(0, CPU), LatentSeedAtStep(1, CPU)
    assert int(first(7)) == 7
    assert int(second(0)) == 2**32
    assert first(1) is first(2)
