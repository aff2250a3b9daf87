"""The networks of a run, made from its settings."""

from __future__ import annotations

from infogan_fast.model import InfoGAN
from infogan_fast.networks import build_model
from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig

#: The message where the settings ask for networks of the user's own and there are none.
NO_NETWORKS = "networks: got own, which needs networks of your own: from Python, ig.train(..., model=...)"


def check_own_model(model: object, config: TrainConfig) -> None:
    """Whether networks of the user's own can be those of a run with these settings.

    Raises:
        ConfigError: they are no ``InfoGAN``, or not for the settings' latent code.
    """
    if not isinstance(model, InfoGAN):
        raise ConfigError(f"model: got {type(model).__name__}, allowed: an InfoGAN")
    if config.networks != OWN_NETWORKS:
        raise ConfigError(f"model: got networks of your own, allowed: None, as networks is {config.networks!r}")
    if (model.spec, model.variance) != (config.spec, config.variance):
        raise ConfigError(
            f"model: got {model.spec} with variance {model.variance!r}, allowed: those of the run, {config.spec} with "
            f"{config.variance!r}"
        )


def build_networks(config: TrainConfig, image_shape: tuple[int, int, int]) -> InfoGAN:
    """The networks of a configuration whose width is decided, with the initial weights of its seed.

    Raises:
        ConfigError: the width is not decided, or the networks do not fit images of that size.
    """
    if config.networks == OWN_NETWORKS:
        raise ConfigError(NO_NETWORKS)
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
            standardised=config.ignored.forgets_colour,
            conditional=config.uses_conditional_discriminator,
        )
    except ValueError as error:
        raise ConfigError(f"data: {error}; --set image_size=32 resizes the images") from error
