"""The affine maps that D and Q see images through."""

import pytest
import torch
import torch.nn.functional as F

from infogan_fast.training.augment import AffineRange, Views, affine_maps, mapped, pixel_centres

CORNERS = torch.tensor([-1.0, 1.0])


def see(images, uniform, shear, rotation):
    points = mapped(affine_maps(uniform, AffineRange(shear, rotation))[None], pixel_centres(*images.shape[2:]))
    return Views(points, torch.zeros(1, *images.shape)).augment(images, 0)


def test_the_middle_of_the_ranges_is_the_identity():
    images = torch.rand(3, 2, 12, 12)
    torch.testing.assert_close(see(images, torch.zeros(3, 2), 0.3, 20.0), images)


def test_maps_stay_within_their_ranges():
    extremes = torch.cartesian_prod(CORNERS, CORNERS)
    maps = affine_maps(extremes, AffineRange(0.3, 30.0))
    assert maps.shape == (4, 2, 3)
    assert maps[:, 1, 0].abs().tolist() == pytest.approx([0.5] * 4)  # sin of 30 degrees
    torch.testing.assert_close((maps[:, 0, 1] + maps[:, 1, 0]).abs(), torch.full((4,), 0.3))
    assert not maps[:, :, 2].any()


def test_rotation_by_a_quarter_turn():
    images = torch.rand(1, 1, 8, 8)
    turned = see(images, torch.tensor([[0.0, 1.0]]), 0.0, 90.0)
    torch.testing.assert_close(turned, torch.rot90(images, 1, (2, 3)), atol=1e-5, rtol=0.0)


def test_shear_moves_rows_sideways_in_proportion_to_their_height():
    images = torch.zeros(1, 1, 9, 9)
    images[..., 4] = 1.0  # a vertical line
    sheared = see(images, torch.tensor([[1.0, 0.0]]), 0.5, 0.0)
    columns = (sheared[0, 0] * torch.arange(9.0)).sum(1) / sheared[0, 0].sum(1)
    torch.testing.assert_close(columns, 4.0 - 0.5 * (torch.arange(9.0) - 4.0), atol=1e-4, rtol=0.0)


def moved(images, uniform, **limits):
    points = mapped(affine_maps(uniform, AffineRange(0.0, 0.0, **limits))[None], pixel_centres(*images.shape[2:]))
    return Views(points, None).augment(images, 0)


def test_shifts_are_shares_of_a_side():
    images = torch.rand(1, 1, 8, 8)
    shifted = moved(images, torch.tensor([[0.0, 0.0, 0.0, 1.0, -1.0]]), shift=0.25)  # two pixels
    torch.testing.assert_close(shifted[..., 2:, :-2], images[..., :-2, 2:])
    assert not shifted[..., :2, :].any()
    assert not shifted[..., -2:].any()


def test_scales_are_ratios_of_lengths():
    # Where pixel centres fall on pixel centres: a third of the image is seen three times as large.
    images = torch.rand(1, 1, 9, 9)
    numbers = torch.tensor([[0.0, 0.0, -1.0, 0.0, 0.0]])
    enlarged = moved(images, numbers, scale=float(torch.tensor(3.0).log()))
    torch.testing.assert_close(enlarged[..., 1::3, 1::3], images[..., 3:6, 3:6])


def test_how_many_numbers_a_map_takes():
    assert AffineRange(0.3, 5.0).numbers == 2
    assert AffineRange(0.3, 5.0, scale=0.1).numbers == AffineRange(0.0, 0.0, shift=0.1).numbers == 5


def test_gradients_reach_the_images():
    images = torch.rand(2, 1, 8, 8, requires_grad=True)
    see(images, torch.tensor([[0.5, -0.5], [1.0, 1.0]]), 0.3, 5.0).sum().backward()
    assert images.grad.abs().sum() > 0


def test_every_view_has_its_own_noise():
    images, noise = torch.rand(2, 1, 4, 4), torch.rand(3, 2, 1, 4, 4)
    for view in range(3):
        assert torch.equal(Views(None, noise).augment(images, view), images + noise[view])


def test_several_views_at_once_are_the_same_as_one_by_one():
    images, points, noise = torch.rand(6, 1, 4, 4), torch.rand(3, 2, 4, 4, 2), torch.rand(3, 2, 1, 4, 4)
    views = Views(points, noise)
    expected = torch.cat([views.augment(batch, view) for view, batch in zip((1, 2), images[:4].split(2), strict=True)])
    torch.testing.assert_close(views.augment(images[:4], 1, 2), expected)


@pytest.mark.parametrize("size", [(28, 28), (8, 12), (2, 2)])
def test_points_are_those_of_torch(size):
    maps = torch.randn(2, 3, 2, 3)
    points = mapped(maps, pixel_centres(*size))
    assert points.shape == (2, 3, *size, 2)
    expected = F.affine_grid(maps.flatten(0, 1), [6, 1, *size], align_corners=False)
    torch.testing.assert_close(points.flatten(0, 1), expected)
