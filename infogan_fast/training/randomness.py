"""Everything random in a run, as functions of (seed, step): nothing of it has to be saved to resume a run."""

from __future__ import annotations

from contextlib import AbstractContextManager

import numpy as np
import torch
from torch import Tensor, nn

from infogan_fast.training.augment import VIEWS, AffineRange, Views, affine_maps, mapped, pixel_centres
from infogan_fast.training.category_views import CategoryViews, RandomChanges
from infogan_fast.training.settings import ConfigError, TrainConfig

# Offsets of the package's own generator, one per place that samples latent variables.
TRAINING, EVALUATION, PICTURES = 0, 1, 2

# The second view of the real images, for the term on them: how far it is moved, and its fraction of the instance noise.
SECOND_VIEW = AffineRange(shear=0.2, rotation=17.0, scale=0.15, shift=0.12)
SECOND_VIEW_NOISE = 0.5

# Streams that draw from torch's generators.
_VIEWS, _BATCH_ORDER, _NETWORKS = 0, 1, 2


def _seed(seed: int, stream: int, index: int) -> int:
    """A hash of its arguments. torch's CPU generator reads only the low 32 bits of a seed, so sums would collide."""
    return int(np.random.SeedSequence((seed, stream, index)).generate_state(1, np.uint64)[0])


def seed_networks(seed: int, step: int) -> None:
    """Seed torch's global generators for the layers that draw from them in a training step, such as dropout."""
    torch.manual_seed(_seed(seed, _NETWORKS, step))


def generators_restored(device: torch.device) -> AbstractContextManager[None]:
    """In the block, what is drawn from torch's global generators leaves them as they were."""
    return torch.random.fork_rng([device] if device.type == "cuda" else [])


class LatentSeed:
    """The seed tensor of ``sample_latents`` for each update; refilled in place, so a compiled step stays compiled.

    Update u, counted from 0 over the whole run, has the seed ``(seed << 32) + u``.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self._first = seed << 32  # the streams of two runs' seeds do not overlap below 2**32 updates
        self.tensor = torch.zeros((), dtype=torch.int64, device=device)

    def __call__(self, update: int) -> Tensor:
        """0-d int64 on the device; the same tensor every time."""
        return self.tensor.fill_(self._first + update)


class RandomViews:
    """The random views of each update's images, on the device.

    Args:
        config: the settings; of them the seed, the standard deviation of the noise, the largest shear and rotation.
        like: a batch ``[B, *shape]`` of the data's dtype on the device; only images are moved.
        second_view: whether there is another view of the real images.
        uniform: whether there is a random number per image.
        categories: the network that reads the categories off views of their own, if there is one.
    """

    def __init__(
        self, config: TrainConfig, like: Tensor, second_view: bool, uniform: bool, categories: nn.Module | None = None
    ) -> None:
        self._seed, self._noise, self._like = config.seed, config.instance_noise, like
        self._range = AffineRange(config.shear, config.rotation)
        self._generator = torch.Generator(like.device)
        self._pixels: Tensor | None = None
        if like.ndim == 4:
            height, width = like.shape[2:]
            self._pixels = pixel_centres(height, width, like.device).to(like.dtype)
        self.views = self._empty(VIEWS, self._noise, self._range)
        """``augment.VIEWS`` of each image, those of the last call."""
        if self._pixels is not None and config.augmentation > 0.0:
            changes = RandomChanges(config.ignored.moves_alone(), like, VIEWS, config.augmentation)
            self.views = self.views._replace(changes=changes)
        self.second_view: Views | RandomChanges | None = None
        """The other view of the real images, which the term on real images compares with ``augment.REAL``."""
        self.category_views: CategoryViews | None = None
        """What the network that reads the categories is shown, if there is one."""
        if categories is not None:
            pairs = config.real_information_views if second_view else 0
            self.category_views = CategoryViews(config.ignored, like, pairs, categories)
        elif second_view and config.ignore:
            self.second_view = RandomChanges(config.ignored, like, 1)
        elif second_view:
            self.second_view = self._empty(1, SECOND_VIEW_NOISE * self._noise, SECOND_VIEW)
        self.uniform = like.new_empty(len(like)) if uniform else None
        """``[B]``, U(0, 1)."""

    def _empty(self, count: int, noise: float, limits: AffineRange) -> Views:
        like, points = self._like, None
        if self._pixels is not None and any(limits):
            points = mapped(like.new_zeros((count, len(like), 2, 3)), self._pixels)
        return Views(points, like.new_empty((count, *like.shape)) if noise > 0.0 else None)

    def __call__(self, update: int) -> Views:
        """Draw those of an update, counted from 0; refilled in place, so a captured step reads them afresh."""
        self._generator.manual_seed(_seed(self._seed, _VIEWS, update))
        self._refill(self.views, self._noise, self._range)
        # After the others, which are the same without these.
        if isinstance(self.second_view, Views):
            self._refill(self.second_view, SECOND_VIEW_NOISE * self._noise, SECOND_VIEW)
        for views in (self.second_view, self.category_views, self.views.changes):
            if isinstance(views, RandomChanges | CategoryViews):
                views.draw(self._generator)
        if self.uniform is not None:
            self.uniform.uniform_(generator=self._generator)
        return self.views

    def _refill(self, views: Views, deviation: float, limits: AffineRange) -> None:
        points, noise = views.points, views.noise
        if noise is not None:
            noise.normal_(0.0, deviation, generator=self._generator)
        if points is not None and self._pixels is not None:
            uniform = points.new_empty((*points.shape[:2], limits.numbers))
            maps = affine_maps(uniform.uniform_(-1.0, 1.0, generator=self._generator), limits)
            mapped(maps, self._pixels, out=points)


class BatchOrder:
    """Which images make up each batch: a new permutation every epoch, its last partial batch left out.

    Raises:
        ConfigError: the batch is larger than the data.
    """

    def __init__(self, seed: int, images: int, batch_size: int, device: torch.device) -> None:
        if batch_size > images:
            raise ConfigError(f"batch_size: got {batch_size}, allowed: at most {images}, the number of training images")
        self._seed, self._images, self._batch_size, self._device = seed, images, batch_size, device
        self._epoch, self._permutation = -1, torch.empty(0)

    def __call__(self, number: int) -> Tensor:
        """Indices ``[B]`` int64 on the device, of a batch counted from 0 over the whole run."""
        epoch, batch = divmod(number, self._images // self._batch_size)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_seed(self._seed, _BATCH_ORDER, epoch))
            permutation = torch.randperm(self._images, generator=generator)
            if self._device.type == "cuda":
                permutation = permutation.pin_memory()  # from there it is copied without waiting for the device
            self._permutation = permutation.to(self._device, non_blocking=True)
            self._epoch = epoch
        return self._permutation[batch * self._batch_size : (batch + 1) * self._batch_size]
