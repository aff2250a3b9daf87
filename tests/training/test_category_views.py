"""Views that the categories are read off: what is ignored differs from view to view, and nothing else."""

import pytest
import torch
from torch import nn

from infogan_fast.networks.images import CategoricalNetwork
from infogan_fast.training.category_views import CategoryViews, RandomChanges
from infogan_fast.training.ignore import KINDS, ignored

NOTHING = tuple(f"{name}:0" for name in KINDS)


def only(*names):
    """The strengths of what is named; other kinds are off."""
    kinds = {name.partition(":")[0] for name in names}
    return ignored((*names, *(f"{name}:0" for name in KINDS if name not in kinds)))


def changes(limits, like, count=1, seed=0):
    drawn = RandomChanges(limits, like, count)
    drawn.draw(torch.Generator().manual_seed(seed))
    return drawn


@pytest.fixture
def images():
    return torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_nothing_ignored_is_the_image_itself(images):
    assert torch.equal(changes(ignored(NOTHING), images).augment(images, 0), images)


def test_flips_are_as_frequent_as_they_should_be():
    images = torch.rand(2000, 1, 4, 4, dtype=torch.float64)
    for fraction in (0.5, 0.1, 1.0):
        seen = changes(only(f"flip:{fraction}"), images).augment(images, 0)
        flipped = (seen - images.flip(3)).abs().amax((1, 2, 3)) < 1e-9
        same = (seen - images).abs().amax((1, 2, 3)) < 1e-9
        assert bool((flipped ^ same).all())
        assert float(flipped.double().mean()) == pytest.approx(fraction, abs=0.04)


def test_colour_leaves_a_mixture_of_the_channels_in_grey(images):
    seen = changes(only("colour"), images).augment(images, 0)
    assert torch.equal(seen[:, 0], seen[:, 1])
    assert torch.equal(seen[:, 0], seen[:, 2])
    assert bool((seen <= images.amax(1, keepdim=True) + 1e-9).all())
    assert bool((seen >= images.amin(1, keepdim=True) - 1e-9).all())
    solved = torch.linalg.lstsq(images.flatten(2).transpose(1, 2), seen[:, 0].flatten(1)[:, :, None]).solution
    assert torch.allclose(solved.sum(1), torch.ones(6, 1, dtype=torch.float64))
    assert float(solved.std(0).mean()) > 0.1
    half = changes(only("colour:0.5"), images).augment(images, 0)
    assert torch.allclose(half, 0.5 * (images + seen))


def test_grey_images_have_no_colour_to_forget():
    grey = torch.rand(5, 1, 8, 8)
    assert torch.allclose(changes(only("colour"), grey).augment(grey, 0), grey)


def test_rotation_turns_about_the_centre():
    images = torch.zeros(400, 1, 17, 17, dtype=torch.float64)
    images[:, :, 8, 8:15] = 1.0  # a hand that points right
    seen = changes(only("rotation:90"), images).augment(images, 0)
    y, x = torch.meshgrid(*(torch.arange(17.0, dtype=torch.float64) - 8,) * 2, indexing="ij")
    angle = torch.atan2((seen * y).sum((1, 2, 3)), (seen * x).sum((1, 2, 3))).rad2deg()
    assert float(angle.abs().max()) < 92.0
    assert float(angle.std()) == pytest.approx(90.0 / 3**0.5, rel=0.1)


def test_shift_and_scale_and_crop_stay_within_their_limits():
    images = torch.zeros(500, 1, 33, 33, dtype=torch.float64)
    images[:, :, 12:21, 12:21] = 1.0
    y, x = torch.meshgrid(*(torch.arange(33.0, dtype=torch.float64) - 16,) * 2, indexing="ij")

    def moments(names):
        seen = changes(only(*names), images).augment(images, 0)[:, 0]
        mass = seen.sum((1, 2))
        return (seen * x).sum((1, 2)) / mass / 33, (seen * y).sum((1, 2)) / mass / 33, mass.sqrt() / 9

    across, down, size = moments(["shift:0.25"])
    assert 0.2 < float(across.abs().max()) < 0.26
    assert 0.2 < float(down.abs().max()) < 0.26
    assert abs(float(torch.corrcoef(torch.stack((across, down)))[0, 1])) < 0.15
    assert torch.allclose(size, torch.ones_like(size), atol=0.02)
    across, down, size = moments(["scale:0.5"])
    assert float(across.abs().max()) < 0.01
    assert 0.56 < float(size.min()) < 0.65  # e^-0.5, less what falls between pixels
    assert 1.5 < float(size.max()) < 1.66
    across, _, size = moments(["crop:0.5"])
    assert float(size.min()) > 0.98
    assert 1.3 < float(size.max()) < 1.43
    assert float(across.abs().max()) > 0.05


def test_blur_keeps_the_mean_and_lessens_the_detail(images):
    padded = torch.nn.functional.pad(images, (4, 4, 4, 4), mode="replicate")
    seen = changes(only("blur"), padded).augment(padded, 0)
    detail = [(x[..., 1:] - x[..., :-1]).abs().mean((1, 2, 3)) for x in (padded, seen)]
    assert bool((detail[1] < detail[0]).all())
    flat = torch.full((2, 3, 8, 8), 0.3)
    assert torch.allclose(changes(only("blur"), flat).augment(flat, 0), flat)


def test_gradients_reach_the_images(images):
    limits = ignored(("rotation", "colour:0.5", "blur", "crop", "flip"))
    drawn = changes(limits, images[:2, :, :4, :4])
    small = images[:2, :, :4, :4].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: drawn.augment(x, 0), (small,))


def test_views_are_drawn_from_the_generator_alone(images):
    limits = ignored(("rotation", "colour", "blur"))
    views = changes(limits, images, 2)
    both = views.augment(torch.cat((images, images)), 0, 1)
    assert not torch.allclose(both[:6], both[6:])
    assert torch.equal(views.augment(images, 1), both[6:])
    assert torch.equal(changes(limits, images, 2).augment(torch.cat((images, images)), 0, 1), both)
    assert not torch.equal(changes(limits, images, 2, seed=1).augment(torch.cat((images, images)), 0, 1), both)


@pytest.mark.parametrize("pairs", [0, 1, 3])
def test_batches_of_an_update(images, pairs):
    views = CategoryViews(ignored(NOTHING), images, pairs, nn.Identity())
    views.draw(torch.Generator().manual_seed(0))
    fake = images.flip(0)
    if pairs > 0:
        assert torch.equal(views.of_real(images), torch.cat([images] * (2 * pairs)))
    assert torch.equal(views.of_discriminator(fake), fake)
    assert torch.equal(views.of_generator(fake), fake)


def test_views_of_a_categorical_network_are_what_its_layers_take():
    larger = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    network = CategoricalNetwork((3, 64, 64), 5, 0.1, standardised=False).eval()
    views = CategoryViews(ignored(NOTHING), larger, 1, network)
    views.draw(torch.Generator().manual_seed(0))
    with torch.no_grad():
        for seen in (views.of_real(larger), views.of_discriminator(larger), views.of_generator(larger)):
            assert seen.shape[1:] == (3, 32, 32)
            assert torch.allclose(network.layers(seen), network(larger).repeat(len(seen) // 6, 1), atol=1e-5)


def test_views_without_colour_are_standardised_and_differ_in_contrast():
    images = torch.rand(200, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    network = CategoricalNetwork((3, 16, 16), 5, 0.1).eval()
    views = CategoryViews(only("colour"), images, 1, network)
    views.draw(torch.Generator().manual_seed(0))
    seen = torch.cat((views.of_real(images), views.of_discriminator(images)))
    assert seen.shape == (600, 1, 16, 16)
    contrast = seen.std((1, 2, 3), correction=0)
    assert 0.38 < float(contrast.min()) < 0.45
    assert 1.55 < float(contrast.max()) < 1.61
    assert abs(float(torch.corrcoef(torch.stack((contrast[:200], contrast[200:400])))[0, 1])) < 0.2
    grey = images.mean(1, keepdim=True)
    along = (seen[:200] * (grey - grey.mean((2, 3), keepdim=True))).mean((1, 2, 3))
    assert bool((along > 0.0).all())  # bright stays bright


def test_views_of_a_pair_and_of_both_players_differ(images):
    views = CategoryViews(ignored(()), images, 1, nn.Identity())
    views.draw(torch.Generator().manual_seed(0))
    (first, second), fake = views.of_real(images).chunk(2), views.of_discriminator(images)
    for one, other in ((first, second), (second, fake), (fake, views.of_generator(images))):
        assert not torch.allclose(one, other)
