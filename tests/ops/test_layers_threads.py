"""The layer ops on several threads: nothing twice, nothing left out, and what of the bits depends on their number."""

import pytest
import torch
from layer_cases import (
    OPS,
    batch_norm,
    downsample,
    downsample_tensors,
    evaluate,
    fresh_running,
    largest,
    plain_downsample,
    plain_upsample,
    random,
    upsample_tensors,
)


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.fixture
def set_threads():
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize("size", [(64, 3, 16, 14, 14), (9, 16, 8, 28, 28), (8, 64, 32, 14, 14)], ids=str)
def test_convolutions_of_whole_numbers_are_exact_for_any_number_of_threads(threads, size, set_threads):
    """What is summed is exact in any order, so that an element too many, or two threads at one sum, would show."""
    set_threads(threads)
    for make, ours, theirs in (
        (downsample_tensors, downsample(0.5), plain_downsample(0.5)),
        (upsample_tensors, OPS.upsample_conv2d, plain_upsample),
    ):
        tensors, grad = make(size)
        tensors, grad = [t.round() for t in tensors], grad.round()
        results = (evaluate(function, tensors, grad, torch.float32) for function in (ours, theirs))
        for got, wanted in zip(*results, strict=True):
            assert torch.equal(got, wanted)
            assert largest(wanted) < 2**23


@pytest.mark.parametrize("threads", [1, 3])
def test_convolutions_repeat_bit_for_bit(threads, set_threads):
    set_threads(threads)
    for make, function in ((downsample_tensors, downsample(0.1)), (upsample_tensors, OPS.upsample_conv2d)):
        tensors, grad = make((64, 16, 32, 14, 14))
        first, second = (evaluate(function, tensors, grad, torch.float32) for _ in range(2))
        assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_batch_norm_gives_the_same_bits_for_any_number_of_threads(set_threads):
    for shape in ((64, 16, 14, 14), (130, 1100)):
        tensors, grad = [random(*shape), random(shape[1]), random(shape[1])], random(*shape)
        results = []
        for threads in (1, 2, 3):
            set_threads(threads)
            running = fresh_running(tensors[1].float())
            results.append([*evaluate(batch_norm(2, 0.1, running), tensors, grad, torch.float32), *running])
        for one, *others in zip(*results, strict=True):
            assert all(torch.equal(one, other) for other in others)


@pytest.mark.parametrize("threads", [1, 3])
def test_inference_mode(threads, set_threads):
    set_threads(threads)  # those of the pool do not know of the mode by themselves
    with torch.inference_mode():
        for make, ours, theirs in (
            (downsample_tensors, downsample(0.1), plain_downsample(0.1)),
            (upsample_tensors, OPS.upsample_conv2d, plain_upsample),
        ):
            tensors, _ = make((64, 3, 16, 14, 14))
            torch.testing.assert_close(ours(*tensors), theirs(*tensors))
