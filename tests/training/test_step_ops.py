"""The training step with the package's own layers against the step with PyTorch's, for many steps."""

import pytest
import torch

import infogan_fast as ig
from infogan_fast.nets.layer_runner import LayerRunner
from infogan_fast.training import step as step_module
from infogan_fast.training.networks import build_networks
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.step import TrainingStep
from infogan_fast.training.views import VIEWS, Views

STEPS = 30


@pytest.fixture
def losses(make_config, monkeypatch):
    """A function of (dtype, own_ops) that trains from the same seeds, and returns the terms of every step."""

    def run(dtype, own_ops, steps=STEPS, side=8, **changes):
        with monkeypatch.context() as patch:
            patch.setattr(step_module, "LayerRunner", lambda layers, _: LayerRunner(layers, own_ops))
            config = make_config(width=0.1, batch_size=16, **changes)
            nets = build_networks(config, (1, side, side)).to(dtype).train()
            step = TrainingStep(nets, config)
        images = torch.rand(steps, 16, 1, side, side, generator=torch.Generator().manual_seed(0)).to(dtype)
        views = Views(None, torch.zeros(VIEWS, 16, 1, side, side, dtype=dtype))
        terms = []
        for number, real in enumerate(images):
            latents = ig.sample_latents(config.spec, 16, torch.tensor(number), dtype=dtype)
            terms.append(step(real, latents, views, Schedule(1.0, 0.5)))
        return torch.stack(terms).double()

    return run


def test_own_layers_train_as_those_of_pytorch_do(losses):
    exact = losses(torch.float64, own_ops=False)
    assert float((exact[-1] - exact[0]).abs().max()) > 0.1  # something is learned
    assert float((losses(torch.float64, own_ops=True) - exact).abs().max()) < 1e-12
    own, common = (float((losses(torch.float32, own_ops) - exact).abs().max()) for own_ops in (True, False))
    assert own < 2 * common + 16 * torch.finfo(torch.float32).eps * float(exact.abs().max())


@pytest.mark.parametrize("networks", ["svhn", "faces", "chairs", "keras"])
def test_other_architectures(losses, networks):
    common, own = (losses(torch.float64, own_ops, 4, 16, networks=networks) for own_ops in (False, True))
    assert float((common[-1] - common[0]).abs().max()) > 0.01
    torch.testing.assert_close(own, common, rtol=1e-9, atol=1e-9)
