"""Everything random in a run, as functions of (seed, step): nothing of it has to be saved to continue a run."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.views import VIEWS, Views, affine_maps, mapped, pixel_centres

# Offsets of the package's own generator, one per place that samples latent variables.
TRAINING, EVALUATION, PICTURES = 0, 1, 2

# Streams that draw from torch's generators.
_VIEWS, _BATCH_ORDER = 0, 1


def _seed(seed: int, stream: int, index: int) -> int:
    """A hash of its arguments. torch's CPU generator reads only the low 32 bits of a seed, so sums would collide."""
    return int(np.random.SeedSequence((seed, stream, index)).generate_state(1, np.uint64)[0])


class LatentSeedAtStep:
    """The seed tensor of ``sample_latents`` for each step; refilled in place, so a compiled step stays compiled."""

    def __init__(self, seed: int, device: torch.device) -> None:
        self._first = seed << 32  # the streams of two runs' seeds do not overlap below 2**32 steps
        self._tensor = torch.zeros((), dtype=torch.int64, device=device)

    def __call__(self, step: int) -> Tensor:
        """0-d int64 on the device; the same tensor every time."""
        return self._tensor.fill_(self._first + step)


class RandomViews:
    """The views of each step's images, on the device: ``views.VIEWS`` of each.

    Args:
        config: the settings; of them the seed, the standard deviation of the noise and the largest shear and rotation.
        device: of the views.
    """

    def __init__(self, config: TrainConfig, device: torch.device) -> None:
        self._config = config
        self._generator = torch.Generator(device)
        self._pixels: Tensor | None = None  # the same in every step

    def __call__(self, step: int, shape: torch.Size) -> Views:
        """Views of images of a shape ``[B, C, H, W]``."""
        config, generator = self._config, self._generator
        generator.manual_seed(_seed(config.seed, _VIEWS, step))
        noise = None
        if config.instance_noise > 0.0:
            noise = torch.empty((VIEWS, *shape), device=generator.device)
            noise.normal_(0.0, config.instance_noise, generator=generator)
        points = None
        if config.shear > 0.0 or config.rotation > 0.0:
            uniform = torch.empty((VIEWS, shape[0], 2), device=generator.device)
            maps = affine_maps(uniform.uniform_(-1.0, 1.0, generator=generator), config.shear, config.rotation)
            points = mapped(maps, self._pixels_of(shape[2], shape[3]))
        return Views(points, noise)

    def _pixels_of(self, height: int, width: int) -> Tensor:
        if self._pixels is None or self._pixels.shape[1:] != (height, width):
            self._pixels = pixel_centres(height, width, self._generator.device)
        return self._pixels


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
