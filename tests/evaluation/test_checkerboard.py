"""The alternation from pixel to pixel: found where it is on the grid, and not where images have fine detail."""

import pytest
import torch
from real_digits import digits
from torch.nn import functional

from infogan_fast.evaluation.checkerboard import checkerboard


def grids(height=17, width=22):
    rows, columns = torch.arange(height)[:, None] % 2, torch.arange(width) % 2
    return {"rows": rows.expand(-1, width), "columns": columns.expand(height, -1), "both": (rows + columns) % 2}


@pytest.mark.parametrize("kind", ["rows", "columns", "both"])
@pytest.mark.parametrize("channels", [1, 3])
def test_the_amplitude_of_a_grid(kind, channels):
    """Between ``a`` below and ``a`` above the mean; half of the images one way, half the other."""
    grid = torch.stack([grids()[kind], 1 - grids()[kind]])[:, None].expand(-1, channels, -1, -1)
    images = (100 + 10 * grid).to(torch.uint8)
    # The blur of 3x3 pixels leaves nothing of the alternation, so all of it is among the highest frequencies.
    assert checkerboard(images) == pytest.approx(5.0)


def test_slopes_and_constant_images_have_none():
    slope = (torch.arange(20)[:, None] * 3 + torch.arange(15)).to(torch.uint8)[None, None]
    assert checkerboard(slope) == pytest.approx(0.0, abs=1e-9)
    assert checkerboard(torch.full((2, 3, 9, 9), 7, dtype=torch.uint8)) == 0.0
    assert checkerboard(torch.randint(0, 256, (2, 1, 3, 9), dtype=torch.uint8)) == 0.0


def test_noise_has_less_than_its_amplitude_by_the_number_of_pixels():
    generator = torch.Generator().manual_seed(0)
    noise = torch.randint(0, 256, (50, 1, 64, 64), dtype=torch.uint8, generator=generator)
    assert checkerboard(noise) < 74.0 * 3**0.5 / 62


def test_transposed_convolution_of_digits_against_digits():
    """A kernel of 3 at stride 2, whose overlap is uneven, gives the digits a grid; a kernel of 4 none."""
    first, second = (images for images, _ in digits())
    floor = checkerboard(first)
    assert checkerboard(second) == pytest.approx(floor, rel=0.1)

    def upsampled(side):
        small = functional.avg_pool2d(second.float(), 2)
        kernel = torch.ones(1, 1, side, side) * 4.0 / side**2
        return functional.conv_transpose2d(small, kernel, stride=2, padding=1).round().clamp(0, 255).to(torch.uint8)

    assert checkerboard(upsampled(3)) > 4.0 * floor
    assert checkerboard(upsampled(4)) < floor
