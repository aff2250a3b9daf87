"""info_loss: values, gradients and who is left out. Errors are tested in test_info_loss_errors.py."""

import math

import numpy as np
import oracle
import pytest
import torch
from cases import (
    SPECS,
    every_dtype,
    every_spec,
    every_variance,
    loss_and_gradient,
    make_head,
    seed_of,
)
from torch.utils._python_dispatch import TorchDispatchMode

import infogan_fast as ig


def errors(value: torch.Tensor, exact: np.ndarray, spec: ig.LatentSpec) -> list[float]:
    """Largest error of each part, relative to the part's largest exact value.

    The parts of a gradient are the logits of each code, the means and the scales; of anything else, its elements.
    """
    values = value.double().numpy().astype(oracle.LONG)
    if values.ndim == 2:
        columns = np.cumsum([*spec.categorical, spec.continuous])
        parts = zip(np.split(values, columns, axis=1), np.split(exact, columns, axis=1), strict=True)
    else:
        parts = zip(values.reshape(-1, 1), np.asarray(exact).reshape(-1, 1), strict=True)
    return [float(np.abs(a - b).max() / max(np.abs(b).max(), 1e-300)) for a, b in parts if b.size]


@every_spec
@every_variance
@every_dtype
@pytest.mark.parametrize("batch", [1, 33, 700])
def test_errs_at_most_twice_as_much_as_the_reference(spec, variance, dtype, batch):
    torch.manual_seed(batch)
    head = make_head(spec, batch, variance, dtype, scale=2.0)
    latents = ig.sample_latents(spec, batch, seed_of(batch))
    upstream = 0.25 + torch.rand(()).item() * 3.0
    settings = {"categorical_weight": 0.7, "continuous_weight": 0.3, "variance": variance}
    ours = loss_and_gradient(ig.info_loss, head, latents, spec, upstream, **settings)
    plain = loss_and_gradient(ig.reference.info_loss, head, latents, spec, upstream, **settings)
    exact = oracle.info_loss(head, latents, spec, upstream, **settings)
    for name, a, b, c in zip(("loss", "nll", "gradient"), ours, plain, exact, strict=True):
        assert a.dtype == b.dtype
        # Where the reference is exact by luck, two roundings of the result's dtype are allowed.
        for part, (our_error, plain_error) in enumerate(zip(errors(a, c, spec), errors(b, c, spec), strict=True)):
            assert our_error <= 2.0 * max(plain_error, torch.finfo(a.dtype).eps), f"{name}, part {part}"


@every_spec
@every_variance
def test_gradcheck(spec, variance):
    torch.manual_seed(0)
    spec = ig.LatentSpec(spec.noise, tuple(min(k, 11) for k in spec.categorical), spec.continuous)
    latents = ig.sample_latents(spec, 5, seed_of(3))
    head = make_head(spec, 5, variance, torch.float64).requires_grad_()
    continuous = latents.continuous.double()
    weights = [0.5 + i for i in range(len(spec.categorical))]

    def function(head):
        return ig.info_loss(head, (latents.categorical, continuous), spec, weights, 0.3, variance)

    assert torch.autograd.gradcheck(function, (head,), atol=1e-7)


@every_dtype
def test_gradient_scales_with_a_random_upstream(dtype):
    torch.manual_seed(1)
    spec = SPECS["mixed"]
    head, latents = make_head(spec, 64, dtype=dtype), ig.sample_latents(spec, 64, seed_of(1))
    *_, unit = loss_and_gradient(ig.info_loss, head, latents, spec, 1.0)
    for upstream in (-3.7, 0.0, 1e-3, 117.25):
        *_, scaled = loss_and_gradient(ig.info_loss, head, latents, spec, upstream)
        torch.testing.assert_close(
            scaled.double(), unit.double() * upstream, rtol=2 * torch.finfo(dtype).eps, atol=torch.finfo(dtype).tiny
        )


@every_spec
@pytest.mark.parametrize("variance", ["learned", 1.0])
@every_dtype
def test_strided_heads_give_the_same_bits(spec, variance, dtype):
    torch.manual_seed(2)
    head = make_head(spec, 40, variance, dtype)
    latents = ig.sample_latents(spec, 40, seed_of(4))
    expected = loss_and_gradient(ig.info_loss, head, latents, spec, 1.5, variance=variance)
    transposed = head.t().contiguous().t()
    padded = torch.full((40, 2 * head.shape[1] + 3), math.nan, dtype=dtype)[:, 1 : 1 + 2 * head.shape[1] : 2].copy_(
        head
    )
    expanded_rows = torch.stack((head, head.flip(0)), dim=1)[:, 0]
    for strided in (transposed, padded, expanded_rows):
        ours = loss_and_gradient(ig.info_loss, strided, latents, spec, 1.5, variance=variance)
        for a, b in zip(ours, expected, strict=True):
            assert torch.equal(a, b)


@every_spec
@every_variance
@every_dtype
def test_latent_seed_gives_the_same_bits_as_the_codes(spec, variance, dtype):
    torch.manual_seed(3)
    head = make_head(spec, 600, variance, dtype)
    stream = ig.LatentSeed(seed_of(99), offset=4, row_offset=1000)
    latents = ig.sample_latents(spec, 600, *stream)
    drawn = loss_and_gradient(ig.info_loss, head, stream, spec, 1.25, variance=variance)
    read = loss_and_gradient(ig.info_loss, head, latents, spec, 1.25, variance=variance)
    pair = loss_and_gradient(ig.info_loss, head, latents[1:], spec, 1.25, variance=variance)
    for a, b, c in zip(drawn, read, pair, strict=True):
        assert torch.equal(a, b)
        assert torch.equal(a, c)


@every_spec
@every_dtype
def test_the_same_bits_whatever_the_number_of_threads(spec, dtype):
    torch.manual_seed(4)
    head, latents = make_head(spec, 5000, dtype=dtype), ig.sample_latents(spec, 5000, seed_of(6))
    threads = torch.get_num_threads()
    results = []
    try:
        for count in (1, 2, 3, 8):
            torch.set_num_threads(count)
            results.append(loss_and_gradient(ig.info_loss, head, latents, spec, 1.0))
    finally:
        torch.set_num_threads(threads)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            assert torch.equal(a, b)


def test_terms_are_unweighted_mean_nats_and_detached():
    torch.manual_seed(5)
    spec = SPECS["mnist"]
    head, latents = make_head(spec, 256).requires_grad_(), ig.sample_latents(spec, 256, seed_of(0))
    loss, nll = ig.info_loss(head, latents, spec, 2.0, [0.5, 0.25], return_terms=True)
    assert not nll.requires_grad
    assert loss.requires_grad
    torch.testing.assert_close(loss, (nll * torch.tensor([2.0, 0.5, 0.25])).sum())
    logits, mean, log_variance = head.detach().split([10, 2, 2], dim=1)
    expected = torch.distributions.Categorical(logits=logits).log_prob(latents.categorical[:, 0]).mean()
    torch.testing.assert_close(nll[0], -expected)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    torch.testing.assert_close(nll[1:], -normal.log_prob(latents.continuous).mean(0))


@every_spec
@every_dtype
def test_weight_scale_multiplies_the_weights(spec, dtype):
    torch.manual_seed(9)
    head, latents = make_head(spec, 20, dtype=dtype), ig.sample_latents(spec, 20, seed_of(0))
    scale = torch.randint(0, 4, (spec.num_codes,)).float()
    m = len(spec.categorical)
    scaled = {"categorical_weight": (0.5 * scale[:m]).tolist(), "continuous_weight": (0.25 * scale[m:]).tolist()}
    expected = loss_and_gradient(ig.info_loss, head, latents, spec, 2.0, **scaled)
    plain = {"categorical_weight": 0.5, "continuous_weight": 0.25, "weight_scale": scale}
    for function in (
        ig.info_loss,
        ig.reference.info_loss,
        lambda *a, **k: ig.InfoLoss(spec, 0.5, 0.25, return_terms=True)(a[0], a[1], scale),
    ):
        for a, b in zip(loss_and_gradient(function, head, latents, spec, 2.0, **plain), expected, strict=True):
            torch.testing.assert_close(a, b, rtol=4 * torch.finfo(a.dtype).eps, atol=1e-6)


def test_a_perfect_head_reaches_the_entropy():
    spec = SPECS["chairs"]
    latents = ig.sample_latents(spec, 1000, seed_of(1))
    head = torch.zeros(1000, spec.head_dim())
    head[:, :60] = latents.input[:, spec.noise : spec.noise + 60] * 50.0
    head[:, 60] = latents.continuous[:, 0]
    head[:, 61] = -10.0
    _, nll = ig.info_loss(head, latents, spec, return_terms=True)
    bound = spec.entropy() - nll
    torch.testing.assert_close(bound[:3], torch.full((3,), math.log(20), dtype=torch.float64))
    assert bound[3] == pytest.approx(math.log(2) + 5.0 - 0.5 * math.log(2 * math.pi), rel=1e-6)


@every_dtype
@every_variance
def test_ignored_codes_are_left_out_of_loss_and_mean(dtype, variance):
    torch.manual_seed(6)
    spec = SPECS["mixed"]
    head = make_head(spec, 90, variance, dtype)
    latents = ig.sample_latents(spec, 90, seed_of(2))
    categorical = latents.categorical.clone()
    categorical[::3, 1] = -100
    categorical[5:, 3] = -100
    codes = (categorical, latents.continuous)
    ours = loss_and_gradient(ig.info_loss, head, codes, spec, 1.0, variance=variance)
    expected = loss_and_gradient(ig.reference.info_loss, head, codes, spec, 1.0, variance=variance)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=2 * torch.finfo(a.dtype).eps + 1e-6, atol=1e-8)
    first = sum(spec.categorical[:1])
    assert torch.equal(ours[2][::3, first : first + 7], torch.zeros_like(ours[2][::3, first : first + 7]))


def test_ignore_index_may_be_a_category():
    spec = ig.LatentSpec(0, (4,))
    head, codes = torch.randn(8, 4), (torch.arange(8).remainder(4)[:, None], torch.zeros(8, 0))
    ours = loss_and_gradient(ig.info_loss, head, codes, spec, 1.0, ignore_index=2)
    expected = loss_and_gradient(ig.reference.info_loss, head, codes, spec, 1.0, ignore_index=2)
    for a, b in zip(ours, expected, strict=True):
        torch.testing.assert_close(a, b)


def test_a_code_ignored_everywhere_adds_nothing_and_says_so():
    torch.manual_seed(7)
    spec = SPECS["mnist"]
    head, latents = make_head(spec, 16), ig.sample_latents(spec, 16, seed_of(3))
    codes = (torch.full_like(latents.categorical, -100), latents.continuous)
    for function in (ig.info_loss, ig.reference.info_loss):
        loss, nll, gradient = loss_and_gradient(function, head, codes, spec, 1.0)
        assert nll[0].isnan()
        torch.testing.assert_close(loss, 0.1 * nll[1:].sum())
        assert torch.equal(gradient[:, :10], torch.zeros(16, 10))


@every_spec
@every_dtype
def test_extreme_heads_stay_finite(spec, dtype):
    """The common `var + 1e-6` form gives inf or NaN here."""
    latents = ig.sample_latents(spec, 6, seed_of(4))
    for scale in (0.0, 60.0):
        head = make_head(spec, 6, dtype=dtype).sign() * scale
        loss, nll, gradient = loss_and_gradient(ig.info_loss, head, latents, spec, 1.0)
        exact = loss_and_gradient(ig.reference.info_loss, head.double(), latents, spec, 1.0)
        torch.testing.assert_close(loss.double(), exact[0].double(), rtol=1e-5, atol=1e-6)
        assert nll.isfinite().all()
        in_range = exact[2].abs() < torch.finfo(dtype).max  # exp(60) is beyond float16
        torch.testing.assert_close(
            gradient[in_range].double(), exact[2][in_range], rtol=4 * torch.finfo(dtype).eps + 1e-6, atol=1e-7
        )


def test_float16_gradients_keep_their_range():
    """d/d mean = (mean - c) / variance, up to 4e5 here, beyond float16; divided by the batch size it is within."""
    spec = ig.LatentSpec(0, (), 1)
    head = torch.tensor([[2.0, -12.0]] * 128, dtype=torch.float16)
    codes = (torch.zeros(128, 0, dtype=torch.int64), torch.zeros(128, 1))
    *_, gradient = loss_and_gradient(ig.info_loss, head, codes, spec, 1.0)
    *_, exact = loss_and_gradient(ig.reference.info_loss, head.double(), codes, spec, 1.0)
    torch.testing.assert_close(gradient.double(), exact, rtol=2e-3, atol=0.0)


def test_masked_logits_are_allowed():
    spec = ig.LatentSpec(0, (4,))
    head = torch.randn(5, 4)
    head[:, 3] = -math.inf
    codes = (torch.zeros(5, 1, dtype=torch.int64), torch.zeros(5, 0))
    loss, _, gradient = loss_and_gradient(ig.info_loss, head, codes, spec, 1.0)
    assert loss.isfinite()
    assert torch.equal(gradient[:, 3], torch.zeros(5))


@pytest.mark.parametrize("row", [0, 1500, 2999])
def test_an_infinite_term_makes_the_loss_infinite_not_nan(row):
    spec = ig.LatentSpec(0, (4,), 1)
    head, latents = make_head(spec, 3000), ig.sample_latents(spec, 3000, seed_of(0))
    impossible = head.clone()
    impossible[row, latents.categorical[row, 0]] = -math.inf
    certain = head.clone()
    certain[row, 5] = -200.0  # variance exp(-200), and a mean that is not the code
    for wrong, code in ((impossible, 0), (certain, 1)):
        for function in (ig.info_loss, ig.reference.info_loss):
            loss, nll = function(wrong, latents, spec, return_terms=True)
            assert loss == math.inf
            assert nll[code] == math.inf
            assert nll[1 - code].isfinite()


def test_nan_in_the_head_is_nan_in_the_loss():
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 4, seed_of(0))
    for column in (0, 5, 11, 13):
        head = make_head(spec, 4)
        head[2, column] = math.nan
        assert ig.info_loss(head, latents, spec).isnan()


def test_no_code_at_all_costs_nothing():
    spec = ig.LatentSpec(noise=8)
    head = torch.zeros(3, 0, requires_grad=True)
    loss, nll = ig.info_loss(head, ig.sample_latents(spec, 3, seed_of(0)), spec, return_terms=True)
    loss.backward()
    assert loss == 0.0
    assert nll.shape == (0,)


def test_no_gradient_is_computed_where_none_is_needed():
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 8, seed_of(0))
    head = make_head(spec, 8).requires_grad_()

    def computes_gradient(head):
        with Recorder() as recorder:
            loss = ig.info_loss(head, latents, spec)
        assert loss.requires_grad == recorder.computed_gradient[0]
        assert len(recorder.computed_gradient) == 1
        return recorder.computed_gradient[0]

    assert computes_gradient(head)
    assert not computes_gradient(head.detach())
    with torch.no_grad():
        assert not computes_gradient(head)


class Recorder(TorchDispatchMode):
    """Notes for each info_loss_forward whether it was asked for the gradient, and that only then it made one."""

    def __init__(self):
        super().__init__()
        self.computed_gradient = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        if function is torch.ops.infogan_fast.info_loss_forward.default:
            self.computed_gradient.append(args[-1])
            assert result[2].shape[0] == (args[0].shape[0] if args[-1] else 0)
        return result


def test_backward_twice_through_a_retained_graph():
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 8, seed_of(0))
    head = make_head(spec, 8).requires_grad_()
    loss = ig.info_loss(head, latents, spec)
    (first,) = torch.autograd.grad(loss, head, retain_graph=True)
    (second,) = torch.autograd.grad(loss, head)
    assert torch.equal(first, second)


@every_dtype
def test_module_is_the_function(dtype):
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 8, seed_of(0))
    head = make_head(spec, 8, 0.5, dtype)
    criterion = ig.InfoLoss(spec, categorical_weight=2.0, continuous_weight=(0.1, 0.2), variance=0.5, return_terms=True)
    expected = ig.info_loss(head, latents, spec, 2.0, (0.1, 0.2), 0.5, return_terms=True)
    for a, b in zip(criterion(head, latents), expected, strict=True):
        assert torch.equal(a, b)
    assert "variance=0.5" in repr(criterion)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_leaves_the_head_and_computes_in_float32(dtype):
    torch.manual_seed(8)
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 32, seed_of(0))
    layer = torch.nn.Linear(20, spec.head_dim())
    features = torch.randn(32, 20)
    with torch.autocast("cpu", dtype=dtype):
        head = layer(features)
        loss = ig.info_loss(head, latents, spec)
    assert head.dtype == dtype
    assert loss.dtype == torch.float32
    loss.backward()
    assert layer.weight.grad.dtype == torch.float32
    assert torch.equal(loss, ig.info_loss(head, latents, spec))


def test_none_stands_for_codes_that_there_are_none_of():
    torch.manual_seed(9)
    categorical, continuous = ig.LatentSpec(0, (4,)), ig.LatentSpec(0, (), 2)
    codes, values = torch.randint(4, (6, 1)), torch.rand(6, 2)
    for function in (ig.info_loss, ig.reference.info_loss):
        head = make_head(categorical, 6)
        assert torch.equal(
            function(head, (codes, None), categorical), function(head, (codes, torch.zeros(6, 0)), categorical)
        )
        head = make_head(continuous, 6)
        no_codes = torch.zeros(6, 0, dtype=torch.int64)
        assert torch.equal(function(head, (None, values), continuous), function(head, (no_codes, values), continuous))


def test_numpy_weights():
    spec = SPECS["mnist"]
    head, latents = make_head(spec, 8), ig.sample_latents(spec, 8, seed_of(0))
    assert torch.equal(
        ig.info_loss(head, latents, spec, np.float32(0.5), np.float64(0.25)),
        ig.info_loss(head, latents, spec, 0.5, 0.25),
    )


# The backward pass hands on what the forward pass has saved where it can, instead of computing it anew.


@every_dtype
def test_the_gradient_is_the_same_whether_the_graph_is_kept_or_not(dtype):
    torch.manual_seed(0)
    spec = SPECS["mixed"]
    head, latents = make_head(spec, 40, dtype=dtype).requires_grad_(), ig.sample_latents(spec, 40, seed_of(1))
    loss = ig.info_loss(head, latents, spec)
    (kept,) = torch.autograd.grad(loss, head, retain_graph=True)
    (again,) = torch.autograd.grad(loss, head, retain_graph=True)
    (last,) = torch.autograd.grad(loss, head)
    assert torch.equal(kept, again)
    assert torch.equal(kept, last)
    assert kept.dtype == last.dtype == dtype


def test_gradients_accumulate_and_may_be_changed_in_place():
    torch.manual_seed(0)
    spec = SPECS["mnist"]
    head, latents = make_head(spec, 40).requires_grad_(), ig.sample_latents(spec, 40, seed_of(1))
    (unit,) = torch.autograd.grad(ig.info_loss(head, latents, spec), head)
    for _ in range(3):
        ig.info_loss(head, latents, spec).backward()
    torch.testing.assert_close(head.grad, 3 * unit)

    head.grad = None
    head.register_hook(lambda gradient: gradient.mul_(2.0))
    loss = ig.info_loss(head, latents, spec)
    loss.backward(retain_graph=True)
    assert torch.equal(head.grad, 2 * unit)
    head.grad = None
    loss.backward()
    assert torch.equal(head.grad, 2 * unit)


def test_a_loss_used_twice_gives_the_sum_of_its_gradients():
    torch.manual_seed(0)
    spec = SPECS["mnist"]
    head, latents = make_head(spec, 40).requires_grad_(), ig.sample_latents(spec, 40, seed_of(1))
    (unit,) = torch.autograd.grad(ig.info_loss(head, latents, spec), head)
    loss = ig.info_loss(head, latents, spec)
    (double,) = torch.autograd.grad(loss + loss, head)
    torch.testing.assert_close(double, 2 * unit)
