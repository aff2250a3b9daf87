"""info_loss on the device: values and gradients against the exact ones and against the CPU op."""

import math

import pytest
import torch
from cases import SPECS, VARIANCES, every_dtype, every_spec, every_variance
from device_cases import (
    ALL_SPECS,
    DEVICE,
    WIDE_SPECS,
    assert_accurate,
    assert_equal,
    assert_same,
    batches_of,
    draws_of,
    exact_result,
    loss_and_gradient,
    on_device,
    random_head,
    seed_on_device,
)

import infogan_fast as ig

UPSTREAM = 2.71


def compare(spec, batch, variance, dtype):
    """Our results on random inputs against the exact ones."""
    settings = {"categorical_weight": 0.7, "continuous_weight": 0.3, "variance": variance}
    cases = []
    for draw in range(draws_of(batch)):
        head = random_head(spec, batch, variance, dtype, seed=draw)
        latents = ig.sample_latents(spec, batch, seed_on_device(draw))
        ours, plain = (
            loss_and_gradient(function, head, latents, spec, UPSTREAM, **settings)
            for function in (ig.info_loss, ig.reference.info_loss)
        )
        cases.append((ours, plain, exact_result(head, latents, spec, UPSTREAM, **settings)))
    assert_accurate(cases, spec)


@every_spec
@every_variance
@every_dtype
def test_errs_at_most_twice_as_much_as_the_reference(spec, variance, dtype):
    for batch in batches_of(spec, dtype):
        compare(spec, batch, variance, dtype)


@pytest.mark.parametrize("spec", WIDE_SPECS.values(), ids=WIDE_SPECS.keys())
@pytest.mark.parametrize("variance", ["learned", 1.0])
@every_dtype
def test_wide_rows_and_many_codes(spec, variance, dtype):
    for batch in batches_of(spec, dtype):
        compare(spec, batch, variance, dtype)


@pytest.mark.parametrize("spec", ALL_SPECS.values(), ids=ALL_SPECS.keys())
@every_dtype
def test_agrees_with_the_cpu(spec, dtype):
    for batch in (1, 33, 700):
        if batch > 33 and spec.head_dim() > 5000:
            continue
        latents = ig.sample_latents(spec, batch, torch.tensor(batch))
        head = random_head(spec, batch, "learned", dtype).cpu()
        expected = loss_and_gradient(ig.info_loss, head, latents, spec, UPSTREAM)
        ours = loss_and_gradient(ig.info_loss, head.to(DEVICE), on_device(latents), spec, UPSTREAM)
        assert_same(ours, expected, spec, roundings=8.0)


@pytest.mark.parametrize("spec", ALL_SPECS.values(), ids=ALL_SPECS.keys())
@pytest.mark.parametrize("variance", ["learned", 0.25])
@every_dtype
def test_latent_seed_stands_for_the_codes(spec, variance, dtype):
    for batch in (1, 129, 5000):
        if batch * spec.head_dim() > 2**24 and batch > 1:
            continue
        head = random_head(spec, batch, variance, dtype)
        stream = ig.LatentSeed(seed_on_device(99), offset=4, row_offset=2**40)
        latents = ig.sample_latents(spec, batch, *stream)
        drawn = loss_and_gradient(ig.info_loss, head, stream, spec, variance=variance)
        for codes in (latents, latents[1:]):
            assert_same(drawn, loss_and_gradient(ig.info_loss, head, codes, spec, variance=variance), spec)


@pytest.mark.parametrize("spec", ALL_SPECS.values(), ids=ALL_SPECS.keys())
@pytest.mark.parametrize("variance", ["learned", 1.0])
@every_dtype
def test_any_strides_and_any_alignment(spec, variance, dtype):
    batch = 40 if spec.head_dim() < 10_000 else 3
    head = random_head(spec, batch, variance, dtype)
    latents = ig.sample_latents(spec, batch, seed_on_device(4))
    expected = loss_and_gradient(ig.info_loss, head, latents, spec, 1.5, variance=variance)
    for name, strided in same_values_elsewhere(head).items():
        assert torch.equal(strided, head)
        try:
            ours = loss_and_gradient(ig.info_loss, strided, latents, spec, 1.5, variance=variance)
            assert_same(ours, expected, spec)
        except AssertionError as error:
            raise AssertionError(f"{name}: {error}") from error


def same_values_elsewhere(head):
    """The head with other strides, and at addresses that vector loads may not be used on; NaN all around it."""
    rows, columns = head.shape

    def within(shape, index):
        return torch.full(shape, math.nan, dtype=head.dtype, device=head.device)[index].copy_(head)

    placed = {
        "transposed": head.t().contiguous().t(),
        "row stride": within((rows, 2 * columns + 3), (slice(None), slice(1, columns + 1))),
        "column stride": within((rows, 2 * columns + 3), (slice(None), slice(1, 2 * columns + 1, 2))),
        "every other row": within((2 * rows, columns), slice(None, None, 2)),
        "row stride of a vector": within((rows, columns + 16 - columns % 16), (slice(None), slice(0, columns))),
    }
    for shift in (1, 2, 3, 7):
        flat = torch.full((head.numel() + shift + 8,), math.nan, dtype=head.dtype, device=head.device)
        placed[f"shifted by {shift}"] = flat[shift : shift + head.numel()].view(rows, columns).copy_(head)
    return placed


def test_the_same_row_in_every_row():
    """A head expanded from one row: stride 0."""
    spec = SPECS["mixed"]
    row = random_head(spec, 1)
    latents = ig.sample_latents(spec, 50, seed_on_device(0))
    expected = loss_and_gradient(ig.info_loss, row.repeat(50, 1), latents, spec)
    assert_same(loss_and_gradient(ig.info_loss, row.expand(50, -1), latents, spec), expected, spec)


def test_codes_of_any_strides():
    spec = SPECS["mixed"]
    head, latents = random_head(spec, 77), ig.sample_latents(spec, 77, seed_on_device(0))
    expected = loss_and_gradient(ig.info_loss, head, latents, spec)
    wide = [torch.stack((t, t), dim=2)[..., 1] for t in latents[1:]]
    turned = [t.t().contiguous().t() for t in latents[1:]]
    for codes in (wide, turned):
        assert_same(loss_and_gradient(ig.info_loss, head, tuple(codes), spec), expected, spec)


@every_dtype
def test_continuous_codes_in_the_dtype_of_the_head(dtype):
    spec = SPECS["mixed"]
    head, latents = random_head(spec, 300, dtype=dtype), ig.sample_latents(spec, 300, seed_on_device(0))
    codes = (latents.categorical, latents.continuous.to(dtype))
    ours = loss_and_gradient(ig.info_loss, head, codes, spec)
    exact = loss_and_gradient(ig.reference.info_loss, head.double(), codes, spec)
    plain = loss_and_gradient(ig.reference.info_loss, head, codes, spec)
    if dtype != torch.float64:
        assert_accurate([(ours, plain, exact)], spec)
    else:
        assert_same(ours, plain, spec, roundings=16.0)


@pytest.mark.parametrize("spec", [*SPECS.values(), WIDE_SPECS["many codes"]], ids=[*SPECS.keys(), "many codes"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16], ids=str)
def test_weights_scale_and_ignored_codes(spec, dtype):
    m, c = len(spec.categorical), spec.continuous
    for batch in (1, 130, 3000):
        cases = []
        for draw in range(draws_of(batch)):
            head = random_head(spec, batch, dtype=dtype, seed=draw)
            latents = ig.sample_latents(spec, batch, seed_on_device(draw))
            generator = torch.Generator(DEVICE).manual_seed(draw)
            ignored = torch.rand(latents.categorical.shape, device=DEVICE, generator=generator) < 0.3
            codes = (latents.categorical.masked_fill(ignored, -100), latents.continuous)
            settings = {
                "categorical_weight": [0.25 + i for i in range(m)],
                "continuous_weight": tuple(0.5 * i for i in range(c)),  # one of them 0
                "weight_scale": torch.rand(spec.num_codes, device=DEVICE, generator=generator),
            }
            ours = loss_and_gradient(ig.info_loss, head, codes, spec, UPSTREAM, **settings)
            plain = loss_and_gradient(ig.reference.info_loss, head, codes, spec, UPSTREAM, **settings)
            exact = loss_and_gradient(ig.reference.info_loss, head.double(), codes, spec, UPSTREAM, **settings)
            unknown = exact[1].isnan()  # a code ignored in every row
            assert torch.equal(ours[1].isnan(), unknown)
            cases.append(tuple((x, y.masked_fill(unknown, 0.0), z) for x, y, z in (ours, plain, exact)))
            first = 0
            for index, cardinality in enumerate(spec.categorical):
                assert not ours[2][ignored[:, index], first : first + cardinality].any()
                first += cardinality
        assert_accurate(cases, spec)


def test_another_ignore_index():
    spec = ig.LatentSpec(0, (4,))
    head, codes = random_head(spec, 64), (torch.arange(64, device=DEVICE).remainder(4)[:, None], None)
    ours = loss_and_gradient(ig.info_loss, head, codes, spec, ignore_index=2)
    expected = loss_and_gradient(ig.info_loss, head.cpu(), (codes[0].cpu(), None), spec, ignore_index=2)
    assert_same(ours, expected, spec)


def test_a_code_ignored_everywhere_adds_nothing_and_says_so():
    spec = SPECS["mnist"]
    head, latents = random_head(spec, 200), ig.sample_latents(spec, 200, seed_on_device(3))
    codes = (torch.full_like(latents.categorical, -100), latents.continuous)
    loss, nll, gradient = loss_and_gradient(ig.info_loss, head, codes, spec)
    assert nll[0].isnan()
    torch.testing.assert_close(loss, 0.1 * nll[1:].sum())
    assert not gradient[:, :10].any()


@pytest.mark.parametrize("value", [-1, -99, 2**40, None])
@pytest.mark.parametrize(
    ("spec", "code"),
    [(SPECS["mnist"], 0), (SPECS["mixed"], 3), (SPECS["wide"], 0), (WIDE_SPECS["K=40000"], 0)],
    ids=["mnist", "mixed", "wide", "K=40000"],
)
def test_codes_out_of_range_give_nan(spec, code, value):
    """The device cannot raise without being waited for: NaN instead, in what depends on that code."""
    batch, row = 70, 41
    head, latents = random_head(spec, batch), ig.sample_latents(spec, batch, seed_on_device(0))
    loss, nll, gradient = loss_and_gradient(ig.info_loss, head, latents, spec)
    wrong = latents.categorical.clone()
    wrong[row, code] = spec.categorical[code] if value is None else value
    bad_loss, bad_nll, bad_gradient = loss_and_gradient(ig.info_loss, head, (wrong, latents.continuous), spec)
    assert loss.isfinite()
    assert bad_loss.isnan()
    nan = torch.zeros(spec.num_codes, dtype=torch.bool, device=DEVICE)
    nan[code] = True
    assert torch.equal(bad_nll.isnan(), nan)
    first = sum(spec.categorical[:code])
    where = torch.zeros_like(head, dtype=torch.bool)
    where[row, first : first + spec.categorical[code]] = True
    assert torch.equal(bad_gradient.isnan(), where)
    assert_equal((bad_nll[~nan], bad_gradient[~where]), (nll[~nan], gradient[~where]))
    torch.cuda.synchronize()  # nothing was read out of bounds


@every_spec
@every_dtype
def test_extreme_heads_stay_finite(spec, dtype):
    latents = ig.sample_latents(spec, 6, seed_on_device(4))
    for scale in (0.0, 60.0):
        head = random_head(spec, 6, dtype=dtype).sign() * scale
        loss, nll, gradient = loss_and_gradient(ig.info_loss, head, latents, spec)
        exact = loss_and_gradient(ig.reference.info_loss, head.double(), latents, spec)
        torch.testing.assert_close(loss.double(), exact[0], rtol=1e-5, atol=1e-6)
        assert nll.isfinite().all()
        in_range = exact[2].abs() < torch.finfo(dtype).max  # exp(60) is beyond float16
        torch.testing.assert_close(
            gradient[in_range].double(), exact[2][in_range], rtol=4 * torch.finfo(dtype).eps + 1e-6, atol=1e-7
        )


@pytest.mark.parametrize("spec", [SPECS["mnist"], WIDE_SPECS["K=5000"]], ids=["mnist", "K=5000"])
def test_infinite_and_nan_logits_as_on_the_cpu(spec):
    latents = ig.sample_latents(spec, 40, torch.tensor(0))
    for value in (math.nan, math.inf, -math.inf):
        for column in (0, 5):
            head = random_head(spec, 40).cpu()
            head[2, column] = value
            expected = loss_and_gradient(ig.info_loss, head, latents, spec)
            ours = loss_and_gradient(ig.info_loss, head.to(DEVICE), on_device(latents), spec)
            for a, b in zip(ours, expected, strict=True):
                torch.testing.assert_close(a.cpu(), b, equal_nan=True)


@pytest.mark.parametrize("variance", VARIANCES)
@every_spec
def test_gradcheck(spec, variance):
    spec = ig.LatentSpec(spec.noise, tuple(min(k, 11) for k in spec.categorical), spec.continuous)
    latents = ig.sample_latents(spec, 5, seed_on_device(3))
    # Small scales, so that the loss is not so large that its rounding shows in a difference quotient.
    head = (0.25 * random_head(spec, 5, variance, torch.float64)).requires_grad_()
    codes = (latents.categorical, latents.continuous.double())
    weights = [0.5 + i for i in range(len(spec.categorical))]
    assert torch.autograd.gradcheck(
        lambda head: ig.info_loss(head, codes, spec, weights, 0.3, variance), (head,), atol=1e-7
    )


def test_no_code_at_all_costs_nothing():
    spec = ig.LatentSpec(noise=8)
    head = torch.zeros(3, 0, requires_grad=True, device=DEVICE)
    loss, nll = ig.info_loss(head, ig.sample_latents(spec, 3, seed_on_device(0)), spec, return_terms=True)
    loss.backward()
    assert loss == 0.0
    assert nll.shape == (0,)


def test_without_a_gradient_the_same_value():
    for spec in ALL_SPECS.values():
        head, latents = random_head(spec, 9), ig.sample_latents(spec, 9, seed_on_device(0))
        expected, *_ = loss_and_gradient(ig.info_loss, head, latents, spec)
        torch.testing.assert_close(ig.info_loss(head, latents, spec), expected, rtol=1e-6, atol=1e-7)


def test_backward_twice_and_the_second_derivative():
    spec = SPECS["mnist"]
    head, latents = random_head(spec, 64).requires_grad_(), ig.sample_latents(spec, 64, seed_on_device(0))
    loss = ig.info_loss(head, latents, spec)
    (first,) = torch.autograd.grad(loss, head, retain_graph=True)
    (second,) = torch.autograd.grad(loss, head, create_graph=True)
    torch.testing.assert_close(first, second)
    ours = torch.autograd.grad(second.square().sum(), head)[0]
    slope = torch.autograd.grad(ig.reference.info_loss(head, latents, spec), head, create_graph=True)[0]
    torch.testing.assert_close(ours, torch.autograd.grad(slope.square().sum(), head)[0])
    transformed = torch.func.grad(lambda head: ig.info_loss(head, latents, spec))(head.detach())
    torch.testing.assert_close(transformed, first)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_leaves_the_head_and_computes_in_float32(dtype):
    spec = SPECS["mnist"]
    latents = ig.sample_latents(spec, 32, seed_on_device(0))
    layer = torch.nn.Linear(20, spec.head_dim(), device=DEVICE)
    with torch.autocast(DEVICE.type, dtype=dtype):
        head = layer(torch.randn(32, 20, device=DEVICE))
        loss = ig.info_loss(head, latents, spec)
    assert head.dtype == dtype
    assert loss.dtype == torch.float32
    loss.backward()
    assert layer.weight.grad.isfinite().all()


def test_devices_must_agree():
    spec = SPECS["mnist"]
    head, latents = random_head(spec, 6), ig.sample_latents(spec, 6, torch.tensor(0))
    with pytest.raises(ValueError, match=r"must be on one device, got cuda:0, cpu and cpu"):
        ig.info_loss(head, latents, spec)
    with pytest.raises(ValueError, match=r"head and seed must be on one device, got cuda:0 and cpu"):
        ig.info_loss(head, ig.LatentSeed(torch.tensor(0)), spec)
    with pytest.raises(
        ValueError, match=r"weight_scale must be \[3\], one number per code, on cuda:0, got \[3\] on cpu"
    ):
        ig.info_loss(head, on_device(latents), spec, weight_scale=torch.ones(3))


def test_the_backward_op_refuses_tensors_of_another_device():
    gradient, factor = torch.ones(4, 14, device=DEVICE), torch.ones(3, device=DEVICE)
    backward = torch.ops.infogan_fast.info_loss_backward
    for grad_loss, factors in ((torch.ones(()), factor), (torch.ones((), device=DEVICE), factor.cpu())):
        with pytest.raises(ValueError, match="must be on one device, got"):
            backward(grad_loss, gradient, factors, (10,), 2, torch.float32)
