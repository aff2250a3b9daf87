"""Every setting does what its description says: those of the optimisation, the augmentation and the execution."""

import math
from unittest.mock import MagicMock

import pytest
import torch
from runs_by_setting import PLAIN, first_metrics, inputs, largest_changes, run, same, trained, weights
from torch import nn
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode

from infogan_fast.training import ConfigError, device, loop, processor
from infogan_fast.training.loop import TrainingLoop
from infogan_fast.training.processor import Processor

RATES = {
    "learning_rate_discriminator": 1e-4,
    "learning_rate_generator": 2e-4,
    "learning_rate_head": 3e-4,
    "decay_from": 1.0,
}


def test_seed(make_config, data):
    """Another seed gives other weights, another order of the images, other codes and other noise."""

    def drawn(seed):
        config = make_config(seed=seed)
        read = inputs(config, data)
        return {**weights(TrainingLoop(config, data).model), "images": read.real, "codes": read.latents.input} | {
            "noise": read.views.noise,
            "map": read.views.points,
        }

    first, again, other = map(drawn, (0, 0, 1))
    assert same(first, again)
    chosen = [name for name in first if "weight" in name and first[name].ndim > 1]
    for name in (*chosen, "images", "codes", "noise", "map"):
        assert not torch.equal(first[name], other[name]), name


def test_steps(make_config, data, tmp_path):
    for steps in (1, 5):
        trainer = run(make_config(steps=steps), data, tmp_path / str(steps))
        assert trainer.step == steps
        assert (tmp_path / str(steps) / "checkpoints" / f"step_{steps:08d}.safetensors").is_file()


def test_batch_size(make_config, data):
    for size in (2, 8, 30):
        read = inputs(make_config(batch_size=size), data)
        assert len(read.real) == len(read.latents.input) == len(read.latents.categorical) == size


def changes_by_rate(make_config, data, **rate):
    """The first update of Adam changes a weight by the learning rate, whatever the gradient."""
    changes = largest_changes(make_config(**{**RATES, **rate}), data)
    trunk, discriminator_head = changes.pop("trunk"), changes.pop("discriminator_head")
    assert trunk == pytest.approx(discriminator_head, rel=1e-2)
    return [trunk, changes.pop("generator"), changes.pop("q_head")]


def test_learning_rate_discriminator(make_config, data):
    changes = changes_by_rate(make_config, data, learning_rate_discriminator=7e-4)
    assert changes == pytest.approx([7e-4, 2e-4, 3e-4], rel=1e-2)


def test_learning_rate_generator(make_config, data):
    changes = changes_by_rate(make_config, data, learning_rate_generator=7e-4)
    assert changes == pytest.approx([1e-4, 7e-4, 3e-4], rel=1e-2)


def test_learning_rate_head(make_config, data):
    changes = changes_by_rate(make_config, data, learning_rate_head=7e-4)
    assert changes == pytest.approx([1e-4, 2e-4, 7e-4], rel=1e-2)


def test_betas(make_config, data):
    """After one step the moments are (1 - beta) times the gradient and its square."""
    for first, second in ((0.5, 0.999), (0.2, 0.9)):
        step = trained(make_config(betas=(first, second)), data).training_step
        for optimizer in (step.discriminator_optimizer, step.generator_optimizer):
            for weight, state in optimizer.state.items():
                torch.testing.assert_close(state["exp_avg"], (1.0 - first) * weight.grad)
                torch.testing.assert_close(state["exp_avg_sq"], (1.0 - second) * weight.grad**2, rtol=1e-4, atol=0.0)


def test_decay_from(make_config, data):
    def rates(decay_from):
        config = make_config(**{**RATES, "decay_from": decay_from, "steps": 5, "log_every": 5})
        training, found = TrainingLoop(config, data), []
        for _ in range(config.steps):
            training.advance()
            step = training.training_step
            groups = *step.discriminator_optimizer.param_groups, *step.generator_optimizer.param_groups
            found.append([group["lr"] for group in groups])
        return found

    trunk, head, generator = (RATES[f"learning_rate_{name}"] for name in ("discriminator", "head", "generator"))
    for decay_from, multipliers in ((1.0, [1, 1, 1, 1, 1]), (0.6, [1, 1, 1, 1, 0.5]), (0.0, [1, 0.8, 0.6, 0.4, 0.2])):
        expected = [[m * trunk, m * head, m * generator] for m in multipliers]
        assert [pytest.approx(row) for row in expected] == rates(decay_from)


def displacement(config, data):
    """How far each pixel of each view moves along x and y, and where it was: each ``[views * B, H, W]``."""
    points = inputs(config, data).views.points.flatten(0, 1)
    height, width = points.shape[1:3]
    y, x = (torch.linspace(1 / size - 1, 1 - 1 / size, size) for size in (height, width))
    x, y = x.expand(height, width), y[:, None].expand(height, width)
    return points[..., 0] - x, points[..., 1] - y, x, y


def test_shear(make_config, data):
    """A pixel's x moves by up to the shear times its y, and its y not at all."""
    for shear in (0.1, 0.4):
        along_x, along_y, _, y = displacement(make_config(**{**PLAIN, "shear": shear, "batch_size": 30}), data)
        torch.testing.assert_close(along_y, torch.zeros_like(along_y), rtol=0.0, atol=1e-6)
        assert 0.9 * shear < float((along_x / y).abs().max()) <= shear + 1e-5


def test_rotation(make_config, data):
    """The points are those of the image, turned by up to so many degrees."""
    for degrees in (5.0, 90.0):
        along_x, along_y, x, y = displacement(make_config(**{**PLAIN, "rotation": degrees, "batch_size": 30}), data)
        turned = torch.complex(x + along_x, y + along_y) / torch.complex(x, y)
        torch.testing.assert_close(turned.abs(), torch.ones_like(along_x))
        angles = turned.angle().rad2deg().abs()
        assert 0.9 * degrees < float(angles.max()) <= degrees + 1e-3


def test_augmentation(make_config, data):
    """That fraction of the images of every view is moved as ``ignore`` says, and its values stay."""
    settings = {
        **PLAIN,
        "batch_size": 30,
        "ignore": ("flip:1", "rotation:0", "shear:0", "scale:0", "shift:0", "colour"),
    }
    for probability in (0.0, 0.5, 1.0):
        now = inputs(make_config(**settings, augmentation=probability), data)
        images = now.real.repeat(3, 1, 1, 1)
        seen = now.views.augment(images, 0, 1, 2)
        flipped = (seen - images.flip(3)).abs().amax((1, 2, 3)) < 1e-5
        kept = (seen - images).abs().amax((1, 2, 3)) < 1e-5
        assert bool((flipped | kept).all())
        fractions = [float(view.float().mean()) for view in flipped.chunk(3)]
        if probability in (0.0, 1.0):
            assert fractions == [probability] * 3
        else:
            assert all(0.2 < fraction < 0.8 for fraction in fractions)
            assert len({tuple(view.tolist()) for view in flipped.chunk(3)}) == 3


def test_instance_noise(make_config, data):
    for deviation in (0.1, 2.0):
        noise = inputs(make_config(instance_noise=deviation), data).views.noise
        assert float(noise.std()) == pytest.approx(deviation, rel=0.05)
        assert float(noise.mean()) == pytest.approx(0.0, abs=0.05 * deviation)
    assert inputs(make_config(instance_noise=0.0), data).views.noise is None


def test_ema(make_config, data):
    """After a step, the average has kept the decay's fraction of the initial weights."""
    assert TrainingLoop(make_config(ema=0.0), data).ema is None
    for decay in (0.02, 0.08):
        training = TrainingLoop(make_config(ema=decay), data)
        before = weights(training.model.generator)
        training.advance()
        after, average = weights(training.model.generator), weights(training.ema.module)
        for name in after:
            torch.testing.assert_close(average[name], decay * before[name] + (1.0 - decay) * after[name])


def test_device(make_config, data, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.resolve(make_config(device="auto"))[0].device == "cpu"
    with pytest.raises(ConfigError, match=r"device: got 'cuda', but torch .* finds no GPU"):
        device.resolve(make_config(device="cuda"))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(device, "build_info", lambda: {"cuda_kernels": True})
    assert device.resolve(make_config(device="auto"))[0].device == "cuda"
    assert device.resolve(make_config(device="cpu"))[0].device == "cpu"
    assert TrainingLoop(make_config(device="cpu"), data).model.device.type == "cpu"


def test_compile(make_config, data, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda function, **_: compiled.append(function) or function)
    trained(make_config(compile=False), data)
    assert compiled == []
    trained(make_config(compile=True), data)
    assert len(compiled) == 3  # G, and the losses of both players
    assert device.resolve(make_config(compile=None, device="cpu"))[0].compile is False
    assert device.resolve(make_config(compile=True, device="cpu"))[0].compile is True


def test_cuda_graph(make_config, data, monkeypatch):
    """On tensors that say they are on a GPU; that the graph does the same work is for tests/gpu."""
    captured = []
    monkeypatch.setattr(loop, "Captured", lambda update: captured.append(update) or update)
    monkeypatch.setattr(nn.Module, "to", lambda module, *_, **__: module)
    for part in ("StepInputs", "TrainingStep", "History"):
        monkeypatch.setattr(loop, part, MagicMock())
    with FakeTensorMode():
        for wanted in (False, True):
            TrainingLoop(make_config(device="cuda", cuda_graph=wanted), data)
            assert len(captured) == wanted


def test_precision(make_config, data):
    """bfloat16 rounds what the layers give to 8 bits, and the weights stay in float32."""
    (wide, wide_nll), (narrow, narrow_nll) = (
        first_metrics(make_config(precision=precision, **PLAIN), data) for precision in ("float32", "bfloat16")
    )
    assert narrow_nll == pytest.approx(wide_nll, rel=0.1)
    assert narrow_nll != pytest.approx(wide_nll, rel=1e-6)
    assert all(math.isfinite(value) for value in narrow.values())
    assert narrow.keys() == wide.keys()
    training = trained(make_config(precision="bfloat16"), data)
    assert {weight.dtype for weight in training.model.parameters()} == {torch.float32}


class Libraries(TorchDispatchMode):
    """The last argument, ``onednn``, of every call of an op with products."""

    def __init__(self):
        super().__init__()
        self.asked_for = set()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func._schema.name
        if name.startswith("infogan_fast::") and func._schema.arguments[-1].name == "onednn":
            default_is_left_out = len(args) < len(func._schema.arguments)
            self.asked_for.add(not default_is_left_out and args[-1])
        return func(*args, **(kwargs or {}))


def test_matrix_product(make_config, data, monkeypatch):
    monkeypatch.setattr(processor, "processor", lambda: Processor("amd", "avx512", True, True))
    for chosen, onednn in (("blas", False), ("onednn", True), ("auto", True)):
        with Libraries() as libraries:
            trained(make_config(matrix_product=chosen, device="cpu"), data)
        assert libraries.asked_for == {onednn}
