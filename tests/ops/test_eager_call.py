"""info_loss in eager mode calls a compiled function instead of torch.ops: the same results, errors and overrides."""

from typing import ClassVar

import pytest
import torch
from torch.overrides import TorchFunctionMode

import infogan_fast as ig
from infogan_fast import ops

SPEC = ig.LatentSpec(5, (3, 4), 2)
SETTINGS = (
    {},
    {"categorical_weight": [0.5, 2.0], "continuous_weight": (0.0, 3)},
    {"variance": "learned_std", "ignore_index": 2},
    {"variance": 0.25, "weight_scale": torch.tensor([1.0, 0.0, 2.0, 0.5])},
)


@pytest.fixture
def by_torch_ops(monkeypatch):
    """A function that calls another one with the compiled entry out of reach."""

    def call(function, *arguments, **settings):
        with monkeypatch.context() as context:
            context.setattr(ops, "_settings", lambda *arguments: None)
            return function(*arguments, **settings)

    return call


def case(variance="learned", dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    head = torch.randn(9, SPEC.head_dim(variance), generator=generator).to(dtype).requires_grad_()
    return head, ig.sample_latents(SPEC, 9, torch.tensor(1))


def loss_terms_and_gradient(head, codes, **settings):
    loss, nll = ig.info_loss(head, codes, SPEC, return_terms=True, **settings)
    return loss, nll, *torch.autograd.grad(loss, head)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_same_bits(settings, dtype, by_torch_ops):
    head, latents = case(settings.get("variance", "learned"), dtype)
    for codes in (latents, latents[1:], ig.LatentSeed(torch.tensor(1), 3, 2**40)):
        ours = loss_terms_and_gradient(head, codes, **settings)
        theirs = by_torch_ops(loss_terms_and_gradient, head, codes, **settings)
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a, b)


def test_it_is_what_eager_mode_calls(monkeypatch):
    head, latents = case()
    monkeypatch.delattr(torch.ops.infogan_fast, "info_loss", raising=False)
    monkeypatch.setattr(torch.ops, "infogan_fast", None)
    assert ig.info_loss(head, latents, SPEC).requires_grad
    assert ig.info_loss(torch.nn.Parameter(head.detach()), latents, SPEC).requires_grad


WRONG = {
    "a head of the wrong width": lambda head, latents: ig.info_loss(head[:, 1:], latents, SPEC),
    "a head of integers": lambda head, latents: ig.info_loss(head.long(), latents, SPEC),
    "no tensor": lambda head, latents: ig.info_loss(head.tolist(), latents, SPEC),
    "codes of too few rows": lambda head, latents: ig.info_loss(head[1:], latents, SPEC),
    "a code out of range": lambda head, latents: ig.info_loss(head, (latents[1] + 3, latents[2]), SPEC),
    "codes that are no tensors": lambda head, latents: ig.info_loss(head, ([1], latents[2]), SPEC),
    "codes that want a gradient": lambda head, latents: ig.info_loss(
        head, (latents[1], latents[2].requires_grad_()), SPEC
    ),
    "a seed that is a number": lambda head, latents: ig.info_loss(head, ig.LatentSeed(3), SPEC),
    "an offset out of range": lambda head, latents: ig.info_loss(head, ig.LatentSeed(torch.tensor(0), 2**40), SPEC),
    "an enormous offset": lambda head, latents: ig.info_loss(head, ig.LatentSeed(torch.tensor(0), 2**70), SPEC),
    "an offset that is no integer": lambda head, latents: ig.info_loss(head, ig.LatentSeed(torch.tensor(0), 0.5), SPEC),
    "too many weights": lambda head, latents: ig.info_loss(head, latents, SPEC, [1.0] * 3),
    "a weight below 0": lambda head, latents: ig.info_loss(head, latents, SPEC, -1.0),
    "a weight that is text": lambda head, latents: ig.info_loss(head, latents, SPEC, "1"),
    "weights that are text": lambda head, latents: ig.info_loss(head, latents, SPEC, ["1", "2"]),
    "weights in lists": lambda head, latents: ig.info_loss(head, latents, SPEC, [[1.0], [2.0]]),
    "another variance": lambda head, latents: ig.info_loss(head, latents, SPEC, variance="fixed"),
    "a variance of 0": lambda head, latents: ig.info_loss(head, latents, SPEC, variance=0.0),
    "an ignore_index that is text": lambda head, latents: ig.info_loss(head, latents, SPEC, ignore_index="1"),
    "a scale of float64": lambda head, latents: ig.info_loss(head, latents, SPEC, weight_scale=torch.ones(4).double()),
}


@pytest.mark.parametrize("call", WRONG.values(), ids=WRONG.keys())
def test_the_same_errors(call, by_torch_ops):
    head, latents = case()
    with pytest.raises(Exception) as ours:  # noqa: PT011 (it is compared with another)
        call(head, latents)
    with pytest.raises(Exception) as theirs:  # noqa: PT011
        by_torch_ops(call, head, latents)
    assert type(ours.value) is type(theirs.value)
    assert str(ours.value) == str(theirs.value)


class Logged(torch.Tensor):
    calls: ClassVar[list[str]] = []

    @classmethod
    def __torch_function__(cls, function, types, arguments=(), keywords=None):
        cls.calls.append(str(function))
        return super().__torch_function__(function, types, arguments, keywords or {})


def test_subclasses_and_modes_see_the_op():
    head, latents = case()
    Logged.calls.clear()
    loss = ig.info_loss(head.as_subclass(Logged), latents, SPEC)
    assert isinstance(loss, Logged)
    assert any("info_loss" in call for call in Logged.calls)

    seen = []

    class Mode(TorchFunctionMode):
        def __torch_function__(self, function, types, arguments=(), keywords=None):
            seen.append(str(function))
            return function(*arguments, **(keywords or {}))

    with Mode():
        ig.info_loss(head, latents, SPEC)
    assert any("info_loss" in call for call in seen)


def test_settings_that_compare_equal_are_not_mixed_up():
    head, latents = case(1.0)
    first = ig.info_loss(head, latents, SPEC, 2.0, variance=1.0)
    assert torch.equal(ig.info_loss(head, latents, SPEC, 2, variance=1), first)
    with pytest.raises(ValueError, match="variance must be"):
        ig.info_loss(head, latents, SPEC, 2.0, variance=True)
    with pytest.raises(TypeError, match="categorical_weight must be a float"):
        ig.info_loss(head, latents, SPEC, True, variance=1.0)
    assert not torch.equal(ig.info_loss(head, latents, SPEC, 1.0, variance=1.0), first)


@pytest.mark.parametrize(
    ("setting", "before", "after"),
    [("categorical_weight", 1.0, 5.0), ("ignore_index", -100, 0)],
)
def test_settings_in_tensors_are_read_again(setting, before, after):
    head, latents = case()
    value = torch.tensor(before)
    in_tensors = (value, value) if setting == "categorical_weight" else value
    first = ig.info_loss(head, latents, SPEC, **{setting: in_tensors})
    value.fill_(after)
    second = ig.info_loss(head, latents, SPEC, **{setting: in_tensors})
    numbers = [(number, number) if setting == "categorical_weight" else number for number in (before, after)]
    for got, number in zip((first, second), numbers, strict=True):
        assert torch.equal(got, ig.info_loss(head, latents, SPEC, **{setting: number}))
    assert not torch.equal(first, second)


def test_batched_gradients_of_the_loss():
    head, latents = case()
    scales = torch.tensor([1.0, 2.0, 0.0])
    (once,) = torch.autograd.grad(ig.info_loss(head, latents, SPEC), head)
    (batched,) = torch.autograd.grad(ig.info_loss(head, latents, SPEC), head, scales, is_grads_batched=True)
    torch.testing.assert_close(batched, scales[:, None, None] * once)
    jacobian = torch.autograd.functional.jacobian(lambda x: ig.info_loss(x, latents, SPEC), head, vectorize=True)
    torch.testing.assert_close(jacobian, once)
