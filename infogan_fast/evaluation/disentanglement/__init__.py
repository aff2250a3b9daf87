"""Whether each code of a network stands for one known factor of the images: five published scores."""

from infogan_fast.evaluation.disentanglement.beta_vae import beta_vae
from infogan_fast.evaluation.disentanglement.dci import dci
from infogan_fast.evaluation.disentanglement.factor_vae import factor_vae
from infogan_fast.evaluation.disentanglement.mig import mig
from infogan_fast.evaluation.disentanglement.representation import Representation, represent
from infogan_fast.evaluation.disentanglement.sap import sap
from infogan_fast.evaluation.disentanglement.scores import disentanglement_scores, scores

__all__ = [
    "Representation",
    "beta_vae",
    "dci",
    "disentanglement_scores",
    "factor_vae",
    "mig",
    "represent",
    "sap",
    "scores",
]
