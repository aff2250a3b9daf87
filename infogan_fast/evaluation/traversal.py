"""Pictures of what each code does (paper, figure 2)."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from infogan_fast.files import write_atomically
from infogan_fast.finite import check_outputs
from infogan_fast.model import InfoGAN
from infogan_fast.ops import sample_latents
from infogan_fast.spec import LatentSpec

#: Range of a continuous code along the columns; beyond the prior's [-1, 1], as in the paper.
FIRST, LAST = -2.0, 2.0
COLUMNS = 11
MAX_ROWS = 20

_BORDER = 2  # pixels between images
_SCALE = 2  # picture pixels per image pixel


def write_traversals(nets: InfoGAN, spec: LatentSpec, seed: Tensor, offset: int, folder: Path) -> list[Path]:
    """One picture per categorical code, ``_samples``, and one per pair of a categorical and a continuous code.

    Rows are the categories of the categorical code, at most ``MAX_ROWS``; without categorical codes they are samples
    of the noise. Columns are samples of everything else, or the continuous code from -2 to 2 with the noise held, the
    other continuous codes at 0 and the other categorical codes at one value.

    Args:
        nets: the networks, in evaluation mode.
        spec: the latent variables.
        seed, offset: where the noise comes from, as in ``sample_latents``; the networks' device is the seed's.
        folder: where the PNG files go; it is made if missing.

    Returns:
        The files, those of the first categorical code first.

    Raises:
        WriteError: one of them cannot be written.
    """
    files = []
    for row_code in range(len(spec.categorical)) or (None,):
        prefix = "noise" if row_code is None else f"categorical{row_code + 1}"
        pictures = {f"{prefix}_samples.png": samples_grid(spec, seed, offset, row_code)}
        for column_code in range(spec.continuous):
            name = f"{prefix}_continuous{column_code + 1}.png"
            pictures[name] = traversal_grid(spec, seed, offset, row_code, column_code)
        for name, latents in pictures.items():
            write_picture(nets, latents, folder / name)
            files.append(folder / name)
    return files


def samples_grid(spec: LatentSpec, seed: Tensor, offset: int, row_code: int | None) -> Tensor:
    """G's inputs ``[rows, COLUMNS, input_dim]``: categories by samples, a column sharing everything else."""
    if row_code is None:
        rows = MAX_ROWS // 2
        return sample_latents(spec, rows * COLUMNS, seed, offset).input.reshape(rows, COLUMNS, -1)
    columns = sample_latents(spec, COLUMNS, seed, offset).input
    grid = columns.repeat(min(spec.categorical[row_code], MAX_ROWS), 1, 1)
    _set_rows(grid, spec, row_code)
    return grid


def traversal_grid(spec: LatentSpec, seed: Tensor, offset: int, row_code: int | None, column_code: int) -> Tensor:
    """G's inputs ``[rows, COLUMNS, input_dim]``: categories, or samples of the noise, by one continuous code."""
    rows = MAX_ROWS // 2 if row_code is None else min(spec.categorical[row_code], MAX_ROWS)
    inputs = sample_latents(spec, rows if row_code is None else 1, seed, offset).input
    grid = inputs[:, None].repeat(rows // len(inputs), COLUMNS, 1)
    if row_code is not None:
        _set_rows(grid, spec, row_code)
    first_continuous = spec.noise + sum(spec.categorical)
    grid[..., first_continuous:] = 0.0
    grid[..., first_continuous + column_code] = torch.linspace(FIRST, LAST, COLUMNS, device=grid.device)
    return grid


def _set_rows(grid: Tensor, spec: LatentSpec, row_code: int) -> None:
    """Row r of the grid gets category r of that code."""
    first = spec.noise + sum(spec.categorical[:row_code])
    block = grid[..., first : first + spec.categorical[row_code]]
    block.zero_()
    rows = torch.arange(grid.shape[0], device=grid.device)
    block[rows, :, rows] = 1.0


@torch.no_grad()
def write_picture(nets: InfoGAN, latents: Tensor, path: Path) -> None:
    """The images that G makes of a grid of inputs ``[rows, columns, input_dim]``, as one PNG file.

    Raises:
        ValueError: the images have neither 1 nor 3 channels.
        NonFiniteError: an image is not finite.
        WriteError: the file cannot be written; an older one of that name is as it was.
    """
    rows, columns, _ = latents.shape
    images = check_outputs(nets.generator(latents.flatten(0, 1)), "generated images")
    channels, height, width = images.shape[1:]
    if channels not in (1, 3):
        raise ValueError(f"{path.name}: only images of 1 or 3 channels can be drawn, got {channels}")
    h, w = height + _BORDER, width + _BORDER
    canvas = torch.zeros(channels, rows * h + _BORDER, columns * w + _BORDER, dtype=torch.uint8)
    pixels = (images * 255.0).round().clamp(0, 255).to(torch.uint8).cpu()
    for index, image in enumerate(pixels):
        top, left = _BORDER + index // columns * h, _BORDER + index % columns * w
        canvas[:, top : top + height, left : left + width] = image
    array = canvas.permute(1, 2, 0).squeeze(2).numpy()
    picture = Image.fromarray(array)
    content = BytesIO()
    scaled = picture.resize((picture.width * _SCALE, picture.height * _SCALE), Image.Resampling.NEAREST)
    scaled.save(content, "PNG")
    write_atomically(path, content.getvalue())
