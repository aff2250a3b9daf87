"""``python -m infogan_fast.data.sprites.sheet FILE.png``: an image grid of what each factor of ``sprites`` does."""

from __future__ import annotations

import sys

import torch
from torch import Tensor

from infogan_fast.data.sprites import FACTOR_SIZES, SIDE, render

_PER_FACTOR = 4  # columns, from a factor's first value to its last
_BORDER = 2  # pixels around each image
_GREY = 96
_ALL_ELSE = torch.tensor([0, 5, 0, 16, 16])  # the largest scale, upright, in the middle


def sprite_sheet() -> Tensor:
    """Render an image grid with a shape per row and, for each other factor, four columns from its first to last value.

    All other factors are held fixed.

    Returns:
        uint8 ``[H, W]``, 0 to 255.
    """
    shapes, rest = FACTOR_SIZES[0], len(FACTOR_SIZES) - 1
    indices = _ALL_ELSE.repeat(shapes, rest, _PER_FACTOR, 1)
    indices[..., 0] = torch.arange(shapes)[:, None, None]
    for factor in range(1, rest + 1):
        indices[:, factor - 1, :, factor] = torch.arange(_PER_FACTOR) * (FACTOR_SIZES[factor] - 1) // (_PER_FACTOR - 1)
    images = render(indices.flatten(0, 2)).reshape(shapes, rest * _PER_FACTOR, SIDE, SIDE)
    framed = torch.nn.functional.pad(images, (_BORDER // 2,) * 4, value=_GREY)
    return torch.nn.functional.pad(framed.transpose(1, 2).flatten(2, 3).flatten(0, 1), (_BORDER // 2,) * 4, value=_GREY)


def main(arguments: list[str]) -> int:
    """Write the image grid to the file that is named."""
    from PIL import Image

    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    Image.fromarray(sprite_sheet().numpy()).save(arguments[0], optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
