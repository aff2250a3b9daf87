"""The range of the real data's values, by which generated data are turned into pixels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from infogan_fast.data import StoredImages
from infogan_fast.evaluation.reading import batches, some_rows

#: Of data that are not held in memory, the rows that the range is taken from.
_ROWS = 2_000


class ValueRange(NamedTuple):
    """The values that stand for black and for white; those of images that are stored as uint8 by default."""

    low: float = 0.0
    high: float = 1.0

    @classmethod
    def of(cls, data: Tensor | StoredImages) -> ValueRange:
        """The range of real data as the networks take them.

        Args:
            data: ``[N, *shape]``: uint8, whose range is that of the type, or floating point, whose range is from the
                least to the largest value; of stored data, among 2,000 rows drawn at random.
        """
        if data.dtype == torch.uint8:
            return cls()
        if isinstance(data, Tensor):
            low, high = data.aminmax()
        else:
            rows = some_rows(len(data), _ROWS, np.random.default_rng(0))
            low, high = torch.stack([torch.stack(batch.aminmax()) for batch in batches(data, rows)]).aminmax()
        return cls(float(low), float(high)) if low < high else cls(float(low), float(low) + 1.0)

    def to_uint8(self, x: Tensor) -> Tensor:
        """Floating-point images as pixels from 0 to 255 on the CPU; uint8 is returned as it is."""
        if x.dtype == torch.uint8:
            return x.cpu()
        fraction = (x - self.low) / (self.high - self.low)
        return (fraction * 255.0).round().clamp(0, 255).to(torch.uint8).cpu()
