"""The ops under opcheck, torch.compile, torch.export and activation checkpointing."""

import pytest
import torch
from cases import SPECS, VARIANCES, every_dtype, every_spec, make_head, op_arguments, seed_of
from torch.utils.checkpoint import checkpoint

import infogan_fast as ig

SPEC = SPECS["mnist"]


@every_spec
@every_dtype
def test_opcheck_sample_latents(spec, dtype):
    torch.library.opcheck(
        torch.ops.infogan_fast.sample_latents,
        (
            seed_of(1),
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


@every_spec
@pytest.mark.parametrize("variance", VARIANCES)
@every_dtype
def test_opcheck_info_loss(spec, variance, dtype):
    head = make_head(spec, 6, variance, dtype).requires_grad_()
    strided = make_head(spec, 12, variance, dtype)[::2].requires_grad_()
    stream, latents = ig.LatentSeed(seed_of(1), 2, 3), ig.sample_latents(spec, 6, seed_of(1))
    for arguments in (
        op_arguments(spec, head, stream, variance),
        op_arguments(spec, strided, latents, variance, torch.rand(spec.num_codes)),
    ):
        torch.library.opcheck(torch.ops.infogan_fast.info_loss, arguments)


@every_dtype
def test_opcheck_forward_and_backward(dtype):
    latents = ig.sample_latents(SPEC, 6, seed_of(1))
    arguments = op_arguments(SPEC, make_head(SPEC, 6, dtype=dtype), latents, "learned")
    for compute_gradient in (False, True):
        torch.library.opcheck(torch.ops.infogan_fast.info_loss_forward, (*arguments, compute_gradient))
    loss, _, gradient, factor = torch.ops.infogan_fast.info_loss_forward(*arguments, True)
    torch.library.opcheck(
        torch.ops.infogan_fast.info_loss_backward, (torch.ones_like(loss), gradient, factor, (10,), 2, dtype)
    )


class Model(torch.nn.Module):
    """A generator and a Q of one layer each, and a training loss that draws twice at different offsets."""

    def __init__(self):
        super().__init__()
        self.generator = torch.nn.Linear(SPEC.input_dim, 16)
        self.head = torch.nn.Linear(16, SPEC.head_dim())

    def forward(self, seed, row_offset=0):
        losses, codes = [], []
        for offset in (0, 1):
            latents = ig.sample_latents(SPEC, 32, seed, offset, row_offset)
            losses.append(ig.info_loss(self.head(self.generator(latents.input).tanh()), latents, SPEC))
            codes.append(latents.categorical)
        return losses[0] + losses[1], codes[0], codes[1]


def gradients(model, function, *arguments):
    model.zero_grad()
    loss, *codes = function(*arguments)
    loss.backward()
    return [loss.detach(), *codes, *(p.grad.clone() for p in model.parameters())]


@pytest.fixture
def model():
    torch.manual_seed(0)
    torch._dynamo.reset()
    return Model()


def test_two_draws_in_one_compiled_training_graph_differ_and_are_right(model):
    compiled = torch.compile(model, fullgraph=True)
    ours, eager = gradients(model, compiled, seed_of(5)), gradients(model, model, seed_of(5))
    assert not torch.equal(ours[1], ours[2])
    assert torch.equal(ours[1], eager[1])
    assert torch.equal(ours[2], eager[2])
    for a, b in zip(ours[3:], eager[3:], strict=True):
        torch.testing.assert_close(a, b)


def test_refilling_the_seed_gives_new_codes_without_recompiling(model):
    compiled = torch.compile(model, fullgraph=True)
    seed = seed_of(5)
    first = gradients(model, compiled, seed)
    with torch._dynamo.config.patch(error_on_recompile=True):
        seed.fill_(6)
        second = gradients(model, compiled, seed)
    assert not torch.equal(first[1], second[1])
    assert torch.equal(second[1], gradients(model, model, seed_of(6))[1])


def test_a_changing_row_offset_compiles_at_most_twice(model):
    compiled = torch.compile(model, fullgraph=True)
    for row_offset in (0, 64):
        gradients(model, compiled, seed_of(5), row_offset)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for row_offset in (128, 1024, 2**33):
            ours = gradients(model, compiled, seed_of(5), row_offset)
            assert torch.equal(ours[1], gradients(model, model, seed_of(5), row_offset)[1])


def test_refilling_the_weight_scale_takes_effect_without_recompiling(model):
    compiled = torch.compile(ig.info_loss, fullgraph=True)
    head, latents = make_head(SPEC, 8).requires_grad_(), ig.sample_latents(SPEC, 8, seed_of(0))
    scale = torch.ones(3)
    for step, continuous in enumerate((0.0, 0.5, 1.0)):
        scale[1:] = continuous
        with torch._dynamo.config.patch(error_on_recompile=step > 0):
            loss = compiled(head, latents, SPEC, 1.0, 0.4, weight_scale=scale)
        expected = ig.info_loss(head, latents, SPEC, 1.0, 0.4 * continuous)
        assert torch.equal(loss, expected)
        (gradient,) = torch.autograd.grad(loss, head)
        (expected_gradient,) = torch.autograd.grad(expected, head)
        torch.testing.assert_close(gradient, expected_gradient)


def test_activation_checkpointing_gives_the_gradients_of_the_unchecked_run(model):
    expected = gradients(model, model, seed_of(9))
    for reentrant in (False, True):
        seed = seed_of(9)

        def function(seed, reentrant=reentrant):
            if not reentrant:
                return checkpoint(model, seed, use_reentrant=False)
            dummy = torch.zeros((), requires_grad=True)
            return checkpoint(lambda seed, _: model(seed), seed, dummy, use_reentrant=True)

        for a, b in zip(gradients(model, function, seed), expected, strict=True):
            assert torch.equal(a, b)


def test_compiled_activation_checkpointing(model):
    def function(seed):
        return checkpoint(model, seed, use_reentrant=False)

    expected = gradients(model, model, seed_of(9))
    ours = gradients(model, torch.compile(function, fullgraph=True), seed_of(9))
    assert torch.equal(ours[1], expected[1])
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("variance", VARIANCES)
@pytest.mark.parametrize("drawn", [False, True], ids=["codes", "seed"])
def test_compiled_loss_equals_the_eager_one(variance, drawn):
    torch._dynamo.reset()
    torch.manual_seed(1)
    head = make_head(SPEC, 40, variance).requires_grad_()
    latents = ig.LatentSeed(seed_of(4), 1) if drawn else ig.sample_latents(SPEC, 40, seed_of(4), 1)

    @torch.compile(fullgraph=True)
    def function(head, latents):
        return ig.info_loss(head, latents, SPEC, 0.5, (0.1, 0.3), variance, return_terms=True)

    loss, nll = function(head, latents)
    expected, expected_nll = ig.info_loss(head, latents, SPEC, 0.5, (0.1, 0.3), variance, return_terms=True)
    assert torch.equal(loss, expected)
    assert torch.equal(nll, expected_nll)
    (ours,) = torch.autograd.grad(loss, head)
    (theirs,) = torch.autograd.grad(expected, head)
    assert torch.equal(ours, theirs)


def test_dynamic_batch():
    torch._dynamo.reset()
    criterion = torch.compile(ig.InfoLoss(SPEC), fullgraph=True, dynamic=True)
    for batch in (8, 13, 100):
        head, latents = make_head(SPEC, batch).requires_grad_(), ig.sample_latents(SPEC, batch, seed_of(batch))
        loss, expected = criterion(head, latents), ig.info_loss(head, latents, SPEC)
        assert torch.equal(loss, expected)
        assert torch.equal(torch.autograd.grad(loss, head)[0], torch.autograd.grad(expected, head)[0])


def test_a_batch_whose_size_depends_on_the_data():
    torch._dynamo.reset()
    head, latents = make_head(SPEC, 30), ig.sample_latents(SPEC, 30, seed_of(0))

    def loss_of_some(head, categorical, continuous, chosen):
        return ig.info_loss(head[chosen], (categorical[chosen], continuous[chosen]), SPEC)

    chosen = torch.arange(30) % 3 == 0
    with torch._dynamo.config.patch(capture_dynamic_output_shape_ops=True):
        compiled = torch.compile(loss_of_some, fullgraph=True)
        assert torch.equal(compiled(head, *latents[1:], chosen), loss_of_some(head, *latents[1:], chosen))


def test_compiled_autograd():
    torch._dynamo.reset()
    head, latents = make_head(SPEC, 8), ig.sample_latents(SPEC, 8, seed_of(0))

    def gradient(head):
        head = head.clone().requires_grad_()
        ig.info_loss(head, latents, SPEC).backward()
        return head.grad

    with torch._dynamo.compiled_autograd._enable(torch.compile(backend="eager")):
        ours = gradient(head)
    assert torch.equal(ours, gradient(head))


def test_errors_survive_compilation():
    torch._dynamo.reset()
    compiled = torch.compile(ig.info_loss, fullgraph=True)
    latents = ig.sample_latents(SPEC, 4, seed_of(0))
    with pytest.raises(Exception, match=r"head must be \[B, 14\] \(sum K \+ 2 C\), got \[4, 13\]"):
        compiled(torch.randn(4, 13), latents, SPEC)


class Exportable(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.criterion = ig.InfoLoss(SPEC, return_terms=True)

    def forward(self, head, seed):
        latents = ig.sample_latents(SPEC, head.shape[0], seed, offset=1)
        return (*self.criterion(head, latents), latents.input)


def test_export_with_a_dynamic_batch():
    batch = torch.export.Dim("batch", min=2, max=4096)
    head = make_head(SPEC, 8)
    program = torch.export.export(Exportable(), (head, seed_of(3)), dynamic_shapes=({0: batch}, None))
    other = make_head(SPEC, 17)
    for a, b in zip(program.module()(other, seed_of(4)), Exportable()(other, seed_of(4)), strict=True):
        assert torch.equal(a, b)


def test_inference_mode():
    latents = ig.sample_latents(SPEC, 8, seed_of(0))
    head = make_head(SPEC, 8)
    with torch.inference_mode():
        assert torch.equal(ig.info_loss(head, latents, SPEC), ig.info_loss(head.clone(), latents, SPEC))
        assert ig.sample_latents(SPEC, 8, seed_of(0)).input.shape == (8, 74)
