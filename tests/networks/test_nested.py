"""Networks as a user writes them, on several batches at once: each is normalised by its own statistics."""

import copy

import pytest
import torch
from torch import nn

from infogan_fast.networks.runner import NetworkRunner, OwnOps


class Residual(nn.Module):
    """A residual block with batch normalisation inside."""

    def __init__(self, channels, norm=nn.BatchNorm2d):
        super().__init__()
        self.body = nn.Sequential(
            norm(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Sequential(norm(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
        )

    def forward(self, x):
        return x + self.body(x)


class ByHand(nn.Module):
    """Normalisation that nobody can see from outside."""

    def forward(self, x):
        return (x - x.mean(dim=0)) / (x.std(dim=0) + 0.1)


class MinibatchDeviation(nn.Module):
    """A feature of the whole batch (Karras et al. 2018)."""

    def forward(self, x):
        return torch.cat((x, x.std(dim=0).mean().expand(len(x), 1, *x.shape[2:])), dim=1)


class Scaled(nn.Sequential):
    """A sequence that does more than its layers."""

    def forward(self, x):
        return 2.0 * super().forward(x - x.mean())


def hooked():
    layer = nn.Conv2d(3, 3, 1)
    layer.register_forward_hook(lambda _module, _inputs, output: output - output.mean(dim=0))
    return layer


def patched():
    layer = nn.ReLU()
    layer.forward = lambda x: x.relu() - x.relu().mean(dim=0)
    return layer


def spectral():
    torch.manual_seed(0)
    return nn.utils.spectral_norm(nn.Conv2d(3, 3, 4, 2, 1))


NETWORKS = {
    "residual": lambda: Residual(3),
    "residual in a sequence": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), Residual(3), nn.Sequential(Residual(3))),
    "downsampling before": lambda: nn.Sequential(nn.Conv2d(3, 5, 4, 2, 1), nn.LeakyReLU(0.2), Residual(5)),
    "without running statistics": lambda: Residual(3, lambda c: nn.BatchNorm2d(c, track_running_stats=False)),
    "cumulative statistics": lambda: Residual(3, lambda c: nn.BatchNorm2d(c, momentum=None)),
    "instance normalisation": lambda: Residual(3, lambda c: nn.InstanceNorm2d(c, track_running_stats=True)),
    "by hand": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), ByHand()),
    "minibatch deviation": lambda: nn.Sequential(MinibatchDeviation(), nn.Conv2d(4, 3, 1)),
    "a subclass of sequences": lambda: Scaled(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)),
    "flattened with the batch": lambda: nn.Sequential(nn.Softmax(dim=0), nn.Flatten()),
    "hooks": lambda: nn.Sequential(hooked(), nn.ReLU()),
    "a method of its own": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), patched()),
    "spectral normalisation": lambda: nn.Sequential(spectral(), nn.ReLU()),
    "parametrised": lambda: nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 3, 4, 2, 1))),
    "frozen statistics": lambda: nn.Sequential(nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3).eval()),
    "odd sides": lambda: nn.Sequential(nn.ZeroPad2d((0, 1, 1, 0)), nn.Conv2d(3, 5, 4, 2, 1), nn.BatchNorm2d(5)),
}


def evaluate(network, call, batches):
    """Outputs, gradients of inputs and parameters, and buffers after the call."""
    inputs = [batch.clone().requires_grad_() for batch in batches]
    outputs = call(inputs)
    sum((output * output.detach().cos()).sum() for output in outputs).backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    return [*(o.detach() for o in outputs), *(i.grad for i in inputs), *gradients, *network.buffers()]


def make(name):
    torch.manual_seed(0)
    network = NETWORKS[name]()
    modes = [module.training for module in network.modules()]
    network = copy.deepcopy(network).double() if "spectral" not in name else network.double()
    for module, mode in zip(network.modules(), modes, strict=True):
        module.training = mode
    return network


@pytest.mark.parametrize("own_ops", [None, OwnOps()], ids=["common", "own"])
@pytest.mark.parametrize("groups", [1, 2, 3])
@pytest.mark.parametrize("name", NETWORKS)
def test_as_in_separate_passes(name, groups, own_ops):
    batches = [torch.randn(4, 3, 6, 6, dtype=torch.float64) * (1.0 + g) + g for g in range(groups)]
    plain, ours = make(name), make(name)
    expected = evaluate(plain, lambda inputs: [plain(batch) for batch in inputs], batches)
    runner = NetworkRunner(ours, own_ops)
    found = evaluate(ours, lambda inputs: runner(torch.cat(inputs), groups).chunk(groups), batches)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12)


def test_running_statistics_are_updated_once_per_batch():
    network = make("residual in a sequence")
    NetworkRunner(network, None)(torch.randn(12, 3, 6, 6, dtype=torch.float64), 3)
    assert {int(b) for name, b in network.named_buffers() if name.endswith("num_batches_tracked")} == {3}


def test_known_layers_are_called_once_for_all_batches():
    network = nn.Sequential(nn.Conv2d(3, 5, 1), nn.Sequential(nn.ReLU(), nn.Conv2d(5, 2, 1)), nn.Flatten())
    calls = []
    runner = NetworkRunner(network, None)
    for layer in (network[0], network[1][1]):
        layer.register_forward_pre_hook(lambda _, inputs: calls.append(len(inputs[0])))
    runner(torch.randn(12, 3, 4, 4), 3)
    assert calls == [12, 12]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["residual in a sequence", "by hand"])
def test_compiled(name):
    batches = [torch.randn(4, 3, 6, 6, dtype=torch.float64) + g for g in range(3)]
    plain, ours = make(name), make(name)
    runner = torch.compile(NetworkRunner(ours, None).__call__, fullgraph=True, dynamic=False)
    expected = evaluate(plain, lambda inputs: [plain(batch) for batch in inputs], batches)
    found = evaluate(ours, lambda inputs: runner(torch.cat(inputs), 3).chunk(3), batches)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-8, atol=1e-10)
