"""What a network looks at where colour, brightness and contrast are to mean nothing to it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_ITERATIONS = 8
_SMALLEST_VARIANCE = 1e-4  # of pixels in [0, 1]: what is flatter than a hundredth stays flat


class Standardise(nn.Module):
    """Images ``[B, C, H, W]`` to grey ones ``[B, 1, H, W]`` of mean 0 and standard deviation 1.

    The grey is each image's own: its pixels along the axis on which their colours differ most, so that a shape stands
    out of a ground that is as bright but of another hue. Along that axis the sum of the channels grows. Differentiable
    in the images, with the axis held fixed.
    """

    def forward(self, images: Tensor) -> Tensor:
        """The standardised images."""
        centred = images - images.mean((2, 3), keepdim=True)
        if images.shape[1] > 1:
            centred = (centred * principal_axes(centred.detach())[:, :, None, None]).sum(1, keepdim=True)
        variance = centred.square().mean((1, 2, 3), keepdim=True)
        return centred * (variance + _SMALLEST_VARIANCE).rsqrt()


def principal_axes(centred: Tensor) -> Tensor:
    """The colour ``[B, C]``, of length 1, along which the pixels of each image vary most, by power iteration.

    Args:
        centred: ``[B, C, H, W]``, each channel of mean 0.
    """
    pixels = centred.flatten(2)
    covariance = pixels @ pixels.transpose(1, 2)
    axis = torch.ones_like(covariance[:, :, :1])
    for _ in range(_ITERATIONS):
        axis = covariance @ axis
        axis = axis / axis.norm(dim=1, keepdim=True).clamp_min(torch.finfo(axis.dtype).tiny)
    return torch.where(axis.sum(1) < 0.0, -axis.squeeze(2), axis.squeeze(2))
