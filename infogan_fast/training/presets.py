"""Named sets of settings. Values marked (?) are disputed or not in the paper; what they rest on instead is said there.

A preset names no data but says which it is for: the user's own, with ``--data``. ``--set`` changes any value of it.
"""

from __future__ import annotations

import difflib
from dataclasses import replace

from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig

# The paper's MNIST experiment (section 7 and appendix C.1), and what its others have in common with it. What is marked
# (?) is from its authors' own launcher. Give it the 60,000 digits with --data mnist; without, it trains on the 5,000.
_PAPER_MNIST = TrainConfig(
    networks="mnist",
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
)

# The paper's other experiments: Q's standard deviation is exp of an output, as the paper says.
_PAPER = replace(
    _PAPER_MNIST,
    noise=128,
    variance="learned_std",
    steps=30000,  # (?) the paper gives no number
)

PRESETS = {
    # For networks and data of one's own: the paper's objective, with neither augmentation nor schedules.
    "plain": replace(
        _PAPER_MNIST,
        networks=OWN_NETWORKS,
        width=None,
        batch_size=64,
        continuous_weight=0.1,
        variance="learned",
    ),
    # 5,000 real digits in some minutes on a CPU, with the term on real images.
    "mnist5k": replace(TrainConfig(), real_information=1.0, continuous_weight=0.1),
    # The same without it: nothing but the paper's objective.
    "mnist5k-plain": TrainConfig(),
    # Not the paper's: for --data sprites, at 32x32x1, in some minutes on a CPU. Five codes for the five factors, and no
    # noise, so that nothing else can stand for one. The data have no edges to shear: D sees noise alone.
    "sprites": replace(
        TrainConfig(),
        image_size=32,
        noise=0,
        categorical=(),
        continuous=5,
        steps=6000,
        learning_rate_generator=1e-3,
        shear=0.0,
        rotation=0.0,
        instance_noise=0.2,
    ),
    # Not the paper's: for images of one's own, grey or in colour, 300 or many. docs/recipe.md has the trials.
    "images": replace(
        TrainConfig(),
        networks="images",
        categorical=(10,),
        real_information=1.0,
        real_information_views=4,
        real_information_entropy=1.5,
        conditional_discriminator=True,
        ignore=("colour",),
        categorical_weight=0.2,
        continuous_weight=0.3,
        steps=3000,
        batch_size=64,
        learning_rate_discriminator=2e-4,
        learning_rate_generator=1e-3,
        learning_rate_head=2e-3,
        shear=0.0,
        rotation=0.0,
        augmentation=0.5,
        instance_noise=0.05,
        ema=0.995,
    ),
    "mnist": _PAPER_MNIST,
    # Appendix C.2. For house numbers in colour, 32x32x3.
    "svhn": replace(
        _PAPER,
        networks="svhn",
        noise=124,
        categorical=(10, 10, 10, 10),
        continuous=4,  # (?) the text says two, but G's input of 168 = 124 + 4 * 10 + 4
        continuous_weight=0.1,  # (?) the paper says smaller than for categorical codes, without a number
    ),
    # Appendix C.3. For photographs of faces in colour, 32x32x3.
    "celeba": replace(_PAPER, networks="svhn", categorical=(10,) * 10, continuous=0),
    # Appendix C.4. For rendered faces in grey, 32x32x1. The paper has rates and a weight for each factor that it shows.
    # These are the azimuth's; those of other columns go with --set:
    #                                              azimuth  elevation (?)  lighting (?)
    #   learning_rate_discriminator, _head         2e-4     4e-4           8e-4
    #   learning_rate_generator                    5e-4     3e-4           3e-4
    #   continuous_weight                          0.2      0.1            0.05
    "faces": replace(
        _PAPER,
        networks="faces",  # (?) SVHN's layers; that D and Q share all but their output layers is the paper's
        categorical=(),
        continuous=5,
        learning_rate_discriminator=2e-4,
        learning_rate_head=2e-4,
        learning_rate_generator=5e-4,
        continuous_weight=0.2,
    ),
    # Appendix C.5. For rendered chairs in grey, 64x64x1. The weights are those for the rotation.
    "chairs": replace(
        _PAPER,
        networks="chairs",
        categorical=(20, 20, 20),  # (?) the text says four, but G's input of 189 = 128 + 3 * 20 + 1
        continuous=1,
        categorical_weight=1.0,  # (?)
        continuous_weight=10.0,  # (?)
    ),
    # Not the paper's: the InfoGAN that is common in Keras. For digits, 28x28x1. G's input is 62 + 10 = 72. D is without
    # that one's dropout (infogan_fast/networks/keras.py says why).
    "keras": replace(
        _PAPER_MNIST,
        networks="keras",
        noise_prior="normal",
        continuous=0,
        steps=50000,  # (?)
        learning_rate_generator=2e-4,  # (?) as D's
    ),
}

DEFAULT_PRESET = "mnist5k"

#: For networks of one's own.
PLAIN_PRESET = "plain"

#: For images of one's own.
IMAGES_PRESET = "images"


def preset(name: str) -> TrainConfig:
    """The settings that a name stands for.

    Raises:
        ConfigError: there is no such preset.
    """
    if name in PRESETS:
        return PRESETS[name]
    close = difflib.get_close_matches(name, PRESETS, n=1)
    suggestion = f"; did you mean {close[0]}?" if close else ""
    raise ConfigError(f"preset {name!r} is unknown; known presets: {', '.join(PRESETS)}{suggestion}")
