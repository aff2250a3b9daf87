"""The metrics of a trained InfoGAN, in the form in which ``summary.json`` holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.evaluation.accuracy import CodeAccuracy, code_accuracies
from infogan_fast.evaluation.codes import CodeRecovery, recover_codes
from infogan_fast.evaluation.diversity import category_diversity
from infogan_fast.evaluation.quality import image_quality
from infogan_fast.evaluation.real_codes import RealCodes, real_codes
from infogan_fast.model import InfoGAN
from infogan_fast.spec import LatentSpec


@dataclass(frozen=True)
class Evaluation:
    """The metrics of one set of weights."""

    spec: LatentSpec
    recovery: CodeRecovery
    accuracies: list[CodeAccuracy]
    """Best on the training images first; empty without labels or categorical codes."""
    disentanglement: dict[str, Any] | None = None
    """As ``disentanglement_scores`` gives them; None where the factors are not known."""
    image_quality: dict[str, Any] | None = None
    """As ``image_quality`` and ``category_diversity`` give it; None where the data are not images."""
    real_codes: list[RealCodes] = field(default_factory=list)
    """Of each categorical code."""

    def to_json(self) -> dict[str, Any]:
        """``accuracy`` is the held-out one of the categorical code that is best on the training images."""
        best = self.accuracies[0] if self.accuracies else None
        return {
            "accuracy": best.heldout if best else None,
            "accuracy_ci": list(best.heldout_ci) if best and best.heldout_ci else None,
            "accuracy_train": best.train if best else None,
            "accuracy_per_code": [
                {
                    "categorical_code": accuracy.code + 1,
                    "accuracy": accuracy.heldout,
                    "accuracy_ci": list(accuracy.heldout_ci) if accuracy.heldout_ci else None,
                    "accuracy_train": accuracy.train,
                    "nmi": accuracy.nmi,
                    "ari": accuracy.ari,
                    "chance": accuracy.chance,
                    "nmi_by_chance": accuracy.nmi_by_chance,
                    "class_of_category": list(accuracy.classes),
                }
                for accuracy in self.accuracies
            ],
            "code_names": list(self.spec.code_names),
            "mi_bound_nats": list(self.recovery.mi_bound_nats),
            "mi_bound_ci_nats": [list(interval) for interval in self.recovery.mi_bound_ci_nats],
            "entropy_nats": self.spec.entropy().tolist(),
            "r2": list(self.recovery.r2),
            "categories_recovered": list(self.recovery.categories_recovered),
            "disentanglement": self.disentanglement,
            "image_quality": self.image_quality,
            "real_codes": [codes.to_json(code) for code, codes in enumerate(self.real_codes)],
        }


def evaluate(
    model: InfoGAN, data: ImageData, seed: Tensor, offset: int, samples: int, with_fid: bool = False
) -> Evaluation:
    """Evaluate a model; batch normalisation uses its running statistics, whatever mode the model is in.

    Args:
        model: the networks.
        data: real data, for the accuracy, the scores of disentanglement and, where they are images, the quality of the
            generated ones.
        seed: of the generated samples, as in ``sample_latents``, on the model's device.
        offset: likewise.
        samples: number of generated samples for L_I and R2, ``>= 2``.
        with_fid: also the FID, if its network is on this machine; it takes minutes on a CPU.

    Raises:
        NonFiniteError: an output of G or Q is not finite.
    """
    recovery = recover_codes(model, seed, offset, samples)
    disentanglement = None
    if data.factors is not None:
        from infogan_fast.evaluation.disentanglement import disentanglement_scores  # scikit-learn: a second to import

        disentanglement = disentanglement_scores(model, data, int(seed))
    quality = None
    if data.is_images:
        quality = image_quality(model, data.images, seed, offset, with_fid)
        quality |= category_diversity(model, data.images, seed, offset)
    accuracies = code_accuracies(model, data)
    on_real = real_codes(model, data.images, int(seed))
    return Evaluation(model.spec, recovery, accuracies, disentanglement, quality, on_real)
