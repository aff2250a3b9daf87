"""The figures of a trained InfoGAN, in the form in which ``summary.json`` holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.evaluation.accuracy import CodeAccuracy, code_accuracies
from infogan_fast.evaluation.codes import CodeRecovery, recover_codes
from infogan_fast.evaluation.quality import image_quality
from infogan_fast.model import InfoGAN
from infogan_fast.spec import LatentSpec, Variance


@dataclass(frozen=True)
class Evaluation:
    """Figures of one set of weights."""

    spec: LatentSpec
    recovery: CodeRecovery
    accuracies: list[CodeAccuracy]
    """Best on the training images first; empty without labels or categorical codes."""
    disentanglement: dict[str, Any] | None = None
    """As ``disentanglement_scores`` gives them; None without known factors."""
    image_quality: dict[str, Any] | None = None
    """As ``image_quality`` gives it."""

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
                    "class_of_category": list(accuracy.classes),
                }
                for accuracy in self.accuracies
            ],
            "code_names": list(self.spec.code_names),
            "mi_bound_nats": list(self.recovery.mi_bound_nats),
            "mi_bound_ci_nats": [list(interval) for interval in self.recovery.mi_bound_ci_nats],
            "entropy_nats": self.spec.entropy().tolist(),
            "r2": list(self.recovery.r2),
            "disentanglement": self.disentanglement,
            "image_quality": self.image_quality,
        }


def evaluate(
    nets: InfoGAN,
    spec: LatentSpec,
    variance: Variance,
    data: ImageData,
    seed: Tensor,
    offset: int,
    samples: int,
    with_fid: bool = False,
) -> Evaluation:
    """Evaluate the networks.

    Args:
        nets: the networks, in evaluation mode.
        spec: the latent variables.
        variance: of Q's Gaussian, as in ``info_loss``.
        data: real images, for the accuracy, the scores of disentanglement and the quality of the generated ones.
        seed, offset: of the generated images, as in ``sample_latents``.
        samples: number of generated images, for L_I and R2.
        with_fid: also the FID, if its network is on this machine; it takes minutes on a CPU.

    Raises:
        NonFiniteError: a generated image or an output of Q is not finite.
    """
    recovery = recover_codes(nets, spec, variance, seed, offset, samples)
    disentanglement = None
    if data.factors is not None:
        from infogan_fast.evaluation.disentanglement import disentanglement_scores  # scikit-learn: a second to import

        disentanglement = disentanglement_scores(nets, spec, data, int(seed))
    return Evaluation(
        spec,
        recovery,
        code_accuracies(nets, spec, data),
        disentanglement,
        image_quality(nets, spec, data.images, seed, offset, with_fid),
    )
