"""What Q says of real data without labels: how they spread over the categories, and how sure Q is of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.reading import batches, q_output, some_rows
from infogan_fast.model import InfoGAN

#: The most real rows that are read.
ROWS = 2_000


@dataclass(frozen=True)
class RealCodes:
    """Q's answers to real data for one categorical code."""

    rows: int
    """How many real rows they are from."""
    shares: tuple[float, ...]
    """Fraction of the rows that each category is Q's most probable one of; they add up to 1."""
    posterior_entropy: float
    """Mean entropy of Q's categories for a row, in nats: 0 where Q is sure, ``log K`` where it knows nothing."""

    def to_json(self, code: int) -> dict[str, Any]:
        """As ``summary.json`` holds it, for categorical code ``code``, from 0."""
        return {
            "categorical_code": code + 1,
            "images": self.rows,
            "category_shares": list(self.shares),
            "real_posterior_entropy_nats": self.posterior_entropy,
        }


def real_codes(model: InfoGAN, data: Tensor | StoredImages, seed: int) -> list[RealCodes]:
    """Q's categories of real data, in evaluation mode, for each categorical code.

    Args:
        model: the networks; the list is empty where the model has no categorical code.
        data: real data ``[N, *shape]``, N >= 1, on any device, or stored; at most 2,000 rows of them are read.
        seed: by which these are drawn.

    Raises:
        NonFiniteError: an output of Q is not finite.
    """
    spec = model.spec
    if not spec.categorical:
        return []
    rows = some_rows(len(data), ROWS, np.random.default_rng(seed))
    counts = [np.zeros(k, dtype=np.int64) for k in spec.categorical]
    entropies = [0.0] * len(spec.categorical)
    for batch in batches(data, rows):
        for code, logits in enumerate(spec.split(q_output(model, batch).double(), model.variance).logits):
            found = logits.argmax(dim=1).cpu().numpy()
            counts[code] += np.bincount(found, minlength=spec.categorical[code])
            entropies[code] += float(torch.special.entr(logits.softmax(dim=1)).sum())
    return [
        RealCodes(len(rows), tuple((count / len(rows)).tolist()), entropy / len(rows))
        for count, entropy in zip(counts, entropies, strict=True)
    ]
