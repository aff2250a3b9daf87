"""The comparison of training steps, with tiny networks: what it counts and how it is written down."""

import dataclasses
import json

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from infogan_fast.bench import products, steps
from infogan_fast.bench.common_steps import FormA, FormB
from infogan_fast.bench.jobs import CommonJob, OurJob, as_form_a
from infogan_fast.bench.names import CONVOLUTIONS, FORM_A, FORM_B, OURS, OURS_COMPILED, PLAIN_JOB
from infogan_fast.networks.runner import NetworkRunner, OwnOps
from infogan_fast.training.processor import processor

EAGER = {OURS, PLAIN_JOB, FORM_A, CONVOLUTIONS, FORM_B}


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
    assert len(named) == 8
    assert list(named).index(CONVOLUTIONS) == list(named).index(FORM_A) + 1


def test_our_step_computes_less_than_form_a(config, data):
    ours, form_a = OurJob(as_form_a(config), data), CommonJob(FormA, config, data)
    assert 0 < steps.count_flop(ours) < steps.count_flop(form_a)


def test_networks_of_convolutions_take_as_many_operations(config, data):
    connected, convolutions = (
        CommonJob(FormA, as_form_a(config), data, convolutions=convolutions) for convolutions in (False, True)
    )
    assert steps.count_flop(connected) == steps.count_flop(convolutions) > 0


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
    assert "one training step, float32, our products by torch.mm, on tiny" in printed
    assert "tiny, 1 thread; a matrix product (float32): " in printed
    assert f" by {row['fastest_matrix_product']}" in printed
    assert all(name in printed for name in EAGER)
    assert (row["precision"], row["matrix_product"]) == ("float32", setting.config.matrix_product)
    rates = row["matrix_flop_per_second"]
    assert row["matrix_product_flop_per_second"] == rates[row["fastest_matrix_product"]] == max(rates.values())


def test_a_contender_that_fails_leaves_the_others_their_results(setting, data, monkeypatch, capsys):
    def fail(self, real):
        raise AssertionError("expected size 64, stride 196\nand more")

    monkeypatch.setattr(FormA, "__call__", fail)
    monkeypatch.setattr(steps, "count_flop", lambda job: 1)
    row = steps.row_of(setting, data, 1, 2, compiled=False)
    of_form_a = {FORM_A, CONVOLUTIONS}
    assert row["missing"] == dict.fromkeys(of_form_a, "AssertionError: expected size 64, stride 196")
    assert set(row["milliseconds"]) == EAGER - of_form_a
    assert f"  {FORM_A:28} failed: AssertionError" in "\n".join(steps.lines_of(row))


def test_a_step_of_ours_that_fails_is_an_error(setting, data, monkeypatch):
    def fail(self):
        raise ValueError("broken")

    monkeypatch.setattr(OurJob, "__call__", fail)
    monkeypatch.setattr(steps, "count_flop", lambda job: 1)
    with pytest.raises(ValueError, match="broken"):
        steps.row_of(setting, data, 1, 2, compiled=False)


@pytest.fixture
def processor_of(monkeypatch):
    """Makes the benchmark believe in another processor."""

    def pretend(**changes):
        here = dataclasses.replace(processor(), **changes)
        for module in (steps, products):
            monkeypatch.setattr(module, "processor", lambda: here)

    return pretend


@pytest.mark.parametrize("has_bfloat16", [False, True])
def test_every_contender_in_bfloat16(setting, data, capsys, processor_of, monkeypatch, has_bfloat16):
    processor_of(has_bfloat16=has_bfloat16, has_onednn=False)  # oneDNN has no such product for every processor
    monkeypatch.setitem(products._SIDE, "cpu", 64)
    setting = steps.Setting("tiny", dataclasses.replace(setting.config, precision="bfloat16"))
    values = steps.measure_and_print([setting], data, [1, 1], 2, compiled=False)
    printed = capsys.readouterr().out
    assert "one training step, bfloat16, on tiny" in printed
    assert printed.count("no instructions for bfloat16") == (0 if has_bfloat16 else 1)
    for row in values["steps"]:
        assert set(row["milliseconds"]) == EAGER - {PLAIN_JOB}
        assert (row["precision"], row["matrix_dtype"]) == ("bfloat16", "bfloat16" if has_bfloat16 else "float32")


@pytest.mark.parametrize("convolutions", [False, True])
@pytest.mark.parametrize("form", [FormA, FormB])
def test_in_bfloat16_a_form_computes_nearly_the_same(config, data, form, convolutions):
    losses, dtypes = [], []
    for precision in ("float32", "bfloat16"):
        job = CommonJob(form, dataclasses.replace(config, precision=precision), data, convolutions=convolutions)
        job.nets.discriminator_head.register_forward_hook(lambda _, inputs, output: dtypes.append(output.dtype))
        torch.manual_seed(0)
        losses.append(job())
    torch.testing.assert_close(*losses, rtol=0.0, atol=0.1)
    assert (losses[0] != losses[1]).all()
    assert dtypes == [torch.float32] * (len(dtypes) // 2) + [torch.bfloat16] * (len(dtypes) // 2)
    assert all(loss.dtype == torch.float32 for loss in losses)
    assert {parameter.dtype for parameter in job.nets.parameters()} == {torch.float32}


def test_the_products_that_a_step_is_held_against(processor_of):
    processor_of(has_onednn=True, has_bfloat16=False)
    both = products.Products("cpu", "float32")
    functions = both.functions()
    assert list(functions) == [products.MM, products.ONEDNN]
    assert all(function().shape == (1024, 1024) for function in functions.values())
    rates = both.rates({products.MM: 2.0, products.ONEDNN: 1.0})
    assert rates == {
        "matrix_dtype": "float32",
        "matrix_flop_per_second": {products.MM: 1024.0**3, products.ONEDNN: 2 * 1024.0**3},
        "fastest_matrix_product": products.ONEDNN,
        "matrix_product_flop_per_second": 2 * 1024.0**3,
    }
    processor_of(has_onednn=False, has_bfloat16=True)
    assert list(both.functions()) == [products.MM]
    assert products.Products("cpu", "bfloat16").dtype == torch.bfloat16
