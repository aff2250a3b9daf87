"""Second derivatives, forward mode and the transforms of torch.func: right in every way of asking, or refused."""

import pytest
import torch
from cases import SPECS, VARIANCES, every_variance, make_head, seed_of
from layer_cases import OPS, batch_norm, downsample, downsample_tensors, every_slope, random, upsample_tensors

import infogan_fast as ig

SPEC = ig.LatentSpec(3, (3, 4), 2)
BATCH = 5
SOURCES = ("latents", "own codes", "seed")
CASES = [("own codes", variance) for variance in VARIANCES]
# Spec "wide" has a thousand columns: its numerical derivatives take a minute.
MIXES = {name: spec for name, spec in SPECS.items() if name != "wide"}


def codes_from(source, spec):
    if source == "seed":
        return ig.LatentSeed(seed_of(5), offset=2, row_offset=7)
    latents = ig.sample_latents(spec, BATCH, seed_of(5))
    if source == "latents":
        return latents
    categorical = latents.categorical.clone()
    categorical[1:3, :1] = -100
    return categorical, latents.continuous.double()


def loss_of(function, codes, variance="learned", spec=SPEC, **settings):
    weights = [0.5 + 0.25 * i for i in range(spec.num_codes)]
    split = len(spec.categorical)

    def loss(head):
        return function(head, codes, spec, weights[:split], weights[split:], variance, **settings)

    return loss


def head_of(variance="learned", spec=SPEC):
    torch.manual_seed(0)
    return make_head(spec, BATCH, variance, torch.float64)


def gradient_of(loss, head, **settings):
    return torch.autograd.grad(loss(head), head, create_graph=True, **settings)[0]


def through_backward(loss, head):
    head = head.detach().requires_grad_()
    loss(head).backward(create_graph=True)
    penalty, head.grad = head.grad.square().sum(), None
    penalty.backward()
    return head.grad


def through_backward_inputs(loss, head):
    head = head.detach().requires_grad_()
    loss(head).backward(inputs=[head], create_graph=True)
    penalty, head.grad = head.grad.square().sum(), None
    penalty.backward(inputs=[head])
    return head.grad


def beside_another_path(loss, head):
    """The head reaches the result without the loss as well, so that a lost path would leave a result, a wrong one."""
    head = head.detach().requires_grad_()
    return torch.autograd.grad(head.square().sum() + gradient_of(loss, head).square().sum(), head)[0]


def by_the_upstream_gradient(loss, head):
    head, upstream = head.detach().requires_grad_(), torch.ones((), dtype=head.dtype, requires_grad=True)
    gradient = gradient_of(loss, head, grad_outputs=upstream)
    return torch.autograd.grad(gradient.square().sum(), upstream)[0]


def third(loss, head):
    def penalty(derivative):
        return lambda head: derivative(head).square().sum()

    return torch.func.grad(penalty(torch.func.grad(penalty(torch.func.grad(loss)))))(head)


def forward_over_backward(loss, head):
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(head.detach().requires_grad_(), torch.ones_like(head))
        return torch.autograd.forward_ad.unpack_dual(gradient_of(loss, dual)).tangent


def stacked(head):
    return torch.stack([head, 2 * head, -head])


WAYS = {
    "backward": through_backward,
    "backward(inputs=)": through_backward_inputs,
    "autograd.grad": beside_another_path,
    "by the upstream gradient": by_the_upstream_gradient,
    "hessian": torch.autograd.functional.hessian,
    "vectorized hessian": lambda loss, head: torch.autograd.functional.hessian(loss, head, vectorize=True),
    "hvp": lambda loss, head: torch.autograd.functional.hvp(loss, head, torch.ones_like(head))[1],
    "vhp": lambda loss, head: torch.autograd.functional.vhp(loss, head, torch.ones_like(head))[1],
    "jvp": lambda loss, head: torch.autograd.functional.jvp(loss, head, torch.ones_like(head))[1],
    "forward over backward": forward_over_backward,
    "func.grad": lambda loss, head: torch.func.grad(loss)(head),
    "func.vjp": lambda loss, head: torch.func.vjp(loss, head)[1](torch.tensor(2.0, dtype=head.dtype))[0],
    "func.jvp": lambda loss, head: torch.func.jvp(loss, (head,), (torch.ones_like(head),))[1],
    "func.jacrev": lambda loss, head: torch.func.jacrev(loss)(head),
    "func.jacfwd": lambda loss, head: torch.func.jacfwd(loss)(head),
    "func.hessian": lambda loss, head: torch.func.hessian(loss)(head),
    "vmap": lambda loss, head: torch.vmap(loss)(stacked(head)),
    "vmap of grad": lambda loss, head: torch.vmap(torch.func.grad(loss))(stacked(head)),
    "third": third,
}


@pytest.mark.parametrize(("source", "variance"), [("latents", 1.0), ("seed", "learned"), *CASES])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
def test_every_way_of_asking_gives_the_reference(way, source, variance):
    codes, head = codes_from(source, SPEC), head_of(variance)
    results = [way(loss_of(f, codes, variance), head) for f in (ig.info_loss, ig.reference.info_loss)]
    torch.testing.assert_close(*results, rtol=1e-9, atol=1e-12)
    assert results[0].any()


@every_variance
@pytest.mark.parametrize("spec", MIXES.values(), ids=MIXES.keys())
def test_gradgradcheck(spec, variance):
    head = head_of(variance, spec).requires_grad_()
    for source in SOURCES:
        loss = loss_of(ig.info_loss, codes_from(source, spec), variance, spec)
        assert torch.autograd.gradgradcheck(loss, head, fast_mode=True)
        assert torch.autograd.gradcheck(
            loss, head, fast_mode=True, check_forward_ad=True, check_batched_grad=True, check_batched_forward_grad=True
        )


def test_gradgradcheck_element_by_element_with_a_schedule():
    head, scale = head_of().requires_grad_(), torch.tensor([0.5, 1.5, 2.0, 0.0])
    loss = loss_of(ig.info_loss, codes_from("own codes", SPEC), weight_scale=scale)
    assert torch.autograd.gradgradcheck(loss, head, check_fwd_over_rev=True, check_rev_over_rev=True)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_the_second_derivative_in_other_dtypes(dtype):
    codes, head = codes_from("latents", SPEC), head_of().to(dtype)
    for way in (through_backward, beside_another_path, WAYS["vmap of grad"]):
        ours, theirs = (way(loss_of(f, codes), head) for f in (ig.info_loss, ig.reference.info_loss))
        assert ours.dtype == dtype
        torch.testing.assert_close(ours, theirs)


def test_a_gradient_penalty_through_q_reaches_its_weights():
    torch.manual_seed(0)
    images, layer = torch.randn(BATCH, 6, requires_grad=True), torch.nn.Linear(6, SPEC.head_dim())
    codes = codes_from("latents", SPEC)

    def norm(function):
        (slope,) = torch.autograd.grad(function(layer(images).tanh() * 3, codes, SPEC), images, create_graph=True)
        gradients = torch.autograd.grad((slope.norm(dim=1) - 1).square().mean(), layer.parameters())
        return torch.cat([gradient.flatten() for gradient in gradients]).norm()

    torch.testing.assert_close(norm(ig.info_loss), norm(ig.reference.info_loss))


def test_what_was_overwritten_stops_second_derivatives_alone():
    for name in ("head", "seed"):
        head, seed = head_of().requires_grad_(), seed_of(5)
        seen = head * 1
        loss = ig.info_loss(seen, ig.LatentSeed(seed), SPEC)
        expected = torch.autograd.grad(ig.info_loss(head, ig.LatentSeed(seed_of(5)), SPEC), head)[0]
        with torch.no_grad():
            {"head": seen, "seed": seed}[name].add_(1)
        torch.testing.assert_close(torch.autograd.grad(loss, head, retain_graph=True)[0], expected)
        with pytest.raises(RuntimeError, match=f"info_loss: {name} was modified in place after the loss was computed"):
            torch.autograd.grad(loss, head, create_graph=True)


def test_codes_of_inference_mode_may_be_overwritten():
    head = head_of().requires_grad_()
    with torch.inference_mode():
        latents, seed = ig.sample_latents(SPEC, BATCH, seed_of(1)), seed_of(1)
    for codes, written in ((latents, latents.categorical), (latents, latents.continuous), (ig.LatentSeed(seed), seed)):
        loss = ig.info_loss(head, codes, SPEC)
        (expected,) = torch.autograd.grad(loss, head, retain_graph=True)
        with torch.inference_mode():
            written.add_(1).remainder_(3)
        torch.testing.assert_close(torch.autograd.grad(loss, head, create_graph=True)[0], expected)


@pytest.mark.parametrize("index", [-1, 3])
def test_a_code_out_of_range_is_never_finite(index):
    categorical, continuous = codes_from("own codes", SPEC)
    categorical[0, 0] = index
    loss, head = loss_of(ig.info_loss, (categorical, continuous)), head_of()
    assert torch.func.jvp(loss, (head,), (head,))[0].isnan()
    gradient = torch.func.grad(loss)(head)
    assert gradient[0, :3].isnan().all()
    assert gradient[0, 3:].isfinite().all()
    assert gradient[1:].isfinite().all()


def test_derivatives_by_the_codes_are_refused_in_every_way():
    categorical, continuous = codes_from("own codes", SPEC)
    head = head_of()

    def loss(continuous):
        return ig.info_loss(head, (categorical, continuous), SPEC)

    for way in (torch.func.grad(loss), torch.func.jacrev(loss), torch.func.jacfwd(loss)):
        with pytest.raises(NotImplementedError, match="differentiable in head only, but continuous requires"):
            way(continuous)


def test_vmap_over_seeds_draws_the_codes_of_each():
    head = head_of()
    losses = torch.vmap(lambda seed: ig.info_loss(head, ig.LatentSeed(seed), SPEC))(torch.arange(4))
    each = [ig.info_loss(head, ig.LatentSeed(seed_of(i)), SPEC) for i in range(4)]
    torch.testing.assert_close(losses, torch.stack(each))


def test_arguments_are_checked_under_transforms_too():
    codes = codes_from("latents", SPEC)
    with pytest.raises(ValueError, match=r"head must be \[B, 11\] \(sum K \+ 2 C\), got \[5, 10\]"):
        torch.func.grad(loss_of(ig.info_loss, codes))(head_of()[:, :10])
    with pytest.raises(ValueError, match="continuous_weight must be finite"):
        torch.func.grad(lambda head: ig.info_loss(head, codes, SPEC, continuous_weight=-1.0))(head_of())


def layers(slope):
    return {
        "downsample": (downsample(slope), downsample_tensors((1, 2, 2, 4, 4))[0]),
        "upsample": (OPS.upsample_conv2d, upsample_tensors((1, 2, 2, 4, 4))[0]),
        "group norm of images": (
            batch_norm(2, slope),
            [random(4, 3, 2, 2, layout="channels last"), random(3), random(3)],
        ),
        "group norm of rows": (batch_norm(3, slope), [random(6, 3), random(3), random(3)]),
    }


@every_slope
@pytest.mark.parametrize("name", layers(1.0))
def test_layers_gradgradcheck(name, slope):
    torch.manual_seed(1)
    function, tensors = layers(slope)[name]
    leaves = [tensor.clone().requires_grad_() for tensor in tensors]
    assert torch.autograd.gradgradcheck(function, leaves)
    hessian = torch.autograd.functional.hessian(lambda *leaves: function(*leaves).square().sum(), tuple(leaves))
    assert hessian[0][1].any()


def test_layers_refuse_forward_mode_and_transforms():
    for function, tensors in layers(0.1).values():
        input, *rest = tensors
        refused = pytest.raises(NotImplementedError, match=r"infogan_fast::\w+: got a forward-mode derivative or a tr")
        with refused, torch.autograd.forward_ad.dual_level():
            function(torch.autograd.forward_ad.make_dual(input, input), *rest)
        for way in (torch.func.grad, torch.func.jacfwd, torch.func.jacrev):
            with refused:
                way(lambda input, function=function, rest=rest: function(input, *rest).sum())(input)


@pytest.mark.parametrize("variance", [1e39, 1e308, 1e-30])
def test_a_fixed_variance_beyond_float32(variance):
    spec = ig.LatentSpec(0, (3,), 1)
    latents = ig.sample_latents(spec, 4, seed_of(0))
    head = make_head(spec, 4, variance)
    loss = ig.info_loss(head, latents, spec, variance=variance)
    torch.testing.assert_close(loss, ig.reference.info_loss(head, latents, spec, variance=variance))
    exact = ig.reference.info_loss(head.double(), latents, spec, variance=variance)
    assert loss.isfinite()
    assert float(loss) == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize(
    ("dtype", "variance"), [(torch.float32, 2.9e-39), (torch.bfloat16, 1e-45), (torch.float64, 5e-309)]
)
def test_a_fixed_variance_whose_precision_is_no_number(dtype, variance):
    spec = ig.LatentSpec(0, (3,), 1)
    latents, head = ig.sample_latents(spec, 4, seed_of(0)), make_head(spec, 4, variance, dtype)
    with torch._subclasses.FakeTensorMode() as mode:
        fake = [mode.from_tensor(t) for t in (head, *latents[1:])]
    for values in ((head, latents[1:]), (fake[0], tuple(fake[1:]))):
        with pytest.raises(ValueError, match=f"a fixed variance must be at least .*e-3\\d+ for a head of {dtype}, got"):
            ig.info_loss(*values, spec, variance=variance)
