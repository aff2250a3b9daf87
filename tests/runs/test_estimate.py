"""What is said of the length of a run, and of settings that make it shorter."""

import dataclasses
import re

import pytest

from infogan_fast.runs.estimate import LONG, estimate_lines
from infogan_fast.training import TrainConfig
from infogan_fast.training.presets import preset

CHAIRS = dataclasses.replace(preset("chairs"), device="cpu")  # 30,000 steps, batches of 128, width 1
COLOUR = (3, 64, 64)


def settings_named(lines):
    """Names and values of the settings in the advice."""
    found = re.findall(r"^  --(?:set )?(\w+)[= ](\S+)", "\n".join(lines), re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_a_short_run_is_one_line():
    lines = estimate_lines(TrainConfig(device="cpu", width=0.25, steps=7000), (1, 28, 28), 0, 0.0385)
    assert lines == ["about 4 min 30 s for 7,000 steps (38 ms a step), training alone"]


def test_one_step():
    lines = estimate_lines(TrainConfig(device="cpu", width=0.25, steps=1), (1, 28, 28), 0, 2.0)
    assert lines == ["about 2 s for 1 step (2 s a step), training alone"]


def test_advice_from_an_hour_on():
    config = dataclasses.replace(CHAIRS, steps=1000)
    assert len(estimate_lines(config, COLOUR, 0, LONG / 1000)) == 1
    assert len(estimate_lines(config, COLOUR, 0, LONG / 999)) > 1


def test_advice():
    assert estimate_lines(CHAIRS, (1, 128, 128), 0, 0.3) == [
        "about 2 h 30 min for 30,000 steps (300 ms a step), training alone",
        "for an hour or less, one of these, each with another result:",
        "  --steps 12000        less training, 1 h",
        "  --set width=0.4      smaller networks, between 24 min and 1 h",
        "  --set image_size=64  smaller images, about 38 min",
        "  --set batch_size=51  noisier gradients, about 1 h",
        "or a machine with a GPU, which takes a small part of the time",
    ]


@pytest.mark.parametrize("step_seconds", [0.1201, 0.15, 0.33, 0.66, 1.0, 7.0])
def test_each_setting_brings_the_run_to_an_hour_at_the_most(step_seconds):
    ratio = LONG / (step_seconds * CHAIRS.steps)
    named = settings_named(estimate_lines(CHAIRS, (1, 128, 128), 0, step_seconds))
    assert 0.9 * LONG < named.pop("steps") * step_seconds <= LONG
    shares = {"width": 1.0, "batch_size": 128.0, "image_size": 128.0}
    for name, value in named.items():
        assert (value / shares[name]) ** (2 if name == "image_size" else 1) <= ratio * (1 + 1e-9), name


def test_the_largest_of_the_smaller_images():
    assert settings_named(estimate_lines(CHAIRS, (1, 256, 256), 0, 0.13))["image_size"] == 128
    assert settings_named(estimate_lines(CHAIRS, (1, 256, 300), 0, 0.5))["image_size"] == 64


@pytest.mark.parametrize(
    ("config", "shape", "step_seconds", "named"),
    [
        (CHAIRS, (1, 64, 64), 0.13, {"steps", "width", "image_size", "batch_size"}),
        (CHAIRS, (1, 32, 32), 0.6, {"steps", "width", "batch_size"}),  # of 32 pixels there are no smaller ones
        (CHAIRS, (1, 64, 64), 0.6, {"steps", "width", "batch_size"}),  # the smallest would still take too long
        (CHAIRS, (1, 128, 128), 6.0, {"steps"}),  # no network, image or batch is small enough
        (dataclasses.replace(CHAIRS, data="own"), (1, 128, 128), 0.3, {"steps", "width", "batch_size"}),
        (dataclasses.replace(preset("plain"), steps=10**5), (80, 100), 0.1, {"steps", "batch_size"}),
        (dataclasses.replace(CHAIRS, steps=10**7), (1, 128, 128), 0.0005, {"steps"}),  # overhead, whatever the sizes
        (dataclasses.replace(CHAIRS, steps=2), (1, 28, 28), 7200.0, {"width", "batch_size"}),  # not one step in an hour
    ],
)
def test_only_what_applies_is_named(config, shape, step_seconds, named):
    lines = estimate_lines(dataclasses.replace(config, device="cpu"), shape, 0, step_seconds)
    assert set(settings_named(lines)) == named


def test_a_resumed_run_keeps_its_settings():
    assert estimate_lines(CHAIRS, (1, 128, 128), 10_000, 0.3) == [
        "about 1 h 40 min for the remaining 20,000 steps (300 ms a step), training alone",
        "faster: a machine with a GPU, which takes a small part of the time",
    ]
    assert len(estimate_lines(CHAIRS, (1, 128, 128), 20_000, 0.3)) == 1


def test_no_gpu_is_named_on_one():
    lines = estimate_lines(dataclasses.replace(CHAIRS, device="cuda"), (1, 128, 128), 0, 0.3)
    assert set(settings_named(lines)) == {"steps", "width", "image_size", "batch_size"}
    assert not any("GPU" in line for line in lines)
    assert len(estimate_lines(dataclasses.replace(CHAIRS, device="cuda"), COLOUR, 1, 0.3)) == 1


def test_the_first_step_alone():
    lines = estimate_lines(TrainConfig(device="cpu", width=0.25, steps=100), (1, 28, 28), 0, 15.0, first_alone=True)
    assert lines == ["about 25 min for 100 steps (as the first took 15 s), training alone"]
