"""The information loss as a module."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from infogan_fast.fake import check_weights
from infogan_fast.ops import info_loss, per_code
from infogan_fast.spec import Codes, LatentSpec, Variance


class InfoLoss(nn.Module):
    """``info_loss`` with its settings held: ``criterion = InfoLoss(spec); loss = criterion(Q(x), latents)``.

    It has no parameters. The arguments are those of ``info_loss``.
    """

    def __init__(
        self,
        spec: LatentSpec,
        categorical_weight: float | Sequence[float] = 1.0,
        continuous_weight: float | Sequence[float] = 0.1,
        variance: Variance = "learned",
        ignore_index: int = -100,
        return_terms: bool = False,
    ) -> None:
        super().__init__()
        spec.head_dim(variance)  # raises on a variance that is not allowed, here rather than in the first step
        for argument, weight, count in (
            ("categorical_weight", categorical_weight, len(spec.categorical)),
            ("continuous_weight", continuous_weight, spec.continuous),
        ):
            check_weights("InfoLoss", argument, per_code(argument, weight, count), count)
        self.spec = spec
        self.categorical_weight = categorical_weight
        self.continuous_weight = continuous_weight
        self.variance: Variance = variance
        self.ignore_index = ignore_index
        self.return_terms = return_terms

    def forward(
        self,
        head: Tensor,
        latents: Codes,
        weight_scale: Tensor | None = None,
    ) -> Tensor | tuple[Tensor, Tensor]:
        """Loss of ``head`` ``[B, spec.head_dim(variance)]``; see ``info_loss``."""
        return info_loss(  # type: ignore[call-overload, misc, no-any-return]
            head,
            latents,
            self.spec,
            self.categorical_weight,
            self.continuous_weight,
            self.variance,
            self.ignore_index,
            return_terms=self.return_terms,
            weight_scale=weight_scale,
        )

    def extra_repr(self) -> str:
        """Spec, weights and variance, for ``repr``."""
        return (
            f"{self.spec}, categorical_weight={self.categorical_weight}, "
            f"continuous_weight={self.continuous_weight}, variance={self.variance!r}, "
            f"ignore_index={self.ignore_index}, return_terms={self.return_terms}"
        )
