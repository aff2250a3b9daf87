"""What a latent code is made of: its sizes, its priors, and where each code lies in G's input and Q's output."""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import torch
from torch import Tensor

Prior: TypeAlias = Literal["uniform", "normal"]
Variance: TypeAlias = Literal["learned", "learned_std"] | float

PRIORS = ("uniform", "normal")

#: Entropy in nats of one variable of each prior: U(-1, 1) and N(0, 1).
PRIOR_ENTROPY = {"uniform": math.log(2.0), "normal": 0.5 * math.log(2.0 * math.pi * math.e)}

#: Largest cardinality K of a categorical code; the sampler's arithmetic is exact below it.
MAX_CARDINALITY = 2**31 - 1


class Latents(NamedTuple):
    """One batch of latent variables: what goes into G, and the codes that Q has to recover."""

    input: Tensor
    """``[B, input_dim]``, the dtype asked for: ``[z | one-hot(c_1) | ... | one-hot(c_m) | continuous]``."""
    categorical: Tensor
    """``[B, m]`` int64, code i in ``[0, K_i)``."""
    continuous: Tensor
    """``[B, C]`` float32."""


class LatentSeed(NamedTuple):
    """Stands for the codes of ``sample_latents(spec, B, seed, offset, row_offset)`` without holding them.

    Given as ``latents``, it makes the loss draw the same codes again from the counter instead of reading them.
    """

    seed: Tensor
    """int64, one element, on the device of the head."""
    offset: int = 0
    """The offset that ``sample_latents`` was given."""
    row_offset: int = 0
    """The row offset that ``sample_latents`` was given."""


class CodeParameters(NamedTuple):
    """The parameters of Q(c|x) for B images, which ``LatentSpec.split`` finds in Q's output."""

    logits: tuple[Tensor, ...]
    """``[B, K_i]`` for each categorical code."""
    mean: Tensor
    """``[B, C]``, of the continuous codes' Gaussians."""
    log_variance: Tensor
    """``[B, C]``, natural logarithm; constant where the variance is fixed."""


#: What the loss takes for the codes: the batch that G was given, a stand-in for it, or tensors of one's own
#: ``(categorical, continuous)``, None for either of which there are none.
Codes: TypeAlias = Latents | LatentSeed | tuple[Tensor | None, Tensor | None]


@dataclass(frozen=True)
class LatentSpec:
    """The input of an InfoGAN generator: noise ``z`` and a latent code ``c`` (Chen et al. 2016, section 4).

    Args:
        noise: number of noise variables, which Q does not recover; ``>= 0``.
        categorical: cardinality ``K_i >= 1`` of each categorical code; their prior is uniform over ``0 .. K_i - 1``.
        continuous: number of continuous codes; ``>= 0``.
        continuous_prior: ``"uniform"``, U(-1, 1), or ``"normal"``, N(0, 1).
        noise_prior: ``"normal"``, N(0, 1), or ``"uniform"``, U(-1, 1).

    Raises:
        TypeError, ValueError: a size or a prior is not one of those allowed; the message names it.
    """

    noise: int = 0
    categorical: tuple[int, ...] = ()
    continuous: int = 0
    continuous_prior: Prior = "uniform"
    noise_prior: Prior = "normal"

    def __post_init__(self) -> None:
        cardinalities: object = self.categorical
        if not isinstance(cardinalities, (tuple, list)):
            raise TypeError(
                f"LatentSpec: categorical must be a tuple of cardinalities such as (10,), got {cardinalities!r}"
            )
        sizes = tuple(_int(f"categorical[{i}]", cardinality) for i, cardinality in enumerate(cardinalities))
        object.__setattr__(self, "categorical", sizes)
        object.__setattr__(self, "noise", _int("noise", self.noise))
        object.__setattr__(self, "continuous", _int("continuous", self.continuous))
        for name, size in (("noise", self.noise), ("continuous", self.continuous)):
            if not 0 <= size < 2**31:
                raise ValueError(f"LatentSpec: {name} must be in [0, 2**31), got {size}")
        for index, cardinality in enumerate(self.categorical):
            if not 1 <= cardinality <= MAX_CARDINALITY:
                raise ValueError(
                    f"LatentSpec: categorical[{index}] must be in [1, {MAX_CARDINALITY}], got {cardinality}"
                )
        for name, prior in (("continuous_prior", self.continuous_prior), ("noise_prior", self.noise_prior)):
            if prior not in PRIORS:
                raise ValueError(f"LatentSpec: {name} must be 'uniform' or 'normal', got {prior!r}")

    @property
    def input_dim(self) -> int:
        """Width of G's input: noise, one column per category of every code, one per continuous code."""
        return self.noise + sum(self.categorical) + self.continuous

    @property
    def num_codes(self) -> int:
        """``m + C``: how many codes there are, the order of every per-code vector being categorical first."""
        return len(self.categorical) + self.continuous

    @property
    def code_names(self) -> tuple[str, ...]:
        """A short name per code, such as ``("categorical 1 (K=10)", "continuous 1", "continuous 2")``."""
        return tuple(f"categorical {i} (K={k})" for i, k in enumerate(self.categorical, start=1)) + tuple(
            f"continuous {i}" for i in range(1, self.continuous + 1)
        )

    def head_dim(self, variance: Variance = "learned") -> int:
        """Width of Q's output, ``[logits_1 | ... | logits_m | mean | log-variance]``.

        Args:
            variance: ``"learned"`` or ``"learned_std"``: ``sum K + 2 C`` columns. A positive float is a fixed
                variance, for which the head has no columns: ``sum K + C``.
        """
        columns_per_continuous = 1 if fixed_variance(variance) is not None else 2
        return sum(self.categorical) + columns_per_continuous * self.continuous

    def split(self, head: Tensor, variance: Variance = "learned") -> CodeParameters:
        """The columns of Q's output by what they mean; views of it, differentiable.

        Args:
            head: Q's output ``[..., head_dim(variance)]``.
            variance: what the head says of the continuous codes' variance, as in ``head_dim``.

        Raises:
            ValueError: the head has another width, or ``variance`` is not allowed.
        """
        width = self.head_dim(variance)
        if head.ndim == 0 or head.shape[-1] != width:
            raise ValueError(f"head must be [B, {width}] for {self} and variance {variance!r}, got {list(head.shape)}")
        *logits, rest = head.split_with_sizes([*self.categorical, width - sum(self.categorical)], dim=-1)
        mean, scale = rest[..., : self.continuous], rest[..., self.continuous :]
        fixed = fixed_variance(variance)
        if fixed is not None:
            return CodeParameters(tuple(logits), mean, torch.full_like(mean, math.log(fixed)))
        return CodeParameters(tuple(logits), mean, 2.0 * scale if variance == "learned_std" else scale)

    def entropy(self) -> Tensor:
        """Entropy ``H(c_i)`` of each code's prior: float64 ``[m + C]`` in nats, categorical first.

        ``log K`` for a categorical code, ``log 2`` for U(-1, 1), ``0.5 log(2 pi e)`` for N(0, 1). With ``nll`` of
        ``info_loss``, ``entropy() - nll`` is the variational lower bound L_I of each code (paper, equation 4): of codes
        that are drawn from these priors. For categories of your own that are not equally frequent, or continuous codes
        of another distribution, H(c) is another number (``-sum p log p`` for categories): take that in its place, or
        the difference is not a bound.
        """
        categorical = [math.log(k) for k in self.categorical]
        continuous = [PRIOR_ENTROPY[self.continuous_prior]] * self.continuous
        return torch.tensor(categorical + continuous, dtype=torch.float64)


def _int(name: str, value: object) -> int:
    """An integer of any kind, numpy's too, as an int."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"LatentSpec: {name} must be an int, got {value!r}")
    return operator.index(value)


def fixed_variance(variance: Variance) -> float | None:
    """The variance if it is a fixed one, ``None`` if the head learns it.

    Raises:
        ValueError: neither ``"learned"``, ``"learned_std"`` nor a positive finite float.
    """
    if isinstance(variance, str):
        if variance in ("learned", "learned_std"):
            return None
    elif isinstance(variance, (int, float)) and not isinstance(variance, bool) and 0.0 < variance < math.inf:
        return float(variance)
    raise ValueError(f"variance must be 'learned', 'learned_std' or a positive finite float, got {variance!r}")
