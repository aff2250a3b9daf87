"""Steps of models whose categories are read by a network of their own, off views that differ in what is ignored."""

import dataclasses

import pytest
import torch
from runs_by_setting import gradients, same, trained, weights

from infogan_fast.data import ImageData
from infogan_fast.networks.runner import NetworkRunner, OwnOps
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.presets import preset

ALL = ("rotation", "shear", "scale", "shift", "colour", "blur", "crop", "flip")


@pytest.fixture
def colours():
    generator = torch.Generator().manual_seed(0)
    return ImageData("colours", torch.randint(0, 256, (40, 3, 16, 16), dtype=torch.uint8, generator=generator))


@pytest.fixture
def config():
    return dataclasses.replace(
        preset("images"),
        **{"device": "cpu", "compile": False, "width": 0.05, "batch_size": 8, "categorical": (3,), "steps": 6},
        **{"continuous": 2, "continuous_from": 0.0, "continuous_full": 0.0, "real_information_views": 2},
        **{"checkpoint_every": 3, "picture_every": 0, "log_every": 1, "ignore": ALL, "evaluation_samples": 20},
    )


def test_with_the_term_on_real_images_the_network_learns_from_these_alone(config, colours):
    def of(weight):
        return gradients(dataclasses.replace(config, categorical_weight=weight, learning_rate_head=0.0), colours)

    without, more = of(0.0), of(5.0)
    assert float(without["categorical_network"].abs().max()) > 0.0
    torch.testing.assert_close(more["categorical_network"], without["categorical_network"])
    assert not torch.allclose(more["generator"], without["generator"], rtol=1e-2, atol=1e-6)


def test_without_that_term_it_learns_from_generated_images(config, colours):
    def of(weight):
        plain = dataclasses.replace(config, real_information=0.0, categorical_weight=weight, learning_rate_head=0.0)
        return gradients(plain, colours)["categorical_network"]

    assert float(of(0.0).abs().max()) == 0.0
    assert float(of(1.0).abs().max()) > 0.0


@pytest.mark.parametrize("changes", [{"continuous": 0}, {"categorical": ()}, {"categorical": (3, 2)}, {"channels": 1}])
def test_any_codes_train(config, colours, changes):
    if changes.pop("channels", 3) == 1:
        colours = ImageData("grey", colours.images[:, :1])
    loop = TrainingLoop(dataclasses.replace(config, **changes), colours)
    before = weights(loop.model)
    loop.advance()
    after = weights(loop.model)
    assert not any(torch.equal(after[name], tensor) for name, tensor in before.items() if tensor.ndim > 1)
    assert all(tensor.isfinite().all() for tensor in after.values())


def test_own_ops_give_the_gradients_of_the_layers(config, colours):
    network = TrainingLoop(config, colours).model.categorical_network.layers.double()
    images = torch.rand(3 * 4, 1, 16, 16, dtype=torch.float64)
    results = []
    for own_ops in (None, OwnOps()):
        network.zero_grad()
        x = images.clone().requires_grad_()
        output = NetworkRunner(network, own_ops)(x, 3)
        (output * torch.arange(12.0)[:, None]).sum().backward()
        results.append([output, x.grad, *(parameter.grad.clone() for parameter in network.parameters())])
    by_hand = torch.cat([network(part) for part in images.chunk(3)])
    torch.testing.assert_close(results[0][0], by_hand)
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other)


def test_resumed_runs_have_the_same_bits(config, colours, tmp_path):
    whole = Trainer(config, colours, RunFolder(tmp_path / "whole"))
    whole.run()
    first = Trainer(config, colours, RunFolder(tmp_path / "halves"))
    first.run(stop=lambda: first.step == 3)
    second = Trainer(config, colours, RunFolder(tmp_path / "halves"))
    assert second.step == 3
    second.run()
    assert same(weights(whole.model), weights(second.model))


def test_views_depend_on_seed_and_step_alone(config, colours):
    one, other = (trained(dataclasses.replace(config, seed=seed), colours).inputs for seed in (0, 1))
    for inputs in (one, other):
        inputs.prepare(5)
    real = one()[0].real
    seen = [inputs()[0].category_views.of_real(real) for inputs in (one, other)]
    assert not torch.allclose(*seen)
    one.prepare(2)
    one.prepare(5)
    assert torch.equal(one()[0].category_views.of_real(real), seen[0])


@pytest.mark.slow
def test_a_compiled_step_agrees_and_does_not_recompile(config, colours):
    loops = [
        TrainingLoop(dataclasses.replace(config, compile=compiles, log_every=10), colours) for compiles in (False, True)
    ]
    for step in range(3):
        with torch._dynamo.config.patch(error_on_recompile=step > 0):
            for loop in loops:
                loop.advance()
    (losses, bound), (compiled_losses, compiled_bound) = (loop.history.means() for loop in loops)
    assert compiled_bound == pytest.approx(bound, rel=1e-2, abs=1e-3)
    assert compiled_losses == pytest.approx(losses, rel=1e-2, abs=1e-3)


def test_bfloat16_is_close_to_float32(config, colours):
    losses = []
    for precision in ("float32", "bfloat16"):
        loop = TrainingLoop(dataclasses.replace(config, precision=precision), colours)
        loop.advance()
        losses.append(loop.history.means()[0])
        assert all(p.dtype == torch.float32 and p.isfinite().all() for p in loop.model.parameters())
    assert losses[1] == pytest.approx(losses[0], rel=0.1, abs=0.05)
    assert losses[1] != losses[0]
