"""Random specs, heads and codes for the property tests: what a caller may give, up to its edges.

Hypothesis draws the structure, which it knows how to make smaller, and a seed from which torch draws the numbers.
"""

from __future__ import annotations

import dataclasses
import itertools

import torch
from hypothesis import strategies as st
from torch import Tensor

import infogan_fast as ig

PRIORS = st.sampled_from(("uniform", "normal"))
HEAD_DTYPES = st.sampled_from((torch.float32, torch.float64, torch.bfloat16, torch.float16))
SEEDS = st.integers(-(2**63), 2**63 - 1)
OFFSETS = st.integers(0, 2**32 - 1)
ROW_OFFSETS = st.integers(0, 2**62)
BATCH_SIZES = st.integers(1, 70)
#: Around the width at which the CPU op goes from a row in each lane to row by row, and beyond a chunk of rows.
CARDINALITIES = st.one_of(st.integers(1, 40), st.sampled_from((124, 128, 129, 255, 1000)))
#: What a row that does not count may hold: the default, another number, and one that is a category otherwise.
IGNORE_INDICES = st.sampled_from((-100, -1, 0, 1, 2**40))
LAYOUTS = ("contiguous", "transposed", "every other column", "every other row", "inside", "last rows", "one row")


@st.composite
def specs(draw: st.DrawFn, categorical: int = 4, continuous: int = 6) -> ig.LatentSpec:
    """Specs with at most so many codes of each kind, and the noise that a head knows nothing of."""
    return ig.LatentSpec(
        draw(st.integers(0, 8)),
        tuple(draw(st.lists(CARDINALITIES, max_size=categorical))),
        draw(st.integers(0, continuous)),
        draw(PRIORS),
        draw(PRIORS),
    )


#: The variance of the continuous codes; a fixed one over twelve orders of magnitude.
VARIANCES = st.one_of(st.sampled_from(("learned", "learned_std", 1.0)), st.floats(-6, 6).map(lambda power: 10.0**power))


def lay_out(values: Tensor, layout: str) -> Tensor:
    """The same matrix at other places of a storage whose rest is NaN."""
    rows, columns = values.shape
    if layout == "transposed":
        return values.t().contiguous().t()
    if layout == "one row":
        return values[:1].clone().expand(rows, columns)  # of its first row
    above, step_down, left, step_right = {
        "contiguous": (0, 1, 0, 1),
        "every other column": (0, 1, 1, 2),
        "every other row": (1, 2, 0, 1),
        "inside": (2, 1, 3, 1),
        "last rows": (5, 1, 0, 1),
    }[layout]
    shape = (above + step_down * rows, left + step_right * columns + (layout == "inside"))
    around = torch.full(shape, torch.nan if values.is_floating_point() else -7, dtype=values.dtype)
    inside = around[above::step_down, left : left + step_right * columns : step_right]
    return inside.copy_(values)


def numbers(generator: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def head_values(spec: ig.LatentSpec, batch: int, variance: object, kind: str, generator: torch.Generator) -> Tensor:
    """A head in float64, ``[B, head_dim]``: of ordinary size, large, of whole numbers with ties, or constant.

    The large one's terms are within float32, if not its gradients within float16.
    """
    logits, rest = sum(spec.categorical), spec.continuous
    values = numbers(generator, batch, spec.head_dim(variance))
    if kind == "large":
        uniform = 2.0 * torch.rand(values.shape, generator=generator, dtype=torch.float64) - 1.0
        values = 80.0 * uniform / (2.0 if variance == "learned_std" else 1.0)
        values[:, :logits] = 1e4 * uniform[:, :logits]
        values[:, logits : logits + rest] = 30.0 * uniform[:, logits : logits + rest]
    elif kind == "ties":
        values = (2.0 * values).round()
    elif kind == "constant":
        values = torch.full_like(values, -1.5)
    return values


@dataclasses.dataclass
class Case:
    """The arguments of one call of info_loss."""

    spec: ig.LatentSpec
    head: Tensor
    layout: str
    latents: ig.ops.Codes
    settings: dict[str, object]
    upstream: float

    @property
    def batch(self) -> int:
        return self.head.shape[0]

    @property
    def weights(self) -> Tensor:
        """What each code's term is multiplied by in the loss: float64 ``[m + C]``."""
        weights = torch.cat(
            [
                torch.as_tensor(self.settings[name], dtype=torch.float64).expand(count)
                for name, count in (
                    ("categorical_weight", len(self.spec.categorical)),
                    ("continuous_weight", self.spec.continuous),
                )
            ]
        )
        scale = self.settings["weight_scale"]
        return weights if scale is None else weights * scale.double()

    @property
    def codes(self) -> tuple[Tensor, Tensor]:
        """The codes as tensors, drawn where only their seed is given."""
        if isinstance(self.latents, ig.LatentSeed):
            return ig.sample_latents(self.spec, self.batch, *self.latents)[1:]
        categorical, continuous = self.latents[-2:]
        empty = torch.zeros(self.batch, 0)
        return empty.long() if categorical is None else categorical, empty if continuous is None else continuous

    @property
    def counted(self) -> Tensor:
        """Which rows count in each code: bool ``[B, m + C]``."""
        categorical, continuous = self.codes
        return torch.cat((categorical != self.settings["ignore_index"], torch.ones(continuous.shape).bool()), dim=1)

    def columns(self) -> list[slice]:
        """The columns of the logits of each categorical code."""
        ends = torch.tensor((0, *self.spec.categorical)).cumsum(0).tolist()
        return [slice(first, last) for first, last in itertools.pairwise(ends)]

    def replace(self, **changes: object) -> Case:
        """This case with other attributes, or other settings."""
        attributes = {k: v for k, v in changes.items() if hasattr(self, k)}
        settings = {**self.settings, **{k: v for k, v in changes.items() if k not in attributes}}
        return dataclasses.replace(self, settings=settings, **attributes)


def _weights(count: int) -> st.SearchStrategy[object]:
    one = st.one_of(st.just(0.0), st.floats(1e-3, 10.0))
    return st.one_of(one, st.lists(one, min_size=count, max_size=count).map(tuple))


@st.composite
def cases(
    draw: st.DrawFn,
    kinds: tuple[str, ...] = ("ordinary", "large", "ties", "constant"),
    layouts: tuple[str, ...] = LAYOUTS,
    ignored: bool = True,
    dtypes: st.SearchStrategy[torch.dtype] = HEAD_DTYPES,
) -> Case:
    spec, batch, dtype = draw(specs()), draw(BATCH_SIZES), draw(dtypes)
    variance = draw(VARIANCES)
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    layout = draw(st.sampled_from(layouts))
    head = lay_out(head_values(spec, batch, variance, draw(st.sampled_from(kinds)), generator).to(dtype), layout)
    m = len(spec.categorical)
    codes = m + spec.continuous
    scale = draw(st.none() | st.lists(st.floats(0.0, 4.0, width=32), min_size=codes, max_size=codes))
    settings: dict[str, object] = {
        "categorical_weight": draw(_weights(m)),
        "continuous_weight": draw(_weights(spec.continuous)),
        "variance": variance,
        "ignore_index": draw(IGNORE_INDICES) if ignored else -100,
        "weight_scale": None if scale is None else torch.tensor(scale),
    }
    stream = ig.LatentSeed(torch.tensor(draw(SEEDS)), draw(OFFSETS), draw(st.integers(0, 2**62 - 70)))
    source = draw(st.sampled_from(("seed", "latents", "own")))
    latents: ig.ops.Codes = stream if source == "seed" else ig.sample_latents(spec, batch, *stream)
    if source == "seed":
        settings["ignore_index"] = -100  # codes that are drawn again all count
    elif source == "own":
        latents = draw(own_codes(latents, settings["ignore_index"], dtype, ignored, generator))
    return Case(spec, head, layout, latents, settings, draw(st.floats(-4.0, 4.0, width=16)))


@st.composite
def own_codes(
    draw: st.DrawFn,
    latents: ig.Latents,
    ignore_index: int,
    dtype: torch.dtype,
    ignored: bool,
    generator: torch.Generator,
) -> tuple[Tensor | None, Tensor | None]:
    """The codes as a caller's own tensors, strided, in float32 or the head's dtype, with rows that do not count."""
    categorical, continuous = latents.categorical.clone(), latents.continuous
    for code in range(categorical.shape[1] if ignored else 0):
        share = draw(st.sampled_from((0.0, 0.3, 1.0)))
        rows = torch.rand(categorical.shape[0], generator=generator) < share
        categorical[rows, code] = ignore_index
    continuous = continuous.to(draw(st.sampled_from((torch.float32, dtype))))
    pair = [lay_out(codes, draw(st.sampled_from(LAYOUTS[:-1]))) for codes in (categorical, continuous)]
    absent = [codes.shape[1] == 0 and draw(st.booleans()) for codes in pair]
    return tuple(None if gone else codes for gone, codes in zip(absent, pair, strict=True))


@st.composite
def calls(draw: st.DrawFn) -> dict[str, object]:
    """Arguments of sample_latents. Rows run past 2**62, where a batch begins there."""
    return {
        "spec": draw(specs()),
        "batch_size": draw(st.integers(0, 70)),
        "seed": torch.tensor(draw(SEEDS)).reshape(draw(st.sampled_from(((), (1,), (1, 1))))),
        "offset": draw(OFFSETS),
        "row_offset": draw(ROW_OFFSETS),
        "dtype": draw(HEAD_DTYPES),
    }
