"""Settings: defaults, ranges, JSON, and ``key=value``."""

import dataclasses
import json

import numpy as np
import pytest

import infogan_fast as ig
from infogan_fast.training import PRESETS, ConfigError, TrainConfig, preset
from infogan_fast.training.overrides import parse_overrides, settings_text
from infogan_fast.training.settings import allowed_values

WRONG = {
    "data": ["", 3],
    "image_size": [0, 2, 30, 1028, 32.0, True, "32"],
    "channels": [0, 2, 4, True, "1"],
    "strict": [None, 1],
    "stream": [0, "auto"],
    "workers": [-1, 257, True, "auto"],
    "heldout_fraction": [-0.1, 1.0, None, "none", True],
    "seed": [-1, 2**31, 1.0, True],
    "noise": [-1, 1.5, 65537],
    "noise_prior": ["gaussian", []],
    "categorical": [10, (0,), ("10",), (True,), (65537,)],
    "continuous": [-1, 65537],
    "continuous_prior": [None],
    "networks": ["MNIST", "", None, []],
    "game": ["lsgan", None, []],
    "game_options": [10, ()],
    "discriminator_updates": [0, 101, 1.0, True],
    "generator_updates": [0, 101, "1"],
    "width": [0.0, -1.0, 65.0, float("nan"), "1"],
    "categorical_weight": [-0.1, float("inf")],
    "continuous_weight": [-0.1, None],
    "continuous_from": [-0.1, 1.1, None],
    "continuous_full": [-0.1, 1.1],
    "shear": [-0.1, 2.0],
    "rotation": [-1.0, 181.0],
    "variance": [0.0, -1.0, "fixed", None, []],
    "real_information": [-1.0, None],
    "real_information_views": [0, 65, None],
    "real_information_entropy": [-0.1, None],
    "conditional_discriminator": [None, 1],
    "ignore": ["colour", (1,), None],
    "information_gradient": [("discriminator",), ("head", "head"), "head"],
    "steps": [0, 10.0],
    "batch_size": [1, 0, 65537],
    "learning_rate_discriminator": [-1e-3, float("nan")],
    "learning_rate_generator": ["fast"],
    "learning_rate_head": [float("inf")],
    "betas": [(0.5,), (0.5, 1.0), (-0.1, 0.9), 0.5],
    "decay_from": [-0.1, 1.1],
    "augmentation": [-0.1, 1.1, None],
    "instance_noise": [-0.5],
    "ema": [-0.1, 1.0, None],
    "device": ["gpu", 0],
    "compile": [1, "true"],
    "cuda_graph": [None, 1],
    "precision": ["float16", None],
    "matrix_product": ["mkl", None],
    "log_every": [0, 1_000_001],
    "checkpoint_every": [0],
    "keep_checkpoints": [0, 1.0],
    "best_by": ["loss", None],
    "picture_every": [-1],
    "tensorboard": [None, 1],
    "evaluation_samples": [1],
}


def test_every_setting_has_a_meaning_and_a_wrong_value_here():
    assert set(WRONG) == {setting.name for setting in dataclasses.fields(TrainConfig)}
    for setting in dataclasses.fields(TrainConfig):
        assert setting.metadata["meaning"]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in WRONG.items() for value in values])
def test_wrong_value_says_name_value_and_what_is_allowed(name, value):
    with pytest.raises(ConfigError) as error:
        TrainConfig(**{name: value})
    assert str(error.value) == f"{name}: got {value!r}, allowed: {allowed_values()[name].text}"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("channels", "1, 3, none"),
        ("image_size", "a multiple of 4 from 4 to 1024, or none"),
        ("steps", "an integer from 1 to 2147483647"),
        ("log_every", "an integer from 1 to 1000000"),
        ("batch_size", "an integer from 2 to 65536 (batch normalisation needs two)"),
        ("categorical", "integers from 1 to 65536, separated by commas; () for none"),
        ("width", "a number > 0 and <= 64, or none"),
        ("variance", "a number > 0, learned, learned_std"),
        ("ema", "a number >= 0 and < 1"),
        ("heldout_fraction", "a number >= 0 and < 1"),
        ("rotation", "a number from 0 to 180"),
        ("compile", "true, false, none"),
        ("networks", "mnist, svhn, faces, chairs, keras, images, own"),
        ("game", "non-saturating, hinge, wgan-gp"),
    ],
)
def test_allowed_values_in_words(name, text):
    assert allowed_values()[name].text == text


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("penalty", "got 'penalty', allowed: name:value"),
        ("penalty:high", "got 'penalty:high', allowed: name:value"),
        ("decay:1", r"'decay': unknown; allowed of wgan-gp: penalty \(default 10\)"),
        ("penalty:-1", "penalty: got -1.0, allowed: a number >= 0"),
    ],
)
def test_wrong_options_of_a_game(options, message):
    with pytest.raises(ConfigError, match=f"^game_options: {message}"):
        TrainConfig(game="wgan-gp", game_options=options)


def test_numbers_are_plain_floats():
    """Whatever they were given as, config.json and the checkpoints hold the same."""
    config = TrainConfig(width=1, shear=np.float64(0.5), betas=(0, np.float32(0.5)))
    assert config == TrainConfig(width=1.0, shear=0.5, betas=(0.0, 0.5))
    assert [type(value) for value in (config.width, config.shear, *config.betas)] == [float] * 4


def test_there_has_to_be_a_code():
    with pytest.raises(ConfigError, match="at least one code"):
        TrainConfig(categorical=(), continuous=0)


def test_spec():
    config = TrainConfig(noise=3, categorical=(4, 2), continuous=1, continuous_prior="normal", noise_prior="uniform")
    assert config.spec == ig.LatentSpec(3, (4, 2), 1, "normal", "uniform")


def test_json_round_trip():
    config = TrainConfig(categorical=(3, 4), variance="learned", betas=(0.1, 0.2), information_gradient=())
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


@pytest.mark.parametrize("name", ["shear", "data"])
def test_json_that_lacks_a_setting_is_not_filled_in(name):
    values = TrainConfig().to_json()
    del values[name]
    with pytest.raises(ConfigError, match=f"written by another version: lacks {name}"):
        TrainConfig.from_json(values)


def test_settings_text_fits_the_terminal():
    text = settings_text(TrainConfig(), "Settings", 80)
    assert max(map(len, text.splitlines())) <= 80
    for setting in dataclasses.fields(TrainConfig):
        assert f"\n{setting.name}=" in text


def test_presets():
    assert preset("mnist5k-plain") == TrainConfig()
    assert preset("mnist5k").real_information > 0.0 == preset("mnist5k-plain").real_information
    assert all(PRESETS[name].real_information == 0.0 for name in PRESETS if name not in ("mnist5k", "images"))
    assert preset("mnist").batch_size == 128
    known = "plain, mnist5k, mnist5k-plain, sprites, images, mnist, svhn, celeba, faces, chairs, keras"
    assert ", ".join(PRESETS) == known
    with pytest.raises(ConfigError, match=rf"'mnst' is unknown; known presets: {known}; did you mean mnist\?"):
        preset("mnst")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("steps=10", 10),
        ("width=0.5", 0.5),
        ("networks=svhn", "svhn"),
        ("width=none", None),
        ("image_size=64", 64),
        ("channels=3", 3),
        ("compile=true", True),
        ("data=a=b", "a=b"),
        ("categorical=10,4", (10, 4)),
        ("categorical=(10,)", (10,)),
        ("categorical=()", ()),
        ("betas=(0.5, 0.9)", (0.5, 0.9)),
        ("variance=learned", "learned"),
        ("variance=0.5", 0.5),
        ("information_gradient=head, trunk", ("head", "trunk")),
        ("continuous_prior = normal", "normal"),
    ],
)
def test_override(text, value):
    ((_, parsed),) = parse_overrides([text]).items()
    assert parsed == value
    assert type(parsed) is type(value)


def test_later_override_wins():
    assert parse_overrides(["steps=1", "seed=2", "steps=3"]) == {"steps": 3, "seed": 2}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("steps", "write it as key=value"),
        ("=3", "write it as key=value"),
        ("batchsize=3", r"unknown setting 'batchsize'; did you mean batch_size\?"),
        ("zzz=3", "unknown setting 'zzz'; known settings: data, image_size"),
        ("steps=3.5", r"steps got '3.5', allowed: an integer from 1 to 2147483647"),
        ("compile=maybe", "compile got 'maybe', allowed: true, false, none"),
        ("betas=0.5", "betas got '0.5', allowed: two numbers"),
        ("information_gradient=generator,discriminator", "allowed: any of generator, head, trunk"),
        ("networks=resnet", "networks got 'resnet', allowed: mnist, svhn, faces, chairs, keras"),
        ("width=wide", "width got 'wide', allowed: a number > 0"),
        ("channels=2", "channels got '2', allowed: 1, 3, none"),
        ("batch_size=65537", "batch_size got '65537', allowed: an integer from 2 to 65536"),
    ],
)
def test_wrong_override(text, message):
    with pytest.raises(ConfigError, match=message):
        parse_overrides([text])


def test_continuous_codes_cannot_be_complete_before_they_begin():
    with pytest.raises(ConfigError, match=r"continuous_full: got 0\.05, allowed: at least continuous_from, 0\.1"):
        TrainConfig(continuous_from=0.1, continuous_full=0.05)
