"""Randomness as a function of (seed, step)."""

import pytest
import torch

from infogan_fast.training.augment import Views
from infogan_fast.training.randomness import BatchOrder, LatentSeed, RandomViews

CPU = torch.device("cpu")


def random_views(config, shape, second_view=False, uniform=False):
    return RandomViews(config, torch.empty(shape), second_view, uniform)


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
def test_views_differ_by_update_and_seed(make_config, seed):
    shape = (50, 1, 8, 8)

    def views_of(seed, update):
        return random_views(make_config(seed=seed, instance_noise=0.5), shape)(update)

    drawn = random_views(make_config(seed=seed, instance_noise=0.5), shape)
    first = Views(*(tensor.clone() for tensor in drawn(0)[:2]))
    second = Views(*(tensor.clone() for tensor in drawn(1)[:2]))
    assert first.noise.shape == (3, *shape)
    assert first.points.shape == (3, 50, 8, 8, 2)
    assert float(first.noise.std()) == pytest.approx(0.5, rel=0.05)
    assert abs(float(torch.corrcoef(torch.stack((first.noise.flatten(), second.noise.flatten())))[0, 1])) < 0.05
    for a, b in zip(drawn(0)[:2], first[:2], strict=True):
        assert torch.equal(a, b)
    for other in (second, views_of(seed ^ 1, 0)):
        for a, b in zip(first[:2], other[:2], strict=True):
            assert not torch.equal(a, b)


def test_everything_is_refilled_in_place(make_config):
    drawn = random_views(make_config(instance_noise=0.5), (2, 1, 8, 8), second_view=True, uniform=True)
    drawn(0)
    kept = (*drawn.views[:2], *drawn.second_view[:2], drawn.uniform)
    before = [(tensor.data_ptr(), tensor.clone()) for tensor in kept]
    assert drawn(1) is drawn.views
    for tensor, now, (address, content) in zip(
        kept, (*drawn.views[:2], *drawn.second_view[:2], drawn.uniform), before, strict=True
    ):
        assert tensor is now
        assert tensor.data_ptr() == address
        assert not torch.equal(tensor, content)


def test_a_second_view_leaves_the_other_views_as_they_are(make_config):
    shape = (40, 1, 8, 8)
    plain = random_views(make_config(instance_noise=0.5), shape)
    twice = random_views(make_config(instance_noise=0.5), shape, second_view=True)
    for update in (0, 7):
        for tensor, other in zip(plain(update)[:2], twice(update)[:2], strict=True):
            assert torch.equal(tensor, other)
    assert plain.second_view is None
    assert twice.second_view.points.shape == (1, 40, 8, 8, 2)
    assert float(twice.second_view.noise.std()) == pytest.approx(0.25, rel=0.1)
    first = twice.second_view.points.clone()
    twice(0)
    assert not torch.equal(twice.second_view.points, first)
    twice(7)
    assert torch.equal(twice.second_view.points, first)


def test_uniform_numbers_leave_the_views_as_they_are(make_config):
    shape = (400, 1, 8, 8)
    plain, more = (random_views(make_config(), shape, True, uniform) for uniform in (False, True))
    for update in (0, 3):
        pairs = zip(
            (*plain(update)[:2], *plain.second_view[:2]), (*more(update)[:2], *more.second_view[:2]), strict=True
        )
        assert all(torch.equal(a, b) for a, b in pairs)
    assert plain.uniform is None
    assert more.uniform.shape == (400,)
    assert 0.0 <= float(more.uniform.min()) < 0.05 < 0.95 < float(more.uniform.max()) < 1.0


def test_without_noise_or_maps_of_its_own_the_second_view_is_still_moved(make_config):
    config = make_config(instance_noise=0.0, shear=0.0, rotation=0.0)
    drawn = random_views(config, (4, 1, 8, 8), second_view=True)
    assert drawn(3) == (None, None, None)
    assert drawn.second_view.noise is None
    assert drawn.second_view.points is not None


def test_without_noise_or_maps_an_image_is_left_as_it_is(make_config):
    images = torch.rand(4, 1, 8, 8)
    views = random_views(make_config(instance_noise=0.0, shear=0.0, rotation=0.0), images.shape)(3)
    assert views == (None, None, None)
    assert torch.equal(views.augment(images, 1), images)


@pytest.mark.parametrize("shape", [(6, 2), (6, 3, 50)])
def test_what_is_no_image_gets_noise_alone(make_config, shape):
    data = torch.zeros(shape)
    drawn = random_views(make_config(instance_noise=0.5), shape, second_view=True)
    views = drawn(0)
    assert views.points is drawn.second_view.points is None
    assert views.augment(data, 0).shape == shape
    assert 0.1 < float(views.augment(data, 0).std()) < 1.0


def test_dtype_is_that_of_the_data(make_config):
    drawn = RandomViews(make_config(), torch.empty(4, 1, 8, 8, dtype=torch.float64), True, True)
    drawn(0)
    assert {t.dtype for t in (*drawn.views[:2], *drawn.second_view[:2], drawn.uniform)} == {torch.float64}


def test_latent_seeds_of_two_runs_do_not_meet():
    first, second = LatentSeed(0, CPU), LatentSeed(1, CPU)
    assert int(first(7)) == 7
    assert int(second(0)) == 2**32
    assert first(1) is first(2)
