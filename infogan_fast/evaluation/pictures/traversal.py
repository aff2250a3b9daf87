"""Which pictures there are of a model, what is on them, and how they are drawn."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.data.images import is_image, size_text
from infogan_fast.evaluation.pictures.curves import draw_curves
from infogan_fast.evaluation.pictures.grids import FIRST, LAST, Grid, samples_grid, traversal_grid
from infogan_fast.evaluation.pictures.image_grid import draw_image_grid
from infogan_fast.evaluation.pictures.points import draw_categories, draw_values
from infogan_fast.evaluation.reading import batches, some_rows
from infogan_fast.evaluation.value_range import ValueRange
from infogan_fast.files import write_atomically
from infogan_fast.finite import check_outputs
from infogan_fast.model import InfoGAN

Kind: TypeAlias = Literal["images", "curves", "points"]

_REAL_POINTS = 2_000  # the most real points on a scatter plot
_POINTS = 100  # generated points of each category on a scatter plot
_PATHS = 5  # of each category on a scatter plot


class RealData(NamedTuple):
    """What pictures of generated data show of the real data."""

    value_range: ValueRange = ValueRange()
    """The values that are drawn as black and as white."""
    points: Tensor | None = None
    """Real vectors ``[N, 2]`` behind generated ones, or None."""

    @classmethod
    def of(cls, data: ImageData) -> RealData:
        """The range of images; of vectors of two numbers at most 2,000, drawn at random."""
        kind = drawn_as(data.shape)
        if kind == "images":
            return cls(ValueRange.of(data.images))
        if kind != "points":
            return cls()
        rows = some_rows(len(data.images), _REAL_POINTS, np.random.default_rng(0))
        return cls(points=torch.cat([batch.cpu() for batch in batches(data.images, rows)]).float())


#: What is shown of images that are stored as uint8: nothing but their range.
UINT8_IMAGES = RealData()


def write_traversals(
    model: InfoGAN, seed: Tensor, offset: int, folder: Path, real: RealData = UINT8_IMAGES
) -> list[Path]:
    """One picture per categorical code, ``_samples``, and one per pair of a categorical and a continuous code.

    Images are drawn as an image grid. Its rows are the categories of the categorical code, at most ``MAX_ROWS``;
    without categorical codes they are samples of the noise. Its columns are samples of everything else, or the
    continuous code from -2 to 2 with the noise held, the other continuous codes at 0 and the other categorical codes at
    one value. The same rows of waveforms ``[C, L]`` and of vectors are drawn as panels of curves, and of vectors of two
    numbers as points. There are no pictures of data of other shapes (``why_no_pictures``).

    Args:
        model: the networks; G is used in evaluation mode.
        seed: of the noise, as in ``sample_latents``, on the model's device.
        offset: likewise.
        folder: where the PNG files go; it is made if missing.
        real: what is shown of the real data.

    Returns:
        The files, those of the first categorical code first.

    Raises:
        NonFiniteError: an output of G is not finite.
        WriteError: a file cannot be written.
    """
    files = []
    for row_code in range(len(model.spec.categorical)) or (None,):
        prefix = "noise" if row_code is None else f"categorical{row_code + 1}"
        samples = _samples(model, seed, offset, real, row_code)
        if samples is None:
            return []
        contents = {f"{prefix}_samples.png": samples}
        for column_code in range(model.spec.continuous):
            name = f"{prefix}_continuous{column_code + 1}.png"
            contents[name] = _traversal(model, seed, offset, real, row_code, column_code)
        for name, content in contents.items():
            write_atomically(folder / name, content)
            files.append(folder / name)
    return files


def write_samples(model: InfoGAN, seed: Tensor, offset: int, path: Path, real: RealData = UINT8_IMAGES) -> bool:
    """The first of the pictures of ``write_traversals``: samples of each category of the first categorical code.

    Args:
        model, seed, offset, real: as in ``write_traversals``.
        path: of the PNG file; its folder is made if missing.

    Returns:
        Whether it was written; False for data of a shape that cannot be drawn.
    """
    content = _samples(model, seed, offset, real, 0 if model.spec.categorical else None)
    if content is not None:
        write_atomically(path, content)
    return content is not None


def _samples(model: InfoGAN, seed: Tensor, offset: int, real: RealData, row_code: int | None) -> bytes | None:
    grid = samples_grid(model.spec, seed, offset, row_code)
    x = _generate(model, grid)
    kind = drawn_as(x.shape[2:])
    if kind is None:
        return None
    if kind == "images":
        return _image_grid(x, real)
    rows, what = _rows(model, row_code, grid.rows)
    title = "Samples of the noise and of all codes" if row_code is None else f"Samples of {what}"
    if kind == "curves":
        return draw_curves(_as_curves(x if row_code is not None else x[:, :1]), rows, title, None)
    x = _generate(model, samples_grid(model.spec, seed, offset, row_code, _POINTS))
    if row_code is None:
        x, rows = x.flatten(0, 1)[None], ["generated"]
    return draw_categories(x, rows, title, real.points)


def _traversal(
    model: InfoGAN, seed: Tensor, offset: int, real: RealData, row_code: int | None, column_code: int
) -> bytes:
    grid = traversal_grid(model.spec, seed, offset, row_code, column_code)
    x = _generate(model, grid)
    kind = drawn_as(x.shape[2:])
    if kind == "images":
        return _image_grid(x, real)
    rows, what = _rows(model, row_code, grid.rows)
    code_name = model.spec.code_names[len(model.spec.categorical) + column_code]
    title = f"{code_name} from {FIRST:g} to {LAST:g},\nfor {what}"
    if kind == "curves":
        return draw_curves(_as_curves(x), rows, title, code_name)
    x = _generate(model, traversal_grid(model.spec, seed, offset, row_code, column_code, _PATHS))
    return draw_values(x, code_name, title, real.points)


def drawn_as(shape: Sequence[int]) -> Kind | None:
    """How data are drawn when one x has this shape; None where there is no way to draw them."""
    if is_image(shape):
        return "images"
    if tuple(shape) == (2,):
        return "points"
    return "curves" if len(shape) in (1, 2) else None


def why_no_pictures(shape: Sequence[int]) -> str | None:
    """A sentence where there are no pictures of data of that shape; None where there are."""
    if drawn_as(shape) is not None:
        return None
    return (
        f"No pictures: one x is {size_text(shape)}, and images of 1 or 3 channels, waveforms [C, L] and vectors can be "
        "drawn."
    )


def caption(name: str, shape: Sequence[int]) -> str:
    """What is on a picture of ``write_traversals``.

    Args:
        name: of the file.
        shape: of one x.

    Returns:
        A sentence; of another file its name.
    """
    match = re.fullmatch(r"(noise|categorical(\d+))_(samples|continuous(\d+))\.png", name)
    if match is None:
        return name
    rows = f"the categories of categorical code {match[2]}" if match[2] else "samples of the noise"
    kind = drawn_as(shape)
    if match[4]:
        values = f"continuous code {match[4]} from {FIRST:g} to {LAST:g}"
        if kind == "images":
            return f"Rows: {rows}. Columns: {values}, all else held fixed."
        where = "Panels" if kind == "curves" else "Paths"
        return f"{where}: {rows}. Colours: {values}, all else held fixed."
    if not match[2]:
        return "Samples of the noise and of all codes."
    if kind == "images":
        return f"Rows: {rows}. Columns: samples of everything else, the same in each row."
    where = "Panels" if kind == "curves" else "Colours"
    return f"{where}: {rows}, each with the same samples of everything else."


def _generate(model: InfoGAN, grid: Grid) -> Tensor:
    """What G makes of a grid: ``[rows, columns, *shape]``."""
    x = check_outputs(model.generate(grid.latents.input.to(model.dtype)), "outputs of G")
    return x.view(grid.rows, grid.columns, *x.shape[1:]).float().cpu()


def _image_grid(x: Tensor, real: RealData) -> bytes:
    return draw_image_grid(real.value_range.to_uint8(x.flatten(0, 1)), x.shape[1])


def _as_curves(x: Tensor) -> Tensor:
    """Waveforms as they are, vectors ``[rows, columns, F]`` as those of one channel."""
    return x if x.ndim == 4 else x[:, :, None]


def _rows(model: InfoGAN, row_code: int | None, rows: int) -> tuple[list[str], str]:
    """What the rows of a grid are: their names, and a name for all."""
    if row_code is None:
        return [f"sample {row}" for row in range(rows)], "samples of the noise"
    name = model.spec.code_names[row_code]
    first = f"the first {rows} categories" if rows < model.spec.categorical[row_code] else "each category"
    return [f"category {row}" for row in range(rows)], f"{first} of {name}"
