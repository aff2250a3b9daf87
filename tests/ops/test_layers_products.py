"""The products of the layers, by torch's mm and by oneDNN's product, and in bfloat16."""

import re
from contextlib import contextmanager

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
    fresh_running,
    largest,
    linear,
    linear_tensors,
    no_worse,
    plain_batch_norm,
    plain_downsample,
    plain_upsample,
    random,
    upsample,
    upsample_tensors,
)
from torch.nn import functional as F
from torch.profiler import ProfilerActivity, profile

from infogan_fast import build_info

BFLOAT16 = torch.finfo(torch.bfloat16).eps
# Large enough for oneDNN's product in each of their passes, and too small for it.
LARGE = {"images": (64, 16, 64, 14, 14), "rows": (96, 160, 224)}
SMALL = {"images": (3, 5, 7, 6, 2), "rows": (5, 7, 3)}
every_library = pytest.mark.parametrize(
    "onednn",
    [
        False,
        pytest.param(True, marks=pytest.mark.skipif(not build_info()["onednn"], reason="this torch has no oneDNN")),
    ],
    ids=["blas", "oneDNN"],
)
every_extent = pytest.mark.parametrize("sizes", [LARGE, SMALL], ids=["large", "small"])


def layers(sizes, onednn, layout="contiguous", slope=0.1):
    """(ours, the same in PyTorch, without its activation, tensors and a gradient)."""
    yield (
        *(downsample(slope, onednn), plain_downsample(slope), plain_downsample(1.0)),
        *downsample_tensors(sizes["images"], layout),
    )
    yield upsample(onednn), plain_upsample, None, *upsample_tensors(sizes["images"], layout)
    yield linear(onednn), F.linear, None, *linear_tensors(sizes["rows"], layout)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@contextmanager
def set_threads(count):
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@every_library
@every_extent
@every_layout
def test_products(onednn, sizes, layout):
    for ours, plain, without_activation, tensors, grad in layers(sizes, onednn, layout):
        check(ours, plain, tensors, grad, without_activation)


@pytest.mark.parametrize("size", [(0, 3, 5), (4, 0, 5), (4, 3, 0), (1, 1, 1), (130, 33, 17)], ids=str)
@every_library
def test_rows_of_any_size(size, onednn):
    check(linear(onednn), F.linear, *linear_tensors(size))
    check(linear(onednn), F.linear, *linear_tensors(size, with_bias=False))


def calls_mm(function, tensors, grad, dtype) -> bool:
    """Whether torch's mm is called, which the profiler sees; oneDNN's product is not it."""
    with profile(activities=[ProfilerActivity.CPU]) as record:
        evaluate(function, tensors, grad, dtype)
    return bool({"aten::mm", "aten::addmm"} & {event.name for event in record.events()})


@pytest.mark.skipif(not build_info()["onednn"], reason="this torch has no oneDNN")
def test_large_float32_products_are_of_the_library_that_was_asked_for():
    both = zip(layers(LARGE, False), layers(LARGE, True), strict=True)
    with set_threads(1):  # the part of each of several would be small
        for (by_blas, *_, tensors, grad), (by_onednn, *_) in both:
            assert calls_mm(by_blas, tensors, grad, torch.float32)
            assert not calls_mm(by_onednn, tensors, grad, torch.float32)
            assert calls_mm(by_onednn, tensors, grad, torch.float64)


@pytest.mark.skipif(not build_info()["onednn"], reason="this torch has no oneDNN")
@pytest.mark.parametrize("threads", [1, 2])
def test_no_product_is_left_to_the_plain_loops_of_onednn(threads, capfd):
    """Which it keeps for layouts that it has no code for: a thousand times slower."""
    with set_threads(threads), torch.backends.mkldnn.verbose(torch.backends.mkldnn.VERBOSE_ON):
        for ours, _, _, tensors, grad in layers(LARGE | {"rows": (160, 320, 640)}, True):  # cut by columns too
            evaluate(ours, tensors, grad, torch.float32)
    products = re.findall(r"exec,cpu,(?:inner_product|matmul),([\w:+]+)", capfd.readouterr().out)
    assert products
    assert not [implementation for implementation in products if implementation.startswith("ref")]


@every_library
@pytest.mark.parametrize("threads", [1, 2, 3])
def test_products_repeat_bit_for_bit(onednn, threads):
    with set_threads(threads):
        for ours, _, _, tensors, grad in layers(LARGE, onednn):
            first, second = (evaluate(ours, tensors, grad, torch.float32) for _ in range(2))
            assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


@every_library
@pytest.mark.parametrize("threads", [1, 2])
def test_products_of_whole_numbers_are_exact(onednn, threads):
    """In any order: an element too many, or two threads at one sum, would show."""
    with set_threads(threads):
        for ours, plain, _, tensors, grad in layers(LARGE, onednn, slope=0.5):
            tensors, grad = [t.round() for t in tensors], grad.round()
            results = (evaluate(function, tensors, grad, torch.float32) for function in (ours, plain))
            for got, wanted in zip(*results, strict=True):
                assert torch.equal(got, wanted)
                assert largest(wanted) < 2**23


def rounded(tensors):
    """Numbers that bfloat16 has too."""
    return [t if t is None else t.bfloat16().double() for t in tensors]


def check_bfloat16(ours, plain, tensors, grad, without_activation=None):
    """The error is that of some roundings to bfloat16 of results whose sums are float32's.

    A result is rounded once, an element of a sum over a few patches or parts once more; weights once, before use.
    """
    tensors, grad = rounded(tensors), grad.bfloat16().double()
    if without_activation is not None:
        grad = grad * (without_activation(*tensors).abs() > 1e-2 * largest(grad))
    exact = evaluate(plain, tensors, grad)
    got = evaluate(ours, tensors, grad, torch.bfloat16)
    assert [value.dtype for value in got] == [torch.bfloat16] * 2 + [torch.float32] * (len(got) - 2)
    for value, wanted in zip(got, exact, strict=True):
        assert error(value, wanted) <= 2 * BFLOAT16 * (1e-3 + largest(wanted))


@every_extent
@every_layout
def test_bfloat16_products(sizes, layout):
    for ours, plain, without_activation, tensors, grad in layers(sizes, False, layout):
        check_bfloat16(ours, plain, tensors, grad, without_activation)


@pytest.mark.parametrize(("shape", "groups"), [((64, 16, 14, 14), 2), ((300, 3), 3), ((8, 600), 1)], ids=str)
@every_layout
@pytest.mark.parametrize("slope", [1.0, 0.1, 0.0])
def test_bfloat16_batch_norm(shape, groups, layout, slope):
    tensors = [random(*shape, layout=layout), random(shape[1]), random(shape[1])]
    without_activation = plain_batch_norm(groups, 1.0)
    check_bfloat16(
        batch_norm(groups, slope), plain_batch_norm(groups, slope), tensors, random(*shape), without_activation
    )


def test_statistics_of_bfloat16_are_those_of_float32():
    input = 3.0 * random(64, 5, 14, 14) + 100.0
    weight = torch.ones(5)
    of_bfloat16, of_float32 = fresh_running(weight), fresh_running(weight)
    batch_norm(2, 1.0, of_bfloat16)(input.bfloat16(), weight, weight)
    batch_norm(2, 1.0, of_float32)(input.bfloat16().float(), weight, weight)
    for got, wanted in zip(of_bfloat16, of_float32, strict=True):
        assert got.dtype == torch.float32
        assert torch.equal(got, wanted)


def test_sums_over_the_batch_in_bfloat16_do_not_lose_small_terms():
    """300 terms of 1 after one of 256: a sum in bfloat16, which has no 257, would stay at 256."""
    rows = torch.ones(301, 1)
    rows[0] = 256.0
    grad = torch.ones(301, 1)
    weight = torch.ones(1, 1, requires_grad=True)
    OPS.linear(rows.bfloat16(), weight, None).backward(grad.bfloat16())
    assert float(weight.grad) == pytest.approx(556.0, rel=BFLOAT16)
    images = rows.bfloat16()[:, :, None, None].expand(301, 1, 2, 2).contiguous()
    kernel = torch.ones(1, 1, 4, 4, requires_grad=True)
    OPS.downsample_conv2d(images, kernel, None, 1.0).backward(grad.bfloat16()[:, :, None, None])
    assert kernel.grad[0, 0, 1, 1].item() == pytest.approx(556.0, rel=BFLOAT16)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_autocast_does_not_change_the_products(dtype):
    for ours, _, _, tensors, grad in layers(LARGE, False):
        expected = evaluate(ours, tensors, grad, dtype)
        with torch.autocast("cpu", torch.bfloat16):
            got = evaluate(ours, tensors, grad, dtype)
        assert all(torch.equal(a, b) for a, b in zip(got, expected, strict=True))


def test_second_derivatives():
    for ours, plain, _, tensors, grad in layers(SMALL, False):
        leaves = [t.clone().requires_grad_() for t in tensors]
        results = []
        for function in (ours, plain):
            first = torch.autograd.grad(function(*leaves), leaves, grad, create_graph=True)
            results.append(torch.autograd.grad(sum((g * g).sum() for g in first), leaves[:2]))
        for got, wanted in zip(*results, strict=True):
            assert no_worse(got, wanted, wanted, factor=1)
            assert largest(wanted) > 0


@pytest.mark.parametrize("make", [downsample_tensors, upsample_tensors, linear_tensors])
def test_second_derivatives_in_bfloat16_are_there(make):
    index = [downsample_tensors, upsample_tensors, linear_tensors].index(make)
    ours, _, _, tensors, grad = list(layers(SMALL, False))[index]
    leaves = [tensors[0].bfloat16().requires_grad_(), *(t.float().requires_grad_() for t in tensors[1:])]
    first = torch.autograd.grad(ours(*leaves), leaves, grad.bfloat16(), create_graph=True)
    assert [g.dtype for g in first] == [torch.bfloat16, torch.float32, torch.float32]
    second = torch.autograd.grad(sum(g.float().square().sum() for g in first), leaves[:2])
    assert all(s.abs().max() > 0 for s in second)


@pytest.mark.parametrize("mean", [0.0, 30.0])
def test_derivatives_of_bfloat16_batch_norm_that_can_be_differentiated_are_as_exact_as_the_others(mean):
    x = (torch.randn(64, 8, 7, 7) + mean).bfloat16()
    weight, bias, grad = torch.rand(8) + 0.5, torch.randn(8), torch.randn(64, 8, 7, 7).bfloat16()
    gradients = []
    for differentiable in (False, True):
        leaves = [t.clone().requires_grad_() for t in (x, weight, bias)]
        output = OPS.group_batch_norm(*leaves, *fresh_running(weight), 1, 0.1, 1e-5, 0.1)[0]
        gradients.append(torch.autograd.grad(output, leaves, grad, create_graph=differentiable))
    for plain, again, tolerance in zip(*gradients, (BFLOAT16, 1e-5, 1e-5), strict=True):
        assert again.dtype == plain.dtype
        assert largest(again.detach() - plain) <= tolerance * largest(plain)
