"""What the updates of each training step read: latent variables, real images and their random views."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import torch
from torch import Tensor, nn

from infogan_fast.data import ImageData
from infogan_fast.model import to_float
from infogan_fast.objectives.term import Input
from infogan_fast.ops import sample_latents
from infogan_fast.spec import Latents
from infogan_fast.training import randomness
from infogan_fast.training.augment import Views
from infogan_fast.training.batches import batches_of
from infogan_fast.training.category_views import CategoryViews, RandomChanges
from infogan_fast.training.settings import TrainConfig


class UpdateInputs(NamedTuple):
    """What one update of D, of G, or of both on the same generated images, reads."""

    latents: Latents
    """The latent variables of B generated images."""
    views: Views
    """How D and Q see the images, by ``augment.REAL`` and so on."""
    real: Tensor | None
    """``[B, *shape]``, the real images, those with pixels in [0, 1]; None where D is not updated."""
    second_view: Views | RandomChanges | None
    """Another view of the real images, if a term asks for it and there are no ``category_views``."""
    labels: Tensor | None
    """``[B]`` int64, classes of the real images, if a term asks for them."""
    uniform: Tensor | None
    """``[B]``, U(0, 1), if a term asks for it."""
    category_views: CategoryViews | None = None
    """What the network that reads the categories is shown, if there is one."""


class StepInputs:
    """The inputs of every update of a step, as functions of the seed and the step.

    The last update of D and the first one of G share their generated images, so there is one element for each update of
    D and one for each further one of G.

    Args:
        config: the settings.
        data: the real images.
        device: of the inputs.
        dtype: of the inputs.
        asked_for: what terms ask for, ``Term.inputs``.
        categories: as in ``RandomViews``.

    Raises:
        ConfigError: the batch is larger than the data.
        DataError: labels are asked for, and the data has none.
    """

    def __init__(
        self,
        config: TrainConfig,
        data: ImageData,
        device: torch.device,
        dtype: torch.dtype,
        asked_for: Collection[Input] = (),
        categories: nn.Module | None = None,
    ) -> None:
        self._spec, self._batch_size, self._dtype = config.spec, config.batch_size, dtype
        self._asked_for = frozenset(asked_for)
        self.batches = batches_of(data, config, device, "labels" in self._asked_for)
        updates = config.discriminator_updates + config.generator_updates - 1
        like = torch.empty((config.batch_size, *data.images.shape[1:]), dtype=dtype, device=device)
        second_view, uniform = "second_view" in self._asked_for, "uniform" in self._asked_for
        self._seeds = [randomness.LatentSeed(config.seed, device) for _ in range(updates)]
        self._views = [randomness.RandomViews(config, like, second_view, uniform, categories) for _ in range(updates)]

    def prepare(self, step: int) -> None:
        """Refill, in place, what the step reads.

        Raises:
            DataError: its images cannot be read.
        """
        self.batches.prepare(step)
        for index, (seed, views) in enumerate(zip(self._seeds, self._views, strict=True)):
            seed(step * len(self._seeds) + index)
            views(step * len(self._seeds) + index)

    def __call__(self) -> list[UpdateInputs]:
        """The inputs of the step that was prepared last, made on the device; a CUDA graph can capture this call."""
        batches = self.batches()
        inputs = []
        for index, (seed, views) in enumerate(zip(self._seeds, self._views, strict=True)):
            latents = sample_latents(self._spec, self._batch_size, seed.tensor, randomness.TRAINING, dtype=self._dtype)
            images, labels = batches[index] if index < len(batches) else (None, None)
            real = None if images is None else to_float(images, self._dtype)
            inputs.append(
                UpdateInputs(latents, views.views, real, views.second_view, labels, views.uniform, views.category_views)
            )
        return inputs
