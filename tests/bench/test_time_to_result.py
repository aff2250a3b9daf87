"""Time to a result: what counts as having got there, and a run of a few steps."""

import dataclasses
import json

import pytest

from infogan_fast.bench import time_to_result
from infogan_fast.bench.time_to_result import TRAINERS, stays_above


def curve(*values):
    return [{"seconds": float(second), "value": value} for second, value in enumerate(values, start=1)]


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ((1.0, 2.3, 2.3), 2.0),
        ((2.3, 1.0, 2.3), 3.0),
        ((2.3, 2.3, 1.0), None),
        ((2.3,), 1.0),
        ((), None),
        ((None, None), None),
    ],
)
def test_stays_above(values, seconds):
    assert stays_above(curve(*values), "value", 2.2) == seconds


def test_the_median_counts_never_as_longest():
    def runs(*values):
        return [{"seconds_until_bound": value} for value in values]

    assert time_to_result.median_seconds(runs(1.0, None, 3.0), "seconds_until_bound") == 3.0
    assert time_to_result.median_seconds(runs(1.0, None, None), "seconds_until_bound") is None


def test_configurations():
    ours, form_a = (time_to_result.configuration(trainer, 3, "cpu") for trainer in TRAINERS)
    assert (ours.seed, ours.batch_size, ours.width) == (3, 64, 0.25)
    assert (form_a.seed, form_a.batch_size, form_a.width) == (3, 128, 0.25)


def test_a_short_run_of_both(config, data, capsys):
    def small(made):
        return dataclasses.replace(config, seed=made.seed, steps=4, log_every=1)

    saved = []
    values = time_to_result.measure_and_print(data, [0, 1], "cpu", 1.0, 0.25, 50, small, save=lambda v: saved.append(1))
    result = json.loads(json.dumps(values))["time_to_result"]
    assert len(saved) == 4
    assert [(run["trainer"], run["seed"]) for run in result["runs"]] == [
        ("infogan_fast", 0),
        ("form A", 0),
        ("infogan_fast", 1),
        ("form A", 1),
    ]
    for run in result["runs"]:
        assert run["curve"][-1]["step"] == run["steps"] > 0
        assert run["curve"][-1]["seconds"] == run["seconds"] > 0
        assert 0.0 <= run["accuracy"] <= 1.0
        assert run["images_per_second"] > 0
    assert result["runs"][0]["complete"]
    assert result["runs"][0]["steps"] == 4
    assert not result["runs"][1]["complete"]
    assert "median" in capsys.readouterr().out
