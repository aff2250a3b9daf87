"""An InfoGAN as one object: what it refuses, samples, encodes and interpolates."""

import math

import pytest
import torch
from torch import nn

import infogan_fast as ig

SPEC = ig.LatentSpec(noise=3, categorical=(4, 2), continuous=2)


def networks(spec=SPEC, variance="learned", features=6, shape=(5,)):
    """Small networks for data of any shape."""
    size = math.prod(shape)
    return {
        "generator": nn.Sequential(nn.Linear(spec.input_dim, size), nn.BatchNorm1d(size), nn.Unflatten(1, shape)),
        "trunk": nn.Sequential(nn.Flatten(), nn.Linear(size, features), nn.BatchNorm1d(features), nn.Tanh()),
        "discriminator_head": nn.Linear(features, 1),
        "q_head": nn.Linear(features, spec.head_dim(variance)),
    }


@pytest.fixture
def model():
    torch.manual_seed(0)
    model = ig.InfoGAN(SPEC, **networks())
    for _ in range(3):  # running statistics of its own
        model.q_output(model.generator(torch.randn(8, SPEC.input_dim)))
    return model


def test_sample_is_what_the_generator_makes_of_the_codes(model):
    latents = ig.make_latents(SPEC, 8, categorical=(2, None), continuous=(1.0, None), seed=0)
    sampled = model.sample(8, categorical=(2, None), continuous=(1.0, None), seed=0)
    with torch.no_grad():
        assert torch.equal(sampled, model.eval().generator(latents.input))
    assert sampled.shape == (8, 5)
    assert not sampled.requires_grad
    many = model.sample(1203, seed=1)  # more than are made at once
    torch.testing.assert_close(many[1200:], model.generate(ig.make_latents(SPEC, 1203, seed=1).input[1200:]))


@pytest.mark.parametrize("variance", ["learned", "learned_std", 0.25])
def test_encode_gives_probabilities_means_and_standard_deviations(variance):
    model = ig.InfoGAN(SPEC, variance=variance, **networks(variance=variance))
    x = torch.randn(700, 5)
    encoding = model.encode(x)
    with torch.no_grad():
        head = model.eval().q_output(x)
    first, second = encoding.categorical
    torch.testing.assert_close(first, head[:, :4].softmax(dim=1))
    torch.testing.assert_close(second, head[:, 4:6].softmax(dim=1))
    torch.testing.assert_close(encoding.mean, head[:, 6:8])
    log_std = {"learned": 0.5 * head[:, 8:], "learned_std": head[:, 8:], 0.25: torch.full((700, 2), 0.5).log()}
    torch.testing.assert_close(encoding.std, log_std[variance].exp())
    assert not encoding.mean.requires_grad


def test_images_of_bytes_are_encoded_as_fractions():
    model = ig.InfoGAN(SPEC, **networks(shape=(1, 4, 4)))
    images = torch.randint(0, 256, (9, 1, 4, 4), dtype=torch.uint8)
    for found, expected in zip(model.encode(images).categorical, model.encode(images / 255.0).categorical, strict=True):
        torch.testing.assert_close(found, expected)


def test_neither_changes_the_mode_nor_the_running_statistics(model):
    model.train()
    model.trunk[2].eval()  # as of a layer that is frozen
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    modes = [module.training for module in model.modules()]
    model.encode(model.sample(4))
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_interpolation_has_both_ends_and_goes_evenly(model):
    rows = ig.make_latents(SPEC, 2, seed=3)
    a, b = (ig.Latents(rows.input[i : i + 1], rows.categorical[i : i + 1], rows.continuous[i : i + 1]) for i in (0, 1))
    path = model.interpolate(a, b, 5)
    assert path.shape == (5, 5)
    torch.testing.assert_close(path[[0, -1]], model.generate(rows.input))
    assert torch.equal(path, model.interpolate(rows.input[0], rows.input[1], 5))
    seen = []
    model.generator.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    model.interpolate(a, b, 5)
    (inputs,) = seen
    torch.testing.assert_close(inputs[2, 3:], rows.input[:, 3:].mean(dim=0))  # the codes: half way
    lengths = inputs[:, :3].norm(dim=1)
    torch.testing.assert_close(lengths, torch.linspace(float(lengths[0]), float(lengths[-1]), 5))
    turns = nn.functional.cosine_similarity(inputs[:-1, :3], inputs[1:, :3]).acos()
    torch.testing.assert_close(turns, turns[:1].expand(4), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("spec", [ig.LatentSpec(2, (3,), 0, noise_prior="uniform"), ig.LatentSpec(0, (3,), 1)], ids=str)
def test_interpolation_without_normal_noise_is_straight(spec):
    model = ig.InfoGAN(spec, **networks(spec))
    model.generator = nn.Identity()
    a, b = ig.make_latents(spec, 1, seed=0).input, ig.make_latents(spec, 1, seed=1).input
    torch.testing.assert_close(model.interpolate(a, b, 3)[1], (a + b)[0] / 2)


@pytest.mark.parametrize("factor", [1.0, -1.0, 0.0])
def test_interpolation_of_noise_that_has_no_single_great_circle(model, factor):
    a = ig.make_latents(SPEC, 1, seed=0).input
    b = a * torch.tensor([factor] * 3 + [1.0] * (SPEC.input_dim - 3))
    assert bool(model.interpolate(a, b, 4).isfinite().all())


def test_interpolation_errors(model):
    two = ig.make_latents(SPEC, 2)
    with pytest.raises(ValueError, match=r"interpolate: a: got \[2, 11\], allowed: one row, \[11\] or \[1, 11\]"):
        model.interpolate(two, two, 3)
    with pytest.raises(ValueError, match="interpolate: steps: got 1, allowed: at least 2"):
        model.interpolate(two.input[0], two.input[1], 1)


def test_q_as_a_network_of_its_own():
    parts = networks()
    parts["q_network"] = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, SPEC.head_dim()))
    del parts["q_head"]
    model = ig.InfoGAN(SPEC, **parts)
    x = torch.randn(4, 5)
    assert torch.equal(model.q_output(x), parts["q_network"](x))
    assert set(model.class_names) == {"generator", "trunk", "discriminator_head", "q_network"}
    model.check((5,))


def test_categories_may_be_read_by_a_network_of_their_own():
    parts = networks()
    parts["categorical_network"] = nn.Sequential(nn.Flatten(), nn.Linear(5, 6))
    parts["q_head"] = nn.Linear(6, 4)
    model, x = ig.InfoGAN(SPEC, **parts).eval(), torch.randn(3, 5)
    model.check((5,))
    expected = torch.cat((parts["categorical_network"](x), parts["q_head"](parts["trunk"](x))), dim=1)
    assert torch.equal(model.q_output(x), expected)
    torch.testing.assert_close(model.encode(x).categorical[1], expected[:, 4:6].softmax(dim=1))
    own = [*parts["q_head"].parameters(), *parts["categorical_network"].parameters()]
    assert all(a is b for a, b in zip(model.q_parameters(), own, strict=True))


def test_a_categorical_network_may_read_every_code():
    spec = ig.LatentSpec(3, (4,), 0)
    parts = networks(spec)
    parts["q_head"], parts["categorical_network"] = None, nn.Linear(5, 4)
    model, x = ig.InfoGAN(spec, **parts).eval(), torch.randn(3, 5)
    model.check((5,))
    assert model.q is None
    assert torch.equal(model.q_output(x), parts["categorical_network"](x))
    assert model.encode(x).mean.shape == (3, 0)
    with pytest.raises(ValueError, match="got one of q_head and q_network, allowed: neither, as categorical_network"):
        ig.InfoGAN(spec, **networks(spec), categorical_network=nn.Linear(5, 4))


def test_a_categorical_network_needs_a_categorical_code_and_its_width():
    spec = ig.LatentSpec(3, (), 2)
    with pytest.raises(ValueError, match="got a categorical_network, allowed: None, as there is no categorical code"):
        ig.InfoGAN(spec, **networks(spec), categorical_network=nn.Linear(5, 4))
    model = ig.InfoGAN(SPEC, **networks(), categorical_network=nn.Linear(5, 5))
    with pytest.raises(ValueError, match=r"categorical_network: .*\[2, 5\].*\[2, 6\]"):
        model.check((5,))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"q_head": None}, ValueError, "got neither of q_head and q_network, allowed: one of them"),
        ({"q_network": nn.Linear(5, 10)}, ValueError, "got both of q_head and q_network"),
        ({"trunk": torch.tanh}, TypeError, "trunk must be an nn.Module, got builtin_function_or_method"),
        ({"generator": None}, TypeError, "generator must be an nn.Module, got NoneType"),
        ({"variance": 0.0}, ValueError, "variance must be 'learned', 'learned_std' or a positive finite float"),
        ({"spec": 3}, TypeError, "spec must be a LatentSpec, got 3"),
    ],
)
def test_what_is_refused(changes, error, message):
    arguments = {"spec": SPEC, **networks(), **changes}
    with pytest.raises(error, match=message):
        ig.InfoGAN(arguments.pop("spec"), **arguments)


def test_shared_parameters_are_refused():
    parts = networks()
    parts["q_head"] = nn.Sequential(parts["trunk"][1], nn.Linear(6, SPEC.head_dim()))
    with pytest.raises(ValueError, match=r"trunk and q_head share q_head\.0\.weight"):
        ig.InfoGAN(SPEC, **parts)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"generator": nn.Linear(9, 5)}, r"generator: cannot take \[2, 11\]: mat1 and mat2 shapes cannot"),
        ({"discriminator_head": nn.Linear(7, 1)}, r"discriminator_head: cannot take \[2, 6\]: mat1 and mat2"),
        ({"generator": nn.Linear(11, 4)}, r"generator: got \[2, 4\] for two rows, allowed: \[2, 5\] \(the data\)"),
        ({"trunk": nn.Unflatten(1, (5, 1))}, r"trunk: got \[2, 5, 1\] from \[2, 5\], allowed: \[2, F\]"),
        ({"discriminator_head": nn.Linear(6, 2)}, r"discriminator_head: got \[2, 2\] for two rows, allowed: \[2, 1\]"),
        ({"q_head": nn.Linear(6, 9)}, r"q_head: got \[2, 9\] for two rows, allowed: \[2, 10\] \(LatentSpec"),
        ({"q_head": nn.LSTM(6, 9)}, "q_head: got tuple for two rows"),
    ],
)
def test_networks_that_do_not_fit(changes, message):
    model = ig.InfoGAN(SPEC, **{**networks(), **changes})
    with pytest.raises(ValueError, match=message):
        model.check((5,))
