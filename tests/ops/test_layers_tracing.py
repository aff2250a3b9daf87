"""The layer ops under opcheck, fake tensors and torch.compile."""

import pytest
import torch
from layer_cases import (
    EPS,
    MOMENTUM,
    OPS,
    batch_norm,
    downsample,
    evaluate,
    every_layer_dtype,
    every_layout,
    fresh_running,
    parameter_dtype,
    random,
)


def calls(dtype, layout):
    """(op, arguments) of every op, with what the backward ops get from the forward ones."""
    torch.manual_seed(0)
    parameters = parameter_dtype(dtype)
    input = random(4, 3, 6, 2, layout=layout).to(dtype)
    weight, bias = random(5, 3, 4, 4, layout=layout).to(parameters), random(5).to(parameters)
    grad, wanted = random(4, 5, 3, 1, layout=layout).to(dtype), [True, False, True]
    for slope in (0.1, 1.0):
        yield OPS.downsample_conv2d, (input, weight, bias, slope)
        output = OPS.downsample_conv2d(input, weight, None, slope)
        yield OPS.downsample_conv2d_backward, (grad, input, weight, None if slope == 1.0 else output, slope, wanted)
    small = random(4, 5, 3, 1, layout=layout).to(dtype)
    yield OPS.upsample_conv2d, (small, weight, None)
    yield OPS.upsample_conv2d_backward, (input, small, weight, wanted)
    rows, matrix = input[:, :, 0, 0], weight[:, :, 0, 0]
    yield OPS.linear, (rows, matrix, bias)
    yield OPS.linear_backward, (grad[:, :, 0, 0], rows, matrix, wanted)
    for batch in (input, rows):
        weight, bias = torch.rand(2, 3, dtype=parameters)
        yield OPS.group_batch_norm, (batch, weight, bias, *fresh_running(weight), 2, MOMENTUM, EPS, 0.1)
        _, mean, rstd = OPS.group_batch_norm(batch, weight, bias, *fresh_running(weight), 2, MOMENTUM, EPS, 0.1)
        yield OPS.group_batch_norm_backward, (batch, batch, weight, bias, mean, rstd, 0.1)


def with_gradients(arguments):
    """The first three require one, as far as they are tensors; running statistics, which follow, do not."""
    return [*(t if t is None else t.detach().requires_grad_() for t in arguments[:3]), *arguments[3:]]


@pytest.mark.parametrize(
    ("dtype", "layout"),
    [(torch.float32, "contiguous"), (torch.float64, "channels last"), (torch.bfloat16, "contiguous")],
)
def test_opcheck(dtype, layout):
    for op, arguments in calls(dtype, layout):
        torch.library.opcheck(op, arguments)
        if "backward" not in str(op):
            torch.library.opcheck(op, with_gradients(arguments))


@every_layer_dtype
@every_layout
def test_fake_results_are_laid_out_as_the_real_ones(dtype, layout):
    for op, arguments in calls(dtype, layout):
        real = op(*arguments)
        with torch._subclasses.FakeTensorMode() as mode:
            fake = op(*(mode.from_tensor(a) if isinstance(a, torch.Tensor) else a for a in arguments))
        pairs = [(real, fake)] if isinstance(real, torch.Tensor) else list(zip(real, fake, strict=True))
        for a, b in pairs:
            assert (a is None) == (b is None)
            assert a is None or (a.shape, a.stride(), a.dtype) == (b.shape, b.stride(), b.dtype)


def both(batch):
    """A layer of each op, with their tensors."""
    tensors = [random(batch, 3, 8, 8), random(6, 3, 4, 4), random(6), random(6), random(6), random(6, 2, 4, 4)]

    def function(input, weight, bias, scale, shift, back):
        hidden = batch_norm(2, 0.1)(downsample(0.2)(input, weight, bias), scale, shift)
        return OPS.upsample_conv2d(hidden, back, None)

    return function, tensors, random(batch, 2, 8, 8)


def check_compiled(backend):
    torch._dynamo.reset()
    torch.manual_seed(0)
    for dynamic in (False, True):
        compiled = None
        for batch in (4, 6, 10) if dynamic else (4,):
            function, tensors, grad = both(batch)
            compiled = compiled or torch.compile(function, fullgraph=True, backend=backend, dynamic=dynamic)
            torch.testing.assert_close(evaluate(compiled, tensors, grad), evaluate(function, tensors, grad))


def test_compiled():
    check_compiled("aot_eager")


@pytest.mark.slow
def test_compiled_by_inductor():
    check_compiled("inductor")


def test_compiled_running_statistics():
    torch._dynamo.reset()
    input, weight, bias = random(4, 3), random(3), random(3)
    ours, expected = fresh_running(weight), fresh_running(weight)

    def function(input, weight, bias, mean, variance):
        return batch_norm(2, 1.0, (mean, variance))(input, weight, bias)

    torch.compile(function, fullgraph=True, backend="aot_eager")(input, weight, bias, *ours)
    function(input, weight, bias, *expected)
    assert not torch.equal(ours[0], torch.zeros(3))
    for a, b in zip(ours, expected, strict=True):
        assert torch.equal(a, b)
