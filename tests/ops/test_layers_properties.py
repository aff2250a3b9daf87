"""The layer ops for any sizes, strides and values, against torch.nn.functional."""

import dataclasses

import torch
from hypothesis import given
from hypothesis import strategies as st
from layer_cases import (
    EPS,
    OPS,
    batch_norm,
    downsample,
    error,
    evaluate,
    fresh_running,
    largest,
    no_worse,
    plain_batch_norm,
    plain_downsample,
    plain_upsample,
)
from torch import Tensor

DTYPES = st.sampled_from((torch.float32, torch.float64))
SLOPES = st.sampled_from((0.0, 0.1, 0.2, 1.0))
SIDES = st.integers(1, 5).map(lambda half: 2 * half)
LAYOUTS = ("contiguous", "channels last", "every other column", "transposed", "inside", "expanded")


def lay_out(values: Tensor, layout: str) -> Tensor:
    """The same numbers at other places; expanded, those of the first of the batch, or of the first element."""
    if layout == "channels last" and values.dim() == 4:
        return values.contiguous(memory_format=torch.channels_last)
    if layout == "every other column":
        return torch.stack((values, torch.full_like(values, torch.nan)), dim=-1)[..., 0]
    if layout == "transposed":
        return values.transpose(0, -1).contiguous().transpose(0, -1)
    if layout == "inside":
        around = values.new_full([size + 2 for size in values.shape], torch.nan)
        inside = around[tuple(slice(1, -1) for _ in values.shape)]
        return inside.copy_(values)
    if layout == "expanded":
        return values[:1].clone().expand(values.shape)
    return values.clone()


@dataclasses.dataclass(repr=False)
class Layer:
    """A layer op, the same in PyTorch, without its activation too, and the tensors of a call and its gradient."""

    ours: object
    plain: object
    linear: object
    tensors: list[Tensor | None]
    grad: Tensor
    layouts: tuple[str, ...]
    description: str
    scale: float  # of the input
    groups: int | None  # of a batch normalisation

    def __repr__(self):
        shapes = [None if tensor is None else tuple(tensor.shape) for tensor in (*self.tensors, self.grad)]
        return f"{self.description} of {shapes}, {self.layouts}"


def _numbers(generator: torch.Generator, scale: float, *shape: int) -> Tensor:
    """Float64 numbers that float32 has too, so that rounding them is no part of an error."""
    return (scale * torch.randn(shape, generator=generator)).double()


@st.composite
def layers(draw: st.DrawFn) -> Layer:
    kind = draw(st.sampled_from(("downsample", "upsample", "batch norm")))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    scale, slope = draw(st.sampled_from((1.0, 1e-3, 100.0))), draw(SLOPES)
    count, channels, out, height, width = (
        draw(s) for s in (st.integers(1, 24), *[st.integers(1, 20)] * 2, SIDES, SIDES)
    )
    groups = None
    if kind == "batch norm":
        groups = draw(st.integers(1, 3))
        count = max(2, count) * groups
        shape = (count, channels, height, width) if draw(st.booleans()) else (count, channels)
        sizes = [shape, (channels,), (channels,), shape]
        functions = (batch_norm(groups, slope), plain_batch_norm(groups, slope), plain_batch_norm(groups, 1.0))
    elif kind == "downsample":
        sizes = [(count, channels, height, width), (out, channels, 4, 4), (out,), (count, out, height // 2, width // 2)]
        functions = (downsample(slope), plain_downsample(slope), plain_downsample(1.0))
    else:
        sizes = [(count, channels, height, width), (channels, out, 4, 4), (out,), (count, out, 2 * height, 2 * width)]
        functions = (OPS.upsample_conv2d, plain_upsample, plain_upsample)
    numbers = [_numbers(generator, scale if i == 0 else 1.0, *size) for i, size in enumerate(sizes)]
    layouts = tuple(draw(st.sampled_from(LAYOUTS)) for _ in sizes)
    if kind == "batch norm":  # whose weights have to be contiguous, and whose input may not be constant
        not_constant = draw(st.sampled_from(LAYOUTS[:-1]))
        layouts = (not_constant, "contiguous", "contiguous", layouts[3])
    *tensors, grad = (lay_out(values, layout) for values, layout in zip(numbers, layouts, strict=True))
    if kind != "batch norm" and draw(st.booleans()):
        tensors[2] = None
    return Layer(*functions, tensors, grad, layouts, f"{kind}, slope {slope}, scale {scale}", scale, groups)


def absolute_terms(layer: Layer, grad: Tensor) -> list[float]:
    """For the output and each gradient, the largest sum of the absolute values of the terms that it is a sum of."""
    if layer.groups is None:  # convolutions: of absolute values, without activation
        tensors = [None if tensor is None else tensor.abs() for tensor in layer.tensors]
        return [largest(sums) for sums in evaluate(layer.linear, tensors, grad.abs())]
    input, weight, bias = layer.tensors
    input, grad = (t.flatten(2).transpose(1, 2).flatten(0, 1) if t.dim() == 4 else t for t in (input, grad))
    deviations = torch.cat([group - group.mean(0) for group in input.chunk(layer.groups)])
    scale = torch.cat([((g.square().mean(0) + EPS).rsqrt()).expand_as(g) for g in deviations.chunk(layer.groups)])
    normal, grad = (deviations * scale).abs(), grad.abs()
    products = grad * normal
    means = [torch.cat([g.mean(0).expand_as(g) for g in t.chunk(layer.groups)]) for t in (grad, products)]
    of_input = weight.abs() * scale * (grad + means[0] + normal * means[1])
    return [largest(t) for t in (normal * weight.abs() + bias.abs(), of_input, products.sum(0), grad.sum(0))]


@given(layers())
def test_errs_at_most_twice_as_much_as_pytorch(layer):
    # The sign of what is about 0 before the activation is decided by rounding errors, and with it the gradient.
    grad = layer.grad * (layer.linear(*layer.tensors).abs() > 1e-5 * layer.scale)
    exact, terms = evaluate(layer.plain, layer.tensors, grad), absolute_terms(layer, grad)
    for got, wanted, size in zip(evaluate(layer.ours, layer.tensors, grad), exact, terms, strict=True):
        assert error(got, wanted) <= 1e-14 * size
    results = (evaluate(function, layer.tensors, grad, torch.float32) for function in (layer.ours, layer.plain))
    for got, common, wanted, size in zip(*results, exact, terms, strict=True):
        assert got.dtype == torch.float32
        assert error(got, wanted) <= 2 * error(common, wanted) + 4 * torch.finfo(torch.float32).eps * size


@given(layers(), DTYPES)
def test_strides_and_repeats_do_not_change_the_bits(layer, dtype):
    first = evaluate(layer.ours, layer.tensors, layer.grad, dtype)
    input, *parameters = layer.tensors  # how the weights lie is up to the matrix product of the BLAS library
    for tensors, grad in ((layer.tensors, layer.grad), ((input.contiguous(), *parameters), layer.grad.contiguous())):
        for a, b in zip(first, evaluate(layer.ours, tensors, grad, dtype), strict=True):
            assert torch.equal(a, b)


@given(layers(), DTYPES)
def test_the_tensors_of_a_call_stay_as_they_are(layer, dtype):
    leaves = [None if t is None else t.to(dtype) for t in (*layer.tensors, layer.grad)]
    before = [None if t is None else t.clone() for t in leaves]
    evaluate(layer.ours, leaves[:-1], leaves[-1], dtype)
    for now, then in zip(leaves, before, strict=True):
        assert now is None or torch.equal(now, then)


@given(layers(), DTYPES, st.integers(-3, 3))
def test_the_gradient_is_linear_in_the_upstream_one(layer, dtype, power):
    """By a power of two, exactly."""
    unit = evaluate(layer.ours, layer.tensors, layer.grad, dtype)[1:]
    scaled = evaluate(layer.ours, layer.tensors, layer.grad * 2.0**power, dtype)[1:]
    for a, b in zip(unit, scaled, strict=True):
        assert torch.equal(a * 2.0**power, b)


@given(
    st.integers(1, 3), st.integers(2, 9), st.integers(1, 12), st.floats(0.0, 1.0, width=32), st.floats(-100.0, 100.0)
)
def test_running_statistics_are_those_of_pytorch(groups, per_group, channels, momentum, mean):
    generator = torch.Generator().manual_seed(groups * per_group * channels)
    input = (_numbers(generator, 1.0, groups * per_group, channels) + mean).float()
    weight = torch.ones(channels)
    running, common = fresh_running(weight), fresh_running(weight)
    exact = fresh_running(weight.double())
    OPS.group_batch_norm(input, weight, weight, *running, groups, momentum, 1e-5, 1.0)
    for group in input.chunk(groups):
        torch.nn.functional.batch_norm(group, *common, training=True, momentum=momentum)
        torch.nn.functional.batch_norm(group.double(), *exact, training=True, momentum=momentum)
    for got, theirs, wanted in zip(running, common, exact, strict=True):
        assert no_worse(got, theirs, wanted, factor=2)
