"""The training step with the package's own layers against the step with PyTorch's, for many steps."""

import pytest
import torch
from steps import make_inputs, make_step

from infogan_fast.networks.runner import NetworkRunner, OwnOps
from infogan_fast.training import step as step_module
from infogan_fast.training.schedule import Schedule

STEPS = 30


@pytest.fixture
def losses(make_config, monkeypatch):
    """A function of (dtype, own_ops) that trains from the same seeds, and returns the metrics of every step."""

    def run(dtype, own_ops, steps=STEPS, side=8, **changes):
        shape = (1, side, side)
        with monkeypatch.context() as patch:
            patch.setattr(step_module, "NetworkRunner", lambda network, _: NetworkRunner(network, own_ops))
            config = make_config(**{"width": 0.1, "batch_size": 16, **changes})
            _, step = make_step(config, shape, dtype)
        numbers = range(steps)
        inputs = [make_inputs(config, shape, dtype, number, still=not config.real_information) for number in numbers]
        return torch.stack([step([now], Schedule(1.0, 0.5)) for now in inputs]).double()

    return run


def test_own_layers_train_as_those_of_pytorch_do(losses):
    exact = losses(torch.float64, own_ops=None)
    assert float((exact[-1] - exact[0]).abs().max()) > 0.1  # something is learned
    assert float((losses(torch.float64, own_ops=OwnOps()) - exact).abs().max()) < 1e-12
    own, common = (float((losses(torch.float32, own_ops) - exact).abs().max()) for own_ops in (OwnOps(), None))
    assert own < 2 * common + 16 * torch.finfo(torch.float32).eps * float(exact.abs().max())


@pytest.mark.parametrize("networks", ["svhn", "faces", "chairs", "keras"])
def test_other_architectures(losses, networks):
    common, own = (losses(torch.float64, own_ops, 4, 16, networks=networks) for own_ops in (None, OwnOps()))
    assert float((common[-1] - common[0]).abs().max()) > 0.01
    torch.testing.assert_close(own, common, rtol=1e-9, atol=1e-9)


def test_with_a_second_view(losses):
    common, own = (losses(torch.float64, own_ops, 20, real_information=1.0) for own_ops in (None, OwnOps()))
    assert float((common[-1] - common[0]).abs().max()) > 0.1
    torch.testing.assert_close(own, common, rtol=0.0, atol=1e-11)
