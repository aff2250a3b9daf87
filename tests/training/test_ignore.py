"""The setting ``ignore``: what views differ in."""

import dataclasses
import math

import pytest

from infogan_fast.training.ignore import KINDS, ignored
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.presets import preset
from infogan_fast.training.settings import ConfigError, TrainConfig


def test_kinds_have_their_base_unless_they_are_named():
    strengths = dataclasses.asdict(ignored(()))
    assert strengths == {name: kind.base for name, kind in KINDS.items()}
    named = dataclasses.asdict(ignored(("rotation:30", "flip", " colour : .5 ", "scale:0")))
    assert named == strengths | {"rotation": 30.0, "flip": 0.5, "colour": 0.5, "scale": 0.0}


def test_every_kind_has_a_usual_strength_and_a_largest_one():
    for name, kind in KINDS.items():
        assert getattr(ignored((name,)), name) == kind.usual
        assert getattr(ignored((f"{name}:{kind.most:g}",)), name) == kind.most
        assert 0.0 <= kind.base <= kind.usual <= kind.most


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (("hue",), "got 'hue', allowed: rotation, shear, scale"),
        (("",), "got '', allowed: rotation"),
        (("flip", "flip:0.2"), "got flip twice, allowed: once"),
        (("rotation:181",), "rotation: got '181', allowed: a number from 0 to 180, rotation by"),
        (("rotation:-1",), "rotation: got '-1', allowed"),
        (("rotation:nan",), "rotation: got 'nan', allowed"),
        (("rotation:",), "rotation: got '', allowed"),
        (("rotation:1e2",), "rotation: got '1e2', allowed"),
        (("rotation:1:2",), "rotation: got '1:2', allowed"),
        (("crop:1",), "crop: got '1', allowed: a number from 0 to 0.9"),
        (("colour:٣",), "colour: got '٣', allowed"),
    ],
)
def test_wrong_names_and_strengths(names, message):
    with pytest.raises(ConfigError, match=f"^ignore: {message}"):
        TrainConfig(ignore=names)


def test_on_the_command_line():
    assert parse_overrides(["ignore=rotation:30, flip"]) == {"ignore": ("rotation:30", "flip")}
    assert parse_overrides(["ignore=()"]) == {"ignore": ()}
    config = TrainConfig(ignore=("rotation:30", "flip"))
    assert TrainConfig.from_json(config.to_json()) == config


def test_colour_is_forgotten_at_full_strength_alone():
    assert ignored(("colour",)).forgets_colour
    assert not ignored(("colour:0.9",)).forgets_colour
    assert not ignored(()).forgets_colour
    assert preset("images").ignored.forgets_colour


def test_crop_is_a_fraction_of_the_area():
    assert math.exp(ignored(("crop:0.75",)).log_zoom) == pytest.approx(0.5)
    assert ignored(()).log_zoom == 0.0
