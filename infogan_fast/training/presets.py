"""Named sets of settings."""

from __future__ import annotations

import difflib

from infogan_fast.training.config import ConfigError, TrainConfig

PRESETS = {
    # 5,000 real digits in some minutes on a CPU.
    "mnist5k": TrainConfig(),
    # The paper's MNIST experiment (section 7 and appendix C.1). Values marked (?) are not in the paper but in its
    # authors' own launcher. Give it the 60,000 digits with --data; without, it trains on the 5,000.
    "mnist": TrainConfig(
        width=1.0,
        noise=62,
        noise_prior="uniform",  # (?)
        categorical=(10,),
        continuous=2,
        batch_size=128,
        steps=5000,  # (?) 50 epochs of 100 updates
        learning_rate_discriminator=2e-4,
        learning_rate_generator=1e-3,
        learning_rate_head=2e-4,  # (?) Q's head belongs to the discriminator's optimiser
        betas=(0.5, 0.999),
        decay_from=1.0,
        shear=0.0,
        rotation=0.0,
        instance_noise=0.0,
        categorical_weight=1.0,
        continuous_weight=1.0,  # (?) the paper says smaller than for categorical codes, without a number
        continuous_from=0.0,
        continuous_full=0.0,
        variance=1.0,  # (?) the paper says exp of an output
    ),
}

DEFAULT_PRESET = "mnist5k"


def preset(name: str) -> TrainConfig:
    """The settings of that name.

    Raises:
        ConfigError: there is no such preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    close = difflib.get_close_matches(name, PRESETS, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"preset {name!r} is unknown; known presets: {', '.join(PRESETS)}{suggestion}")
