"""The comparison of training steps, with tiny networks: what it counts and how it is written down."""

import json

import pytest

from infogan_fast.bench import steps
from infogan_fast.bench.common_steps import FormA
from infogan_fast.bench.jobs import CommonJob, OurJob, as_form_a
from infogan_fast.bench.names import FORM_A, FORM_B, OURS, OURS_COMPILED, PLAIN_JOB

EAGER = {OURS, PLAIN_JOB, FORM_A, FORM_B}


@pytest.fixture
def setting(config):
    return steps.Setting("tiny", as_form_a(config), plain_job=config)


def test_the_settings_are_the_papers_and_the_plain_job():
    paper, quarter = steps.settings("cpu")
    assert (paper.config.width, paper.config.batch_size, paper.plain_job) == (1.0, 128, None)
    assert (quarter.config.width, quarter.config.batch_size) == (0.25, 64)
    assert quarter.config.instance_noise == 0.0 < quarter.plain_job.instance_noise


def test_contenders(setting, data):
    assert {name for name, _ in steps.jobs(setting, data, compiled=False)} == EAGER
    named = dict(steps.jobs(setting, data, compiled=True))
    assert set(named) > EAGER
    assert named[OURS_COMPILED].loop.config.compile
    assert len(named) == 7


def test_our_step_computes_less_than_form_a(config, data):
    ours, form_a = OurJob(as_form_a(config), data), CommonJob(FormA, config, data)
    assert 0 < steps.count_flop(ours) < steps.count_flop(form_a)


def test_a_measurement_is_json_and_a_table(setting, data, capsys):
    saved = []
    values = steps.measure_and_print([setting], data, [1], 2, compiled=False, save=saved.append)
    (row,) = json.loads(json.dumps(values))["steps"]
    assert saved == [values]
    assert (row["setting"], row["threads"], row["batch"], row["device"]) == ("tiny", 1, 16, "cpu")
    for key in ("milliseconds", "images_per_second", "flop", "share_of_matrix_product", "peak_bytes", "speedup"):
        assert set(row[key]) == EAGER
        assert all(value > 0 for value in row[key].values())
    assert row["speedup"][OURS] == 1.0
    assert row["images_per_second"][OURS] == pytest.approx(16 / row["milliseconds"][OURS] * 1e3)
    assert row["flop"][FORM_B] > row["flop"][FORM_A] > row["flop"][OURS]
    printed = capsys.readouterr().out
    assert "tiny, 1 thread; a matrix product: " in printed
    assert all(name in printed for name in EAGER)
