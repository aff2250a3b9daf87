"""The networks of a run, made from its settings."""

from __future__ import annotations

from infogan_fast.model import InfoGAN
from infogan_fast.networks import build_model
from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig


def build_networks(config: TrainConfig, image_shape: tuple[int, int, int]) -> InfoGAN:
    """The networks of a configuration whose width is decided, with the initial weights of its seed.

    Raises:
        ConfigError: the width is not decided, or the networks do not fit images of that size.
    """
    if config.networks == OWN_NETWORKS:
        raise ConfigError("networks: got own, but no networks were given; from Python: ig.train(..., model=...)")
    if config.width is None:
        raise ConfigError("width: got None, allowed: a number > 0; device.resolve() chooses one by device")
    spec = config.spec
    try:
        return build_model(
            spec,
            image_shape,
            variance=config.variance,
            width=config.width,
            seed=config.seed,
            networks=config.networks,
        )
    except ValueError as error:
        raise ConfigError(f"data: {error}; --set image_size=32 resizes the images") from error
