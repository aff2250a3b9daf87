"""What a trained InfoGAN learned: bound and R2 of its codes, accuracy on real images, image quality; and pictures.

The scores on known factors are in ``infogan_fast.evaluation.disentanglement``, which imports scikit-learn.
"""

from infogan_fast.evaluation.accuracy import (
    CodeAccuracy,
    code_accuracies,
    fraction_correct,
    match_categories,
    training_accuracies,
)
from infogan_fast.evaluation.codes import CodeRecovery, bound_note, recover_codes
from infogan_fast.evaluation.intervals import fraction_interval, mean_interval
from infogan_fast.evaluation.pictures import RealData, why_no_pictures, write_samples, write_traversals
from infogan_fast.evaluation.quality import image_quality
from infogan_fast.evaluation.sliced_wasserstein import SlicedWasserstein
from infogan_fast.evaluation.summary import Evaluation, evaluate

__all__ = [
    "CodeAccuracy",
    "CodeRecovery",
    "Evaluation",
    "RealData",
    "SlicedWasserstein",
    "bound_note",
    "code_accuracies",
    "evaluate",
    "fraction_correct",
    "fraction_interval",
    "image_quality",
    "match_categories",
    "mean_interval",
    "recover_codes",
    "training_accuracies",
    "why_no_pictures",
    "write_samples",
    "write_traversals",
]
