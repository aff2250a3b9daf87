"""What a trained InfoGAN learned: bound and R2 of its codes, accuracy on real images, pictures."""

from infogan_fast.evaluation.accuracy import CodeAccuracy, code_accuracies, match_categories, share_correct
from infogan_fast.evaluation.codes import CodeRecovery, bound_note, recover_codes
from infogan_fast.evaluation.quality import image_quality
from infogan_fast.evaluation.sliced_wasserstein import SlicedWasserstein
from infogan_fast.evaluation.summary import Evaluation, evaluate
from infogan_fast.evaluation.traversal import write_traversals

__all__ = [
    "CodeAccuracy",
    "CodeRecovery",
    "Evaluation",
    "SlicedWasserstein",
    "bound_note",
    "code_accuracies",
    "evaluate",
    "image_quality",
    "match_categories",
    "recover_codes",
    "share_correct",
    "write_traversals",
]
