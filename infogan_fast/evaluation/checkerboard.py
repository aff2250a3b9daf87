"""Checkerboards: an alternation from pixel to pixel that is locked to the grid, as upsampling networks leave it."""

from __future__ import annotations

import torch
from torch import Tensor

#: Signs of the three alternations of a square of 2x2 pixels: from row to row, from column to column, and of both.
_SIGNS = ((1.0, 1.0, -1.0, -1.0), (1.0, -1.0, 1.0, -1.0), (1.0, -1.0, -1.0, 1.0))


def checkerboard(images: Tensor) -> float:
    """Amplitude of the alternation between even and odd rows and columns, as a root mean square in grey levels.

    Of each image's highest frequencies (what a binomial blur of 3x3 pixels takes away) the mean over the pixels of each
    parity of row and column is taken, which is the mean pattern of 2x2 pixels; the figure is the size of that pattern,
    over all images and channels. What images show is as often on even as on odd pixels and cancels; the checkerboard
    of a transposed convolution (Odena, Dumoulin & Olah 2016, "Deconvolution and Checkerboard Artifacts") does not.

    Args:
        images: uint8 ``[N, C, H, W]``, N >= 1, on the CPU.

    Returns:
        From 0 to 255; 0 for images of less than 4 pixels in height or width, which have no such pattern.
    """
    height, width = images.shape[-2:]
    if min(height, width) < 4:
        return 0.0
    energies = [_energy(part) for part in torch.split(images, 250)]  # float64 copies of a few images at a time
    return float(torch.cat(energies).mean().sqrt())


def _energy(images: Tensor) -> Tensor:
    """Mean square of the 2x2 pattern of each image and channel, float64 ``[N, C]``."""
    x = images.double()
    rows = (x[:, :, :-2] + 2.0 * x[:, :, 1:-1] + x[:, :, 2:]) / 4.0
    blurred = (rows[..., :-2] + 2.0 * rows[..., 1:-1] + rows[..., 2:]) / 4.0
    sharp = x[:, :, 1:-1, 1:-1] - blurred
    means = torch.stack([sharp[:, :, row::2, column::2].mean((2, 3)) for row in (0, 1) for column in (0, 1)], dim=2)
    return (means @ means.new_tensor(_SIGNS).T / 4.0).square().sum(2)
