"""The convolutions and the batch normalisation of the training step against PyTorch's own."""

import itertools

import pytest
import torch
from layer_cases import (
    OPS,
    batch_norm,
    check,
    downsample,
    downsample_tensors,
    error,
    evaluate,
    every_layout,
    every_slope,
    fresh_running,
    largest,
    no_worse,
    plain_batch_norm,
    plain_downsample,
    plain_upsample,
    random,
    upsample_tensors,
)
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

# (batch, channels in, channels out, height, width) of the larger image
SIZES = (
    (0, 3, 5, 4, 6),
    (1, 1, 1, 2, 2),
    (1, 16, 3, 28, 28),
    (1, 1, 16, 2, 6),
    (3, 3, 7, 2, 6),
    (3, 5, 16, 6, 2),
    (8, 1, 5, 28, 28),
    (9, 5, 3, 14, 14),
    (64, 16, 5, 2, 2),
    (64, 3, 4, 8, 8),
)
# shape of the input, groups
BATCHES = (
    ((2, 5), 1),
    ((6, 1), 3),
    ((9, 16), 3),
    ((300, 3), 2),  # more rows than a block
    ((8, 600), 2),  # more columns
    ((1, 3, 28, 28), 1),
    ((3, 16, 2, 2), 3),
    ((6, 7, 2, 6), 2),
    ((8, 1, 28, 28), 2),
    ((9, 5, 14, 14), 3),
    ((64, 16, 2, 2), 2),
)
every_size = pytest.mark.parametrize("size", SIZES, ids=str)
every_batch = pytest.mark.parametrize(("shape", "groups"), BATCHES, ids=str)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@every_size
@every_layout
@every_slope
def test_downsample(size, layout, slope):
    tensors, _ = downsample_tensors(size, layout)
    output = plain_downsample(slope)(*tensors)
    grad = random(*output.shape, layout=layout)
    check(downsample(slope), plain_downsample(slope), tensors, grad, plain_downsample(1.0))


@every_size
@every_layout
def test_upsample(size, layout):
    check(OPS.upsample_conv2d, plain_upsample, *upsample_tensors(size, layout))


@every_slope
def test_without_bias(slope):
    size = (3, 5, 7, 6, 2)
    check(downsample(slope), plain_downsample(slope), *downsample_tensors(size, with_bias=False), plain_downsample(1.0))
    check(OPS.upsample_conv2d, plain_upsample, *upsample_tensors(size, with_bias=False))


@every_batch
@every_layout
@every_slope
def test_batch_norm(shape, groups, layout, slope):
    input, grad = random(*shape, layout=layout), random(*shape, layout=layout)
    tensors = [input, random(shape[1]), random(shape[1])]
    check(batch_norm(groups, slope), plain_batch_norm(groups, slope), tensors, grad, plain_batch_norm(groups, 1.0))


def test_an_expanded_gradient():
    tensors, _ = downsample_tensors((3, 2, 4, 6, 6))
    check(downsample(0.1), plain_downsample(0.1), tensors, random(1, 1, 1, 1).expand(3, 4, 3, 3), plain_downsample(1.0))
    tensors, _ = upsample_tensors((3, 2, 4, 6, 6))
    check(OPS.upsample_conv2d, plain_upsample, tensors, random(1, 4, 1, 1).expand(3, 4, 6, 6))
    tensors = [random(6, 3), random(3), random(3)]
    check(batch_norm(2, 1.0), plain_batch_norm(2, 1.0), tensors, random(6, 1).expand(6, 3))


@every_batch
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_running_statistics_are_those_of_batch_norm_group_after_group(shape, groups, dtype):
    module = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(shape[1], momentum=0.1, dtype=torch.float64)
    common = (nn.BatchNorm2d if len(shape) == 4 else nn.BatchNorm1d)(shape[1], momentum=0.1, dtype=dtype)
    weight = torch.ones(shape[1], dtype=dtype)
    ours = fresh_running(weight)
    for _ in range(2):
        input = 3.0 * random(*shape) + 1.0
        for group in input.chunk(groups):
            module(group)
            common(group.to(dtype))
        batch_norm(groups, 1.0, ours)(input.to(dtype), weight, weight)
    for got, theirs, exact in zip(ours, *([m.running_mean, m.running_var] for m in (common, module)), strict=True):
        assert no_worse(got, theirs, exact, factor=2)


@pytest.mark.parametrize("shape", [(64, 16, 14, 14), (512, 64), (9, 3, 28, 28)], ids=str)
@pytest.mark.parametrize("layout", ["contiguous", "channels last"])
def test_batch_norm_far_from_zero_is_not_worse_than_pytorch(shape, layout):
    input = (random(*shape, layout=layout) + 1e4).float().double()
    tensors, grad = [input, random(shape[1]), random(shape[1])], random(*shape, layout=layout)

    def results(function, dtype):
        running = fresh_running(tensors[1].to(dtype))
        return [*evaluate(function(1, 1.0, running), tensors, grad, dtype), *running]

    exact = results(plain_batch_norm, torch.float64)
    ours, common = results(batch_norm, torch.float32), results(plain_batch_norm, torch.float32)
    # The mean is kept in float32, so it may be off by half a unit in the last place of 1e4.
    of_the_mean = 2**-11 * largest(tensors[1])
    assert error(ours[0], exact[0]) <= max(error(common[0], exact[0]), 1.1 * of_the_mean)
    for got, theirs, wanted in zip(ours[1:], common[1:], exact[1:], strict=True):
        assert no_worse(got, theirs, wanted, factor=1.01)


def every_op():
    """(function, backward op with (grad, tensors, wanted), tensors, grad) of each op."""
    tensors, grad = downsample_tensors((4, 2, 3, 6, 4))
    output = downsample(0.1)(*tensors)
    yield (
        downsample(0.1),
        lambda wanted: OPS.downsample_conv2d_backward(grad, *tensors[:2], output, 0.1, wanted),
        tensors,
        grad,
    )
    tensors2, grad2 = upsample_tensors((4, 2, 3, 6, 4))
    yield (
        OPS.upsample_conv2d,
        lambda wanted: OPS.upsample_conv2d_backward(grad2, *tensors2[:2], wanted),
        tensors2,
        grad2,
    )
    yield batch_norm(2, 0.1), None, [random(6, 3, 2, 2), random(3), random(3)], random(6, 3, 2, 2)


class Recorder(TorchDispatchMode):
    """Which gradients the convolutions were asked for."""

    def __init__(self):
        super().__init__()
        self.wanted = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if "conv2d_backward" in str(func):
            self.wanted.append(args[-1])
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("index", range(3), ids=["downsample", "upsample", "batch norm"])
@pytest.mark.parametrize("wanted", list(itertools.product((False, True), repeat=3)), ids=str)
def test_gradients_that_are_not_wanted(index, wanted):
    function, backward, tensors, grad = list(every_op())[index]
    expected = evaluate(function, tensors, grad)[1:]
    leaves = [t.clone().requires_grad_(want) for t, want in zip(tensors, wanted, strict=True)]
    with Recorder() as recorder:
        output = function(*leaves)
        assert output.requires_grad == any(wanted)
        if any(wanted):
            output.backward(grad)
    for leaf, want, gradient in zip(leaves, wanted, expected, strict=True):
        assert (leaf.grad is not None) == want
        assert not want or torch.equal(leaf.grad, gradient)
    if backward is not None:
        assert recorder.wanted == ([list(wanted)] if any(wanted) else [])
        for gradient, want, full in zip(backward(list(wanted)), wanted, expected, strict=True):
            assert torch.equal(gradient, full) if want else gradient is None


def test_gradcheck():
    for function, _, tensors, _ in every_op():
        assert torch.autograd.gradcheck(function, [t.clone().requires_grad_() for t in tensors])


def test_an_output_without_activation_may_be_overwritten():
    tensors, grad = downsample_tensors((3, 2, 4, 6, 6))

    def ours(*tensors):
        return downsample(1.0)(*tensors).sigmoid_()

    check(ours, lambda *tensors: plain_downsample(1.0)(*tensors).sigmoid(), tensors, grad)


@every_slope
@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_not_finite_stays_so(slope, value):
    tensors, _ = downsample_tensors((3, 2, 4, 6, 6))
    tensors[0][1, 1, 3, 5] = value
    output = downsample(slope)(*tensors)
    assert not output.isfinite().all()
    torch.testing.assert_close(output, plain_downsample(slope)(*tensors), equal_nan=True)
    tensors, _ = upsample_tensors((3, 2, 4, 6, 6))
    tensors[0][1, 1, 2, 0] = value
    output = OPS.upsample_conv2d(*tensors)
    assert not output.isfinite().all()
    torch.testing.assert_close(output, plain_upsample(*tensors), equal_nan=True)
    tensors = [random(6, 3, 2, 2), random(3), random(3)]
    tensors[0][1, 1, 0, 1] = value
    output = batch_norm(2, slope)(*tensors)
    assert output.isnan().any()
    torch.testing.assert_close(output, plain_batch_norm(2, slope)(*tensors), equal_nan=True)


def test_the_gradient_of_nan_is_that_of_leaky_relu():
    tensors, grad = downsample_tensors((2, 1, 3, 2, 2))
    tensors[0][0] = float("nan")
    ours, theirs = evaluate(downsample(0.25), tensors, grad), evaluate(plain_downsample(0.25), tensors, grad)
    torch.testing.assert_close(ours, theirs, equal_nan=True)


def test_batch_norm_leaves_its_arguments():
    input = random(4, 3, 2, 2)
    before = input.clone()
    output = batch_norm(2, 0.1)(input, random(3), random(3))
    assert torch.equal(input, before)
    assert output.is_contiguous(memory_format=torch.channels_last)
