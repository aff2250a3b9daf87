"""Everything random in a run, as functions of (seed, step): nothing of it has to be saved to continue a run."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.views import VIEWS, Reach, Views, affine_maps, mapped, pixel_centres

# Offsets of the package's own generator, one per place that samples latent variables.
TRAINING, EVALUATION, PICTURES = 0, 1, 2

# The other view of the real images, for the term on them: how far it is moved, and its share of the instance noise.
AGAIN = Reach(shear=0.2, rotation=17.0, scale=0.15, shift=0.12)
AGAIN_NOISE = 0.5

# Streams that draw from torch's generators.
_VIEWS, _BATCH_ORDER = 0, 1


def _seed(seed: int, stream: int, index: int) -> int:
    """A hash of its arguments. torch's CPU generator reads only the low 32 bits of a seed, so sums would collide."""
    return int(np.random.SeedSequence((seed, stream, index)).generate_state(1, np.uint64)[0])


class LatentSeedAtStep:
    """The seed tensor of ``sample_latents`` for each step; refilled in place, so a compiled step stays compiled."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._first = seed << 32  # the streams of two runs' seeds do not overlap below 2**32 steps
        self.tensor = torch.zeros((), dtype=torch.int64, device=device)

    def __call__(self, step: int) -> Tensor:
        """0-d int64 on the device; the same tensor every time."""
        return self.tensor.fill_(self._first + step)


class RandomViews:
    """The views of each step's images, on the device: ``views.VIEWS`` of each, and another one of the real images.

    Args:
        config: the settings; of them the seed, the standard deviation of the noise, the largest shear and rotation, and
            whether the real images are seen again.
        device: of the views.
        shape: of a batch of images, ``[B, C, H, W]``.
    """

    def __init__(self, config: TrainConfig, device: torch.device, shape: tuple[int, int, int, int]) -> None:
        self._seed, self._noise = config.seed, config.instance_noise
        self._reach = Reach(config.shear, config.rotation)
        self._generator = torch.Generator(device)
        self._pixels = pixel_centres(*shape[2:], device)
        self.views = self._empty(VIEWS, shape, self._noise, self._reach)
        """Those of the last call."""
        self.again = self._empty(1, shape, AGAIN_NOISE * self._noise, AGAIN) if config.sees_real_again else None
        """The other one of the real images, which the term on real images compares with ``views.REAL``."""

    def _empty(self, count: int, shape: tuple[int, int, int, int], noise: float, reach: Reach) -> Views:
        device = self._pixels.device
        points = mapped(torch.zeros((count, shape[0], 2, 3), device=device), self._pixels) if any(reach) else None
        return Views(points, torch.empty((count, *shape), device=device) if noise > 0.0 else None)

    def __call__(self, step: int) -> Views:
        """The views of a step; refilled in place, so a captured step reads them afresh."""
        self._generator.manual_seed(_seed(self._seed, _VIEWS, step))
        self._refill(self.views, self._noise, self._reach)
        if self.again is not None:  # after the others, which are the same without it
            self._refill(self.again, AGAIN_NOISE * self._noise, AGAIN)
        return self.views

    def _refill(self, views: Views, deviation: float, reach: Reach) -> None:
        points, noise = views
        if noise is not None:
            noise.normal_(0.0, deviation, generator=self._generator)
        if points is not None:
            uniform = torch.empty((*points.shape[:2], reach.numbers), device=points.device)
            maps = affine_maps(uniform.uniform_(-1.0, 1.0, generator=self._generator), reach)
            mapped(maps, self._pixels, out=points)


class BatchOrder:
    """Which images make up the batch of each step: a new permutation every epoch, its last partial batch left out.

    Raises:
        ConfigError: the batch is larger than the data.
    """

    def __init__(self, seed: int, images: int, batch_size: int, device: torch.device) -> None:
        if batch_size > images:
            raise ConfigError(f"batch_size: got {batch_size}, allowed: at most {images}, the number of training images")
        self._seed, self._images, self._batch_size, self._device = seed, images, batch_size, device
        self._epoch, self._permutation = -1, torch.empty(0)

    def __call__(self, step: int) -> Tensor:
        """Indices ``[B]`` int64 on the device."""
        epoch, batch = divmod(step, self._images // self._batch_size)
        if epoch != self._epoch:
            generator = torch.Generator().manual_seed(_seed(self._seed, _BATCH_ORDER, epoch))
            permutation = torch.randperm(self._images, generator=generator)
            if self._device.type == "cuda":
                permutation = permutation.pin_memory()  # from there it is copied without waiting for the device
            self._permutation = permutation.to(self._device, non_blocking=True)
            self._epoch = epoch
        return self._permutation[batch * self._batch_size : (batch + 1) * self._batch_size]
