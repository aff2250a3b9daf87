"""The latent variables that pictures are generated from: rows by columns."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from infogan_fast.latents import set_categorical, set_continuous
from infogan_fast.ops import sample_latents
from infogan_fast.spec import Latents, LatentSpec

#: Range of a continuous code along the columns; beyond the prior's [-1, 1], as in the paper.
FIRST, LAST = -2.0, 2.0
COLUMNS = 11
MAX_ROWS = 20


class Grid(NamedTuple):
    """Latent variables of ``rows * columns`` samples, one row of the picture after the other."""

    latents: Latents
    rows: int
    columns: int


def samples_grid(spec: LatentSpec, seed: Tensor, offset: int, row_code: int | None, columns: int = COLUMNS) -> Grid:
    """The categories of one code, at most ``MAX_ROWS``, by samples; a column shares everything else.

    Args:
        spec: the latent variables.
        seed, offset: as in ``sample_latents``.
        row_code: which categorical code, from 0; None for samples of everything in all rows.
        columns: how many samples.
    """
    rows = _rows(spec, row_code)
    if row_code is None:
        return Grid(sample_latents(spec, rows * columns, seed, offset), rows, columns)
    drawn = sample_latents(spec, columns, seed, offset)
    latents = Latents(*(part.repeat(rows, 1) for part in drawn))
    set_categorical(spec, latents, row_code, torch.arange(rows).repeat_interleave(columns))
    return Grid(latents, rows, columns)


def traversal_grid(
    spec: LatentSpec, seed: Tensor, offset: int, row_code: int | None, column_code: int, samples: int = 1
) -> Grid:
    """One continuous code from ``FIRST`` to ``LAST`` in ``COLUMNS`` steps by categories, or by samples of the noise.

    All else is the same in each row, the other continuous codes being 0.

    Args:
        spec: the latent variables.
        seed, offset: as in ``sample_latents``.
        row_code: which categorical code, from 0; None for samples of the noise in the rows.
        column_code: which continuous code, from 0.
        samples: of the noise, a row each, for each category; not used without a ``row_code``.
    """
    rows = _rows(spec, row_code)
    categories, samples = (1, rows) if row_code is None else (rows, samples)
    drawn = sample_latents(spec, samples, seed, offset)
    latents = Latents(*(part.repeat_interleave(COLUMNS, 0).repeat(categories, 1) for part in drawn))
    if row_code is not None:
        set_categorical(spec, latents, row_code, torch.arange(categories).repeat_interleave(samples * COLUMNS))
    values = torch.linspace(FIRST, LAST, COLUMNS, device=latents.input.device).repeat(categories * samples)
    for code in range(spec.continuous):
        set_continuous(spec, latents, code, values if code == column_code else torch.zeros(()))
    return Grid(latents, categories * samples, COLUMNS)


def _rows(spec: LatentSpec, row_code: int | None) -> int:
    return MAX_ROWS // 2 if row_code is None else min(spec.categorical[row_code], MAX_ROWS)
