"""The ops on the device under opcheck and torch.compile, with and without CUDA graphs of its own."""

import pytest
import torch
from cases import SPECS, VARIANCES, every_dtype, every_spec, op_arguments
from device_cases import DEVICE, WIDE_SPECS, assert_equal, random_head, seed_on_device

import infogan_fast as ig

SPEC = SPECS["mnist"]


@every_spec
@every_dtype
def test_opcheck_sample_latents(spec, dtype):
    torch.library.opcheck(
        torch.ops.infogan_fast.sample_latents,
        (
            seed_on_device(1),
            9,
            spec.noise,
            spec.categorical,
            spec.continuous,
            spec.noise_prior,
            spec.continuous_prior,
            2,
            5,
            dtype,
        ),
    )


@pytest.mark.parametrize("spec", [*SPECS.values(), WIDE_SPECS["K=5000"]], ids=[*SPECS.keys(), "K=5000"])
@pytest.mark.parametrize("variance", VARIANCES)
@every_dtype
def test_opcheck_info_loss(spec, variance, dtype):
    head = random_head(spec, 6, variance, dtype).requires_grad_()
    strided = random_head(spec, 12, variance, dtype)[::2].requires_grad_()
    stream, latents = ig.LatentSeed(seed_on_device(1), 2, 3), ig.sample_latents(spec, 6, seed_on_device(1))
    scale = torch.rand(spec.num_codes, device=DEVICE)
    for arguments in (
        op_arguments(spec, head, stream, variance),
        op_arguments(spec, strided, latents, variance, scale),
    ):
        torch.library.opcheck(torch.ops.infogan_fast.info_loss, arguments)


@every_dtype
def test_opcheck_forward_and_backward(dtype):
    latents = ig.sample_latents(SPEC, 6, seed_on_device(1))
    arguments = op_arguments(SPEC, random_head(SPEC, 6, dtype=dtype), latents, "learned")
    for compute_gradient in (False, True):
        torch.library.opcheck(torch.ops.infogan_fast.info_loss_forward, (*arguments, compute_gradient))
    loss, _, gradient, factor = torch.ops.infogan_fast.info_loss_forward(*arguments, True)
    torch.library.opcheck(
        torch.ops.infogan_fast.info_loss_backward, (torch.ones_like(loss), gradient, factor, (10,), 2, dtype)
    )


def drawn_loss(seed, leaf):
    """Draws twice at different offsets; the head depends on what was drawn."""
    first, second = (ig.sample_latents(SPEC, len(leaf), seed, offset) for offset in (0, 1))
    head = leaf + first.input[:, :1]
    loss = ig.info_loss(head, first, SPEC) + ig.info_loss(head, ig.LatentSeed(seed, 1), SPEC)
    return loss, first.categorical, second.categorical


def drawn_results(function, value, leaf, seed):
    seed.fill_(value)
    loss, *codes = function(seed, leaf)
    (gradient,) = torch.autograd.grad(loss, leaf)
    return [tensor.detach().clone() for tensor in (loss, *codes, gradient)]


@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
def test_compiled_training_graph(mode):
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    compiled = torch.compile(drawn_loss, fullgraph=True, mode=mode)
    leaf, seed = random_head(SPEC, 256).requires_grad_(), seed_on_device(0)
    expected = {value: drawn_results(drawn_loss, value, leaf, seed) for value in range(6)}
    results = {}
    for value in range(6):  # of reduce-overhead the first warm up, the second records, the others replay
        torch.compiler.cudagraph_mark_step_begin()
        with torch._dynamo.config.patch(error_on_recompile=value > 0):
            results[value] = drawn_results(compiled, value, leaf, seed)
    for value, (loss, *codes, gradient) in results.items():
        assert_equal(codes, expected[value][1:3])
        assert not torch.equal(*codes)
        torch.testing.assert_close(loss, expected[value][0], rtol=1e-6, atol=1e-6)
        torch.testing.assert_close(gradient, expected[value][3], rtol=1e-5, atol=1e-8)
    assert len({float(result[0]) for result in results.values()}) == 6
    assert torch._dynamo.utils.counters["inductor"]["cudagraph_skips"] == 0


@pytest.mark.parametrize("drawn", [False, True], ids=["codes", "seed"])
def test_compiled_loss_equals_the_eager_one(drawn):
    torch._dynamo.reset()
    head = random_head(SPEC, 1000).requires_grad_()
    seed = seed_on_device(4)
    latents = ig.LatentSeed(seed, 1) if drawn else ig.sample_latents(SPEC, 1000, seed, 1)

    def function(head, latents):
        return ig.info_loss(head, latents, SPEC, 0.5, (0.1, 0.3), return_terms=True)

    results = []
    for call in (torch.compile(function, fullgraph=True), function):
        loss, nll = call(head, latents)
        results.append((loss.detach(), nll, *torch.autograd.grad(loss, head)))
    assert_equal(*results)
