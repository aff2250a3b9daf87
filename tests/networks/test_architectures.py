"""Every architecture against its source's table, on every size of image that it takes."""

import pytest
import torch
from torch import nn

from infogan_fast.networks import ARCHITECTURES, build_model
from infogan_fast.spec import LatentSpec
from infogan_fast.training import PRESETS

SPEC = LatentSpec(noise=2, categorical=(5,))  # G takes 7 numbers, Q gives 5
LINEAR = (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)
NAMES = {
    nn.BatchNorm1d: "BN",
    nn.BatchNorm2d: "BN",
    nn.ReLU: "ReLU",
    nn.LeakyReLU: "lReLU",
    nn.ZeroPad2d: "pad",
    nn.Upsample: "up",
    nn.Sigmoid: "sigmoid",
}

# Of each layer the kind, or the shape that the paper's table gives: channels, and stride where it is not 2.
FC_1024 = ["FC 1024", "BN", "ReLU"]
D_64_128_256 = ["conv 64", "lReLU", "conv 128", "BN", "lReLU", "conv 256", "BN", "lReLU"]
SVHN_G = ["FC 1792", "BN", "ReLU", "up 256", "BN", "ReLU", "up 128", "ReLU", "up 64", "ReLU"]
SVHN_Q = ["FC 128", "BN", "lReLU"]
TABLES = {
    "svhn": ([*SVHN_G, "up 3", "tanh"], D_64_128_256, [*SVHN_Q, "FC 48"]),
    "celeba": ([*SVHN_G, "up 3", "tanh"], D_64_128_256, [*SVHN_Q, "FC 100"]),
    "faces": ([*SVHN_G, "up 1", "tanh"], D_64_128_256, ["FC 10"]),
    "chairs": (
        [
            *(*FC_1024, "FC 16384", "BN", "ReLU"),
            *["pad", "conv 256 k4 s1", "BN", "ReLU"] * 2,
            *("up 128", "BN", "ReLU", "up 64", "BN", "ReLU", "up 1", "sigmoid"),
        ],
        [*D_64_128_256, *["pad", "conv 256 k4 s1", "BN", "lReLU"] * 2, "FC 1024", "BN", "lReLU"],
        ["FC 62"],
    ),
    "keras": (
        [
            *("FC 6272", "ReLU", "BN", "up", "conv 128 k3 s1", "ReLU", "BN"),
            *("up", "conv 64 k3 s1", "ReLU", "BN", "conv 1 k3 s1", "tanh"),
        ],
        [
            *("pad", "conv 64 k3 s2", "lReLU", "pad", "conv 128 k3 s2", "pad", "lReLU", "BN"),
            *("pad", "conv 256 k3 s2", "lReLU", "BN", "pad", "conv 512 k3 s2", "lReLU", "BN"),
        ],
        ["FC 128", "ReLU", "FC 10"],
    ),
}
SHAPES = {"svhn": (3, 32, 32), "celeba": (3, 32, 32), "faces": (1, 32, 32), "chairs": (1, 64, 64), "keras": (1, 28, 28)}


def conv(inputs, outputs, kernel=4):
    return inputs * outputs * kernel**2 + outputs


def fc(inputs, outputs):
    return (inputs + 1) * outputs


def svhn_generator(inputs, channels):
    return fc(inputs, 1792) + 2 * 1792 + conv(448, 256) + 512 + conv(256, 128) + conv(128, 64) + conv(64, channels)


def svhn_trunk(channels):
    return conv(channels, 64) + conv(64, 128) + 256 + conv(128, 256) + 512


# Parameters of G, of the trunk with D's output layer, and of Q's head: weights, biases, two per normalised channel.
COUNTS = {
    "svhn": (svhn_generator(168, 3), svhn_trunk(3) + 4097, fc(4096, 128) + 256 + fc(128, 48)),
    "celeba": (svhn_generator(228, 3), svhn_trunk(3) + 4097, fc(4096, 128) + 256 + fc(128, 100)),
    "faces": (svhn_generator(133, 1), svhn_trunk(1) + 4097, fc(4096, 10)),
    "chairs": (
        fc(189, 1024) + 2048 + fc(1024, 16384) + 32768 + 2 * (conv(256, 256) + 512)
        + conv(256, 128) + 256 + conv(128, 64) + 128 + conv(64, 1),
        svhn_trunk(1) + 2 * (conv(256, 256) + 512) + fc(16384, 1024) + 2048 + 1025,
        fc(1024, 62),
    ),
    "keras": (
        fc(72, 6272) + 256 + conv(128, 128, 3) + 256 + conv(128, 64, 3) + 128 + conv(64, 1, 3),
        conv(1, 64, 3) + conv(64, 128, 3) + 256 + conv(128, 256, 3) + 512 + conv(256, 512, 3) + 1024 + 2049,
        fc(2048, 128) + fc(128, 10),
    ),
}  # fmt: skip


def table(layers):
    lines = []
    for layer in layers:
        if isinstance(layer, nn.Linear):
            lines.append(f"FC {layer.out_features}")
        elif isinstance(layer, LINEAR):
            name = "conv" if isinstance(layer, nn.Conv2d) else "up"
            (kernel, _), (stride, _) = layer.kernel_size, layer.stride
            halves = (kernel, stride, layer.padding) == (4, 2, (1, 1))
            lines.append(f"{name} {layer.out_channels}" + ("" if halves else f" k{kernel} s{stride}"))
        elif type(layer) in NAMES:
            lines.append(NAMES[type(layer)])
        elif type(layer).__name__ == "UnitTanh":
            lines.append("tanh")
    return lines


def count(*modules):
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


@pytest.fixture(scope="module", params=TABLES)
def preset_and_nets(request):
    config, shape = PRESETS[request.param], SHAPES[request.param]
    with torch.device("meta"):  # shapes alone
        nets = build_model(config.spec, shape, variance=config.variance, width=config.width, networks=config.networks)
    return request.param, nets


def test_layers_are_those_of_the_table(preset_and_nets):
    name, nets = preset_and_nets
    assert tuple(table(part.layers) for part in (nets.generator, nets.trunk, nets.q_head)) == TABLES[name]


def test_number_of_parameters(preset_and_nets):
    name, nets = preset_and_nets
    assert (count(nets.generator), count(nets.trunk, nets.discriminator_head), count(nets.q_head)) == COUNTS[name]


def test_width_of_the_inputs_of_generators():
    assert {name: PRESETS[name].spec.input_dim for name in TABLES} == {
        "svhn": 168,
        "celeba": 228,
        "faces": 133,
        "chairs": 189,
        "keras": 72,
    }


def test_slopes_and_batch_normalisation():
    for networks in ARCHITECTURES:
        nets = build_model(SPEC, (1, 16, 16), width=0.05, networks=networks)
        keras = networks == "keras"
        slopes = {layer.negative_slope for layer in nets.modules() if isinstance(layer, nn.LeakyReLU)}
        assert slopes == {0.2 if keras else 0.1}
        norms = [layer for layer in nets.modules() if isinstance(layer, (nn.BatchNorm1d, nn.BatchNorm2d))]
        assert {(layer.momentum, layer.eps) for layer in norms} == {(0.2, 1e-3) if keras else (0.1, 1e-5)}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [16, 32, 64, 128])
@pytest.mark.parametrize("networks", ARCHITECTURES)
def test_powers_of_two(networks, side, channels):
    check_runs(networks, (channels, side, side))


@pytest.mark.parametrize("shape", [(1, 4, 4), (1, 28, 28), (3, 8, 12), (2, 20, 36)])
@pytest.mark.parametrize("networks", ["mnist", "keras"])
def test_multiples_of_four(networks, shape):
    check_runs(networks, shape)


def check_runs(networks, shape):
    nets = build_model(SPEC, shape, width=0.03, networks=networks).eval()
    with torch.no_grad():
        images = nets.generator(100.0 * torch.randn(3, 7, generator=torch.Generator().manual_seed(0)))
        assert images.shape == (3, *shape)
        assert 0.0 <= float(images.min()) <= float(images.max()) <= 1.0
        assert nets.discriminate(images).shape == (3, 1)
        assert nets.q_output(images).shape == (3, 5)


def test_images_reach_both_ends():
    for networks in ARCHITECTURES:
        nets = build_model(SPEC, (1, 16, 16), width=0.1, networks=networks)
        with torch.no_grad():
            for weight in nets.generator.layers[-2].parameters():
                weight.mul_(1000.0)
            images = nets.generator(torch.randn(16, 7, generator=torch.Generator().manual_seed(0)))
        assert float(images.min()) < 0.01, networks
        assert float(images.max()) > 0.99, networks


def test_width_scales_every_hidden_channel():
    for name in TABLES:
        config = PRESETS[name]
        half, whole = (
            build_model(SPEC, (1, 16, 16), width=width, networks=config.networks).state_dict()
            for width in (0.125, 0.25)
        )
        for key, tensor in half.items():
            for size, doubled in zip(tensor.shape, whole[key].shape, strict=True):
                assert doubled == 2 * size or (doubled == size and size in (1, 3, 4, 5, 7)), key


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 8, 8), (3, 32, 64), (3, 256, 256), (0, 32, 32)])
@pytest.mark.parametrize(
    ("networks", "named", "paper"),
    [("svhn", "svhn and faces", 32), ("faces", "svhn and faces", 32), ("chairs", "chairs", 64)],
)
def test_sizes_that_are_not_square_powers_of_two(networks, named, paper, shape):
    with pytest.raises(ValueError, match="networks take square images") as error:
        build_model(SPEC, shape, width=0.03, networks=networks)
    assert str(error.value) == (
        f"the {named} networks take square images whose sides are 16, 32, 64 or 128 ({paper}x{paper} in the paper), "
        f"got {'x'.join(map(str, shape))}"
    )


@pytest.mark.parametrize("shape", [(1, 10, 8), (1, 8, 2), (1, 0, 4), (0, 8, 8)])
def test_sizes_that_are_not_multiples_of_four(shape):
    for networks, named in (("mnist", "MNIST"), ("keras", "keras")):
        message = f"the {named} networks halve an image twice: its sides must be multiples of 4 .*, got "
        with pytest.raises(ValueError, match=message + "x".join(map(str, shape))):
            build_model(SPEC, shape, width=0.03, networks=networks)
