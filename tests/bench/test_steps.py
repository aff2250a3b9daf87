"""The comparison of training steps, with tiny networks: what it counts and how it is written down."""

import json

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from infogan_fast.bench import steps
from infogan_fast.bench.common_steps import FormA
from infogan_fast.bench.jobs import CommonJob, OurJob, as_form_a
from infogan_fast.bench.names import FORM_A, FORM_B, OURS, OURS_COMPILED, PLAIN_JOB
from infogan_fast.networks.runner import NetworkRunner, OwnOps

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


@pytest.mark.parametrize("onednn", [False, True])
def test_the_packages_layers_are_counted_as_pytorchs(onednn):
    network = nn.Sequential(
        *(nn.Linear(5, 4 * 6 * 6), nn.Unflatten(1, (4, 6, 6)), nn.ConvTranspose2d(4, 3, 4, 2, 1)),
        *(nn.Conv2d(3, 7, 4, 2, 1), nn.Flatten(), nn.Linear(7 * 6 * 6, 2, bias=False)),
    )
    rows = torch.randn(8, 5, requires_grad=True)
    totals = []
    for own_ops in (None, OwnOps(onednn)):
        with FlopCounterMode(display=False, custom_mapping=steps.flop_formulas()) as counter:
            NetworkRunner(network, own_ops)(rows).sum().backward()
        totals.append(counter.get_total_flops())
    assert totals[0] == totals[1] > 0


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


def test_a_contender_that_fails_leaves_the_others_their_results(setting, data, monkeypatch, capsys):
    def fail(self, real):
        raise AssertionError("expected size 64, stride 196\nand more")

    monkeypatch.setattr(FormA, "__call__", fail)
    monkeypatch.setattr(steps, "count_flop", lambda job: 1)
    row = steps.row_of(setting, data, 1, 2, compiled=False)
    assert row["missing"] == {FORM_A: "AssertionError: expected size 64, stride 196"}
    assert set(row["milliseconds"]) == EAGER - {FORM_A}
    assert f"  {FORM_A:28} failed: AssertionError" in "\n".join(steps.lines_of(row))


def test_a_step_of_ours_that_fails_is_an_error(setting, data, monkeypatch):
    def fail(self):
        raise ValueError("broken")

    monkeypatch.setattr(OurJob, "__call__", fail)
    monkeypatch.setattr(steps, "count_flop", lambda job: 1)
    with pytest.raises(ValueError, match="broken"):
        steps.row_of(setting, data, 1, 2, compiled=False)
