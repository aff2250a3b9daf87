"""Layers run with the package's ops against the plain modules."""

import copy

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from infogan_fast.networks import chairs, keras, svhn
from infogan_fast.networks.mnist import Generator, Trunk
from infogan_fast.networks.parts import LinearHead, QHead
from infogan_fast.networks.runner import NetworkRunner, OwnOps

PAPER_STRIDES = {
    "generator": (lambda: Generator(11, (1, 8, 12), 0.1).layers, (12, 11)),
    "trunk": (lambda: Trunk((3, 8, 12), 0.1).layers, (12, 3, 8, 12)),
    "head": (lambda: QHead(20, 7, 0.1).layers, (12, 20)),
    "svhn generator": (lambda: svhn.Generator(11, (3, 32, 32), 0.03).layers, (12, 11)),
    "svhn trunk": (lambda: svhn.Trunk((1, 16, 16), 0.05).layers, (12, 1, 16, 16)),
}
NETWORKS = {
    **PAPER_STRIDES,
    "linear head": (lambda: LinearHead(20, 7).layers, (12, 20)),
    "chairs generator": (lambda: chairs.Generator(11, (1, 16, 16), 0.02).layers, (12, 11)),
    "chairs trunk": (lambda: chairs.Trunk((3, 32, 32), 0.02).layers, (12, 3, 32, 32)),
    "keras generator": (lambda: keras.Generator(11, (3, 8, 12), 0.05).layers, (12, 11)),
    "keras trunk": (lambda: keras.Trunk((1, 12, 8), 0.05).layers, (12, 1, 12, 8)),
    "keras head": (lambda: keras.QHead(20, 7, 0.1).layers, (12, 20)),
}
OWN = {
    "convolution": ((nn.Conv2d(3, 5, 4, 2, 1),), ["downsample_conv2d"]),
    "without bias": ((nn.Conv2d(3, 5, 4, 2, 1, bias=False), nn.LeakyReLU(0.3)), ["downsample_conv2d"]),
    "convolution, ReLU": ((nn.Conv2d(3, 5, 4, 2, 1), nn.ReLU(inplace=True)), ["downsample_conv2d"]),
    "convolution, sigmoid": ((nn.Conv2d(3, 5, 4, 2, 1), nn.Sigmoid()), ["downsample_conv2d", "sigmoid"]),
    "convolution, in place": (
        (nn.Conv2d(3, 5, 4, 2, 1), nn.Hardtanh(inplace=True)),
        ["downsample_conv2d", "hardtanh_"],
    ),
    "convolution, falling": ((nn.Conv2d(3, 5, 4, 2, 1), nn.LeakyReLU(-0.1)), ["downsample_conv2d", "leaky_relu"]),
    "rising steeply": ((nn.Conv2d(3, 5, 4, 2, 1), nn.LeakyReLU(1.5)), ["downsample_conv2d"]),
    "two activations": (
        (nn.BatchNorm2d(3), nn.LeakyReLU(0.2), nn.LeakyReLU(0.5)),
        ["group_batch_norm", "leaky_relu"],
    ),
    "transposed": ((nn.ConvTranspose2d(3, 5, 4, 2, 1), nn.ReLU()), ["upsample_conv2d", "relu"]),
    "batch normalisation, falling": ((nn.BatchNorm2d(3), nn.LeakyReLU(-0.1)), ["group_batch_norm", "leaky_relu"]),
    "batch normalisation, sigmoid": (
        (nn.BatchNorm2d(3, eps=0.1, momentum=0.7), nn.Sigmoid()),
        ["group_batch_norm", "sigmoid"],
    ),
    "rows of sequences": ((nn.Flatten(2), nn.BatchNorm1d(3), nn.ReLU()), ["group_batch_norm"]),
}


class Scaled(nn.Conv2d):
    def forward(self, input):
        return 2.0 * super().forward(input)


NOT_OWN = {
    "kernel": (nn.Conv2d(3, 5, 3, 2, 1), nn.ReLU()),
    "kernel of two sizes": (nn.Conv2d(3, 5, (4, 2), 2, 1),),
    "stride": (nn.Conv2d(3, 5, 4, 1, 1), nn.LeakyReLU(0.1)),
    "padding": (nn.Conv2d(3, 5, 4, 2, 0),),
    "dilation": (nn.Conv2d(3, 5, 4, 2, 1, dilation=2),),
    "groups": (nn.Conv2d(3, 6, 4, 2, 1, groups=3),),
    "reflected": (nn.Conv2d(3, 5, 4, 2, 1, padding_mode="reflect"),),
    "subclass": (Scaled(3, 5, 4, 2, 1), nn.ReLU()),
    "transposed, kernel": (nn.ConvTranspose2d(3, 5, 3, 2, 1),),
    "transposed, stride": (nn.ConvTranspose2d(3, 5, 4, 1, 1),),
    "transposed, padding": (nn.ConvTranspose2d(3, 5, 4, 2, 0),),
    "transposed, dilation": (nn.ConvTranspose2d(3, 5, 4, 2, 1, dilation=2),),
    "transposed, groups": (nn.ConvTranspose2d(3, 6, 4, 2, 1, groups=3),),
    "transposed, output padding": (nn.ConvTranspose2d(3, 5, 4, 2, 1, output_padding=1),),
    "not affine": (nn.BatchNorm2d(3, affine=False), nn.ReLU()),
    "without running statistics": (nn.BatchNorm2d(3, track_running_stats=False), nn.ReLU()),
    "cumulative average": (nn.BatchNorm2d(3, momentum=None), nn.ReLU()),
}


class Recorder(TorchDispatchMode):
    """The names of the ops that are called."""

    def __init__(self):
        super().__init__()
        self.own, self.names = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        namespace, _, name = func._schema.name.partition("::")
        self.names.append(name)
        if namespace == "infogan_fast":
            self.own.append(name)
        return func(*args, **(kwargs or {}))


def double(layers):
    """In float64, with a scale and shift of their own for every channel."""
    layers = copy.deepcopy(nn.Sequential(*layers)).double().train()
    for parameter in layers.parameters():
        nn.init.normal_(parameter, std=0.5)
    return layers


def evaluate(layers, call, batches):
    """The outputs of the batches, the gradients of their input and of the parameters, and the buffers."""
    inputs = [batch.clone().requires_grad_() for batch in batches]
    outputs = [call(batch) for batch in inputs]
    weights = torch.Generator().manual_seed(1)
    sum(
        (output * torch.rand(output.shape, generator=weights, dtype=output.dtype)).sum() for output in outputs
    ).backward()
    return [
        *(output.detach() for output in outputs),
        *(batch.grad for batch in inputs),
        *(parameter.grad for parameter in layers.parameters()),
        *layers.buffers(),
    ]


OWN_OPS = OwnOps()


def check(layers, shape, own_ops=OWN_OPS):
    layers, batch = double(layers), torch.randn(shape, dtype=torch.float64)
    reference = copy.deepcopy(layers)
    expected = evaluate(reference, reference, [batch])
    ours = evaluate(layers, NetworkRunner(layers, own_ops), [batch])
    torch.testing.assert_close(ours, expected, rtol=1e-11, atol=1e-12)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("own_ops", [OwnOps(), None], ids=["own", "common"])
def test_networks(name, own_ops):
    make, shape = NETWORKS[name]
    check(make(), shape, own_ops)


@pytest.mark.parametrize("name", PAPER_STRIDES)
def test_networks_run_every_convolution_and_normalisation_by_own_ops(name):
    make, shape = NETWORKS[name]
    layers = make().train()
    with Recorder() as recorder:
        NetworkRunner(layers, own_ops=OwnOps())(torch.randn(shape))
    kinds = (nn.Conv2d, nn.ConvTranspose2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d)
    assert len(recorder.own) == sum(isinstance(layer, kinds) for layer in layers)
    assert not {"leaky_relu", "convolution", "native_batch_norm"} & set(recorder.names)


@pytest.mark.parametrize("name", OWN)
def test_what_the_ops_compute(name):
    layers, names = OWN[name]
    shape = (6, 3, 6, 4)
    check(layers, shape)
    with Recorder() as recorder:
        NetworkRunner(double(layers), own_ops=OwnOps())(torch.randn(shape, dtype=torch.float64))
    activations = ("relu", "leaky_relu", "sigmoid", "hardtanh_")
    assert [name for name in recorder.names if name in recorder.own or name in activations] == names


@pytest.mark.parametrize("name", NOT_OWN)
def test_what_is_left_to_pytorch(name):
    shape = (6, 3, 8, 8)
    check(NOT_OWN[name], shape)
    with Recorder() as recorder:
        NetworkRunner(double(NOT_OWN[name]), own_ops=OwnOps())(torch.randn(shape, dtype=torch.float64))
    assert recorder.own == []


@pytest.mark.parametrize("own_ops", [OwnOps(), None], ids=["own", "common"])
@pytest.mark.parametrize("groups", [2, 3])
@pytest.mark.parametrize("name", [*NETWORKS, "cumulative average", "not affine", "volumes"])
def test_groups_are_batches_one_after_the_other(name, own_ops, groups):
    if name == "volumes":
        layers, shape = (nn.BatchNorm3d(3), nn.ReLU()), (12, 3, 2, 2, 2)
    else:
        layers, shape = (NETWORKS[name][0](), NETWORKS[name][1]) if name in NETWORKS else (NOT_OWN[name], (12, 3, 4, 4))
    layers, batch = double(layers), torch.randn(shape, dtype=torch.float64)
    reference = copy.deepcopy(layers)
    expected = evaluate(reference, reference, batch.chunk(groups))
    runner = NetworkRunner(layers, own_ops)
    ours = evaluate(layers, lambda batch: runner(batch, groups), [batch])
    # The outputs and the gradients of the inputs, of which the reference has one of each group.
    separate = [torch.cat(expected[:groups]), torch.cat(expected[groups : 2 * groups]), *expected[2 * groups :]]
    torch.testing.assert_close(ours, separate, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("own_ops", [OwnOps(), None], ids=["own", "common"])
def test_groups_of_unequal_size_are_refused(own_ops):
    with pytest.raises((ValueError, RuntimeError), match="5"):
        NetworkRunner(nn.Sequential(nn.BatchNorm1d(3)), own_ops)(torch.randn(5, 3), groups=2)
