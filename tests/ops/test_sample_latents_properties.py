"""sample_latents and LatentSpec for any spec: the reference's bits, and the laws that they obey."""

import dataclasses
import math

import torch
from hypothesis import given
from hypothesis import strategies as st
from strategies import HEAD_DTYPES, PRIORS, SEEDS, VARIANCES, calls, specs

import infogan_fast as ig


def assert_same(first, second):
    for a, b in zip(first, second, strict=True):
        assert a.dtype == b.dtype
        assert torch.equal(a, b)


@given(calls())
def test_equals_the_reference(call):
    ours, reference = ig.sample_latents(**call), ig.reference.sample_latents(**call)
    spec, dtype = call["spec"], call["dtype"]
    assert [t.dtype for t in ours] == [dtype, torch.int64, torch.float32]
    assert torch.equal(ours.categorical, reference.categorical)
    # Normal variables differ by the rounding of float32 functions, uniform ones not at all.
    atol = 1e-6 if spec.continuous_prior == "normal" else 0.0
    torch.testing.assert_close(ours.continuous, reference.continuous, rtol=0.0, atol=atol)
    noise, others = (latents.input[:, : spec.noise] for latents in (ours, reference))
    normal = spec.noise_prior == "normal"
    atol, rtol = (1e-6, torch.finfo(dtype).eps) if normal else (0.0, 0.0)
    torch.testing.assert_close(noise, others, rtol=rtol, atol=atol)
    assert ours.input.shape == reference.input.shape


@given(calls())
def test_the_input_is_noise_then_one_hots_then_continuous(call):
    spec, dtype, latents = call["spec"], call["dtype"], ig.sample_latents(**call)
    column = spec.noise
    for code, cardinality in enumerate(spec.categorical):
        categories = latents.categorical[:, code]
        assert ((categories >= 0) & (categories < cardinality)).all()
        one_hot = torch.nn.functional.one_hot(categories, cardinality).to(dtype)
        assert torch.equal(latents.input[:, column : column + cardinality], one_hot)
        column += cardinality
    assert torch.equal(latents.input[:, column:], latents.continuous.to(dtype))
    noise = latents.input[:, : spec.noise]
    for values, prior in ((noise, spec.noise_prior), (latents.continuous, spec.continuous_prior)):
        assert (values.double().abs() <= (1.0 if prior == "uniform" else 6.78)).all()


@given(calls(), st.integers(0, 70))
def test_a_row_depends_on_its_global_number_alone(call, split):
    split = min(split, call["batch_size"])
    call["row_offset"] = min(call["row_offset"], 2**62 - 70)
    whole = ig.sample_latents(**call)
    first = ig.sample_latents(**{**call, "batch_size": split})
    rest = {"batch_size": call["batch_size"] - split, "row_offset": call["row_offset"] + split}
    second = ig.sample_latents(**{**call, **rest})
    assert_same(whole, [torch.cat(parts) for parts in zip(first, second, strict=True)])


@given(calls(), st.integers(0, 8), PRIORS, HEAD_DTYPES)
def test_codes_do_not_depend_on_noise_dtype_or_threads(call, noise, prior, dtype):
    expected = ig.sample_latents(**call)
    other = dataclasses.replace(call["spec"], noise=noise, noise_prior=prior)
    assert_same(expected[1:], ig.sample_latents(**{**call, "spec": other, "dtype": dtype})[1:])
    assert_same(expected, ig.sample_latents(**call))
    wide = ig.sample_latents(**{**call, "dtype": torch.float32})
    assert torch.equal(expected.input, wide.input.to(call["dtype"]))


@given(specs(categorical=3, continuous=4), SEEDS)
def test_the_number_of_threads_does_not_change_the_bits(spec, seed):
    spec = dataclasses.replace(spec, noise=spec.noise + 500)  # enough for both threads
    threads, draws = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            draws.append(ig.sample_latents(spec, 70, torch.tensor(seed)))
    finally:
        torch.set_num_threads(threads)
    assert_same(*draws)


@given(specs(), VARIANCES)
def test_the_sizes_and_names_of_a_spec(spec, variance):
    latents = ig.sample_latents(spec, 1, torch.tensor(0))
    assert spec.input_dim == latents.input.shape[1]
    assert spec.num_codes == latents.categorical.shape[1] + latents.continuous.shape[1]
    of_each = [*spec.categorical, *[1 if isinstance(variance, float) else 2] * spec.continuous]
    assert spec.head_dim(variance) == sum(of_each)
    names = spec.code_names
    assert len(set(names)) == len(names) == spec.num_codes
    assert [int(name.split("K=")[1].rstrip(")")) for name in names if "K=" in name] == list(spec.categorical)
    assert ig.LatentSpec(**dataclasses.asdict(spec)) == spec


@given(specs())
def test_the_entropy_is_that_of_torchs_distributions(spec):
    uniform = torch.distributions.Uniform(*torch.tensor([-1.0, 1.0]).double())
    normal = torch.distributions.Normal(*torch.tensor([0.0, 1.0]).double())
    prior = uniform if spec.continuous_prior == "uniform" else normal
    categorical = [torch.distributions.Categorical(torch.ones(k).double()).entropy() for k in spec.categorical]
    expected = torch.tensor([*categorical, *[prior.entropy()] * spec.continuous], dtype=torch.float64)
    torch.testing.assert_close(spec.entropy(), expected, rtol=1e-13, atol=1e-13)
    # The loss of a head that knows nothing is the entropy of the categorical codes.
    seed = ig.LatentSeed(torch.tensor(1))
    head = torch.full((3, spec.head_dim(1.0)), math.pi, dtype=torch.float64)
    m = len(spec.categorical)
    _, nll = ig.info_loss(head, seed, spec, variance=1.0, return_terms=True)
    torch.testing.assert_close(nll[:m], expected[:m], rtol=1e-13, atol=1e-13)
