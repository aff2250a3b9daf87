"""info_loss for any spec, head, layout and codes: its accuracy, and the laws that it obeys."""

import math

import numpy as np
import oracle
import torch
from cases import loss_and_gradient
from hypothesis import given
from hypothesis import strategies as st
from strategies import LAYOUTS, Case, cases, lay_out

import infogan_fast as ig

EVERY_ROW = tuple(layout for layout in LAYOUTS if layout != "one row")


def evaluate(case: Case, function=ig.info_loss):
    """(loss, nll, upstream * d loss / d head)."""
    return loss_and_gradient(function, case.head, case.latents, case.spec, case.upstream, **case.settings)


def parts(matrix, spec):
    """The columns of the head by what they are: the logits of each code, the means, the scales."""
    return np.split(matrix, np.cumsum([*spec.categorical, spec.continuous]), axis=1)


def magnitudes(case: Case):
    """How large the terms are whose sum is (loss, nll, each part of the gradient): what a rounding is relative to."""
    spec, c = case.spec, case.spec.continuous
    categorical, continuous = case.codes
    exact = oracle.info_loss(case.head, (categorical, continuous), spec, 1.0, **case.settings)[1]
    _, mean, scale = np.split(
        case.head.double().numpy().astype(oracle.LONG), np.cumsum([sum(spec.categorical), c]), axis=1
    )
    fixed = ig.spec.fixed_variance(case.settings["variance"])
    log_variance = math.log(fixed) if fixed else scale * (2 if case.settings["variance"] == "learned_std" else 1)
    squared = (continuous.double().numpy() - mean) ** 2 * np.exp(-log_variance * np.ones_like(mean))
    gaussian = (0.5 * (np.abs(log_variance) + squared + math.log(2 * math.pi))).mean(0)
    nll = np.concatenate((1 + np.nan_to_num(exact[: len(spec.categorical)]), gaussian))
    weights = case.weights.numpy().astype(oracle.LONG)
    slopes = np.abs(case.upstream) * weights / np.maximum(1, case.counted.sum(0).numpy())
    largest = [np.abs((continuous.double().numpy() - mean) * np.exp(-log_variance)), 1 + squared]
    gradient = [*slopes[: len(spec.categorical)], *((slopes[-c:] * x).max() if c else 0 for x in largest)]
    return (weights * nll).sum(), nll, gradient[: len(parts(case.head.double().numpy(), spec))]


def assert_no_worse(name, ours, plain, exact, magnitude, dtype):
    """The error of ours is at most twice that of plain PyTorch, or of four roundings; infinite where it has to be."""
    limits = torch.finfo(dtype)
    ours, plain = (np.asarray(values).astype(oracle.LONG) for values in (ours, plain))
    exact = np.where(np.abs(exact) > limits.max, np.copysign(oracle.LONG(np.inf), exact), exact)
    nan = np.isnan(exact) | np.isnan(plain)
    assert not (np.isnan(ours) & ~nan).any(), f"{name}: NaN where the reference has none"
    assert np.isnan(ours[np.isnan(exact)]).all(), f"{name}: a number where there is none"
    with np.errstate(invalid="ignore"):
        our_error, plain_error = (np.where((v == exact) | nan, 0, np.abs(v - exact)) for v in (ours, plain))
    rounding = max(limits.eps * magnitude, limits.smallest_normal)
    assert our_error.max(initial=0) <= 2 * max(plain_error.max(initial=0), 2 * rounding), name


@given(cases())
def test_errs_at_most_twice_as_much_as_the_reference(case):
    plain = evaluate(case.replace(latents=case.codes), ig.reference.info_loss)
    ours = evaluate(case)
    exact = oracle.info_loss(case.head, case.codes, case.spec, case.upstream, **case.settings)
    sizes = magnitudes(case)
    dtype = ours[0].dtype
    assert [t.dtype for t in ours] == [t.dtype for t in plain] == [dtype, dtype, case.head.dtype]
    assert_no_worse("loss", ours[0], plain[0], exact[0], sizes[0], dtype)
    for code, name in enumerate(case.spec.code_names):
        assert_no_worse(f"nll of {name}", ours[1][code], plain[1][code], exact[1][code], sizes[1][code], dtype)
    gradients = (parts(g.double().numpy(), case.spec) for g in (ours[2], plain[2]))
    for index, (a, b, c, size) in enumerate(zip(*gradients, parts(exact[2], case.spec), sizes[2], strict=True)):
        assert_no_worse(f"gradient, part {index}", a, b, c, size, case.head.dtype)


def assert_same_bits(first, second):
    for a, b in zip(first, second, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0, equal_nan=True)


def assert_close_sums(case, got, expected):
    """Losses and terms differ by the rounding of a few sums."""
    dtype = evaluate(case)[0].dtype
    for a, b, size in zip(got, expected, magnitudes(case), strict=False):
        allowed = 4 * torch.finfo(dtype).eps * size + torch.finfo(dtype).smallest_normal
        close = np.abs(a.double().numpy() - b.double().numpy()) <= allowed
        assert (close | (a == b).numpy() | (a.isnan() & b.isnan()).numpy()).all()


@given(cases(), st.sampled_from(EVERY_ROW))
def test_strides_repeats_and_threads_do_not_change_the_bits(case, layout):
    first = evaluate(case)
    assert_same_bits(first, evaluate(case))
    assert_same_bits(first, evaluate(case.replace(head=case.head.contiguous())))
    elsewhere = case.replace(head=lay_out(case.head, layout))
    if not isinstance(case.latents, ig.LatentSeed):
        categorical, continuous = case.latents[-2:]
        elsewhere.latents = tuple(None if t is None else lay_out(t, layout) for t in (categorical, continuous))
    assert_same_bits(first, evaluate(elsewhere))
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2 if threads == 1 else 1)
        assert_same_bits(first, evaluate(case))
    finally:
        torch.set_num_threads(threads)


@given(cases())
def test_the_module_and_the_codes_of_a_seed_give_the_same_bits(case):
    settings = {**case.settings, "return_terms": True}
    weight_scale = settings.pop("weight_scale")
    expected = ig.info_loss(case.head, case.latents, case.spec, **settings, weight_scale=weight_scale)
    assert_same_bits(expected, ig.InfoLoss(case.spec, **settings)(case.head, case.latents, weight_scale))
    assert_same_bits(evaluate(case), evaluate(case.replace(latents=case.codes)))


@given(cases())
def test_the_loss_is_the_weighted_sum_of_the_terms(case):
    loss, nll, _ = evaluate(case)
    assert torch.equal(nll.isnan(), ~case.counted.any(0))
    weighted = (case.weights * nll.double().nan_to_num(0.0)).sum()
    assert_close_sums(case, [loss.double()], [weighted])


@given(cases(), st.floats(0.0, 8.0), st.lists(st.floats(0.0, 8.0), min_size=10, max_size=10))
def test_the_loss_is_linear_in_the_weights(case, factor, more):
    m, mine, more = len(case.spec.categorical), case.weights, torch.tensor(more).double()[: case.spec.num_codes]

    def under(weights):
        weights = weights.tolist()
        return case.replace(categorical_weight=weights[:m], continuous_weight=weights[m:], weight_scale=None)

    whole = under(factor * mine + more)
    (loss, _, gradient), one, other = evaluate(whole), evaluate(under(mine)), evaluate(under(more))
    assert_close_sums(whole, [loss.double()], [factor * one[0].double() + other[0].double()])
    limits = torch.finfo(gradient.dtype)
    one, other = factor * one[2].double(), other[2].double()
    close = (gradient.double() - one - other).abs() <= 8 * (limits.eps * (one.abs() + other.abs()) + limits.tiny)
    assert (close | ~gradient.isfinite() | ~(one + other).isfinite()).all()


@given(cases(layouts=EVERY_ROW), st.integers(0, 2**32))
def test_the_order_of_the_rows_does_not_matter(case, seed):
    order = torch.randperm(case.batch, generator=torch.Generator().manual_seed(seed))
    first = evaluate(case.replace(latents=case.codes))
    second = evaluate(case.replace(head=case.head[order], latents=tuple(codes[order] for codes in case.codes)))
    assert_close_sums(case, first[:2], second[:2])
    assert_same_bits([first[2][order]], [second[2]])


@given(cases(layouts=EVERY_ROW), st.integers(1, 69))
def test_the_terms_of_a_batch_are_the_means_of_its_parts(case, split):
    sums, counts = torch.zeros(case.spec.num_codes, dtype=torch.float64), case.counted.double().sum(0)
    for rows in (slice(0, split), slice(split, case.batch)):
        head = case.head[rows]
        if len(head) == 0:
            continue
        if isinstance(case.latents, ig.LatentSeed):
            latents = case.latents._replace(row_offset=case.latents.row_offset + rows.start)
        else:
            latents = tuple(codes[rows] for codes in case.codes)
        part = case.replace(head=head, latents=latents)
        sums += evaluate(part)[1].double().nan_to_num(0.0) * part.counted.double().sum(0)
    nll = evaluate(case)[1]
    assert_close_sums(case, [case.weights.sum(), nll], [case.weights.sum(), sums / counts])


@given(cases())
def test_gradients_of_logits_sum_to_zero_and_those_of_ignored_codes_are_zero(case):
    gradient, counts = evaluate(case)[2], case.counted.sum(0)
    limits = torch.finfo(gradient.dtype)
    for code, columns in enumerate(case.columns()):
        logits = gradient[:, columns].double()
        assert (logits[~case.counted[:, code]] == 0.0).all()
        slope = abs(case.upstream) * float(case.weights[code]) / max(1, int(counts[code]))
        rounding = limits.eps * slope + limits.smallest_normal
        assert (logits.sum(1).abs() <= (4 + logits.shape[1]) * rounding).all()
        assert (logits.abs() <= slope + rounding).all()


@given(cases(), st.floats(-64.0, 64.0, width=16))
def test_the_gradient_scales_with_the_upstream_one(case, upstream):
    unit, scaled = (evaluate(case.replace(upstream=value))[2] for value in (1.0, upstream))
    limits = torch.finfo(unit.dtype)
    expected = unit.double() * upstream
    close = (scaled.double() - expected).abs() <= 2 * (limits.eps * expected.abs() + limits.tiny * (1 + abs(upstream)))
    assert (close | ~scaled.isfinite() | ~unit.isfinite()).all()
    doubled = evaluate(case.replace(upstream=2.0))[2]
    exact = doubled.isfinite() & (unit.abs() > limits.tiny)
    assert torch.equal(doubled[exact], 2.0 * unit[exact])
