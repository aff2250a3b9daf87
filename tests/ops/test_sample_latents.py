"""sample_latents: which latents come out. Their distributions are tested in test_distributions.py."""

import pytest
import torch
from cases import DTYPES, SPECS, every_dtype, every_spec, seed_of

import infogan_fast as ig


@every_spec
@every_dtype
def test_equals_the_reference(spec, dtype):
    arguments = (spec, 257, seed_of(-(2**62) + 5), 3, 2**33 + 1, dtype)
    ours, reference = ig.sample_latents(*arguments), ig.reference.sample_latents(*arguments)
    assert torch.equal(ours.categorical, reference.categorical)
    assert ours.input.dtype == dtype
    assert ours.input.shape == (257, spec.input_dim)
    # Normal variables differ by the rounding of float32 functions, uniform ones not at all.
    tolerance = 1e-6 if spec.continuous_prior == "normal" else 0.0
    torch.testing.assert_close(ours.continuous, reference.continuous, rtol=0.0, atol=tolerance)
    noise_tolerance = 0.0 if spec.noise_prior == "uniform" else max(1e-6, torch.finfo(dtype).eps * 4)
    torch.testing.assert_close(
        ours.input[:, : spec.noise], reference.input[:, : spec.noise], rtol=0.0, atol=noise_tolerance
    )


@every_spec
def test_input_is_noise_then_one_hots_then_continuous(spec):
    latents = ig.sample_latents(spec, 100, seed_of(1))
    columns = spec.noise
    for index, cardinality in enumerate(spec.categorical):
        one_hot = latents.input[:, columns : columns + cardinality]
        expected = torch.nn.functional.one_hot(latents.categorical[:, index], cardinality).float()
        assert torch.equal(one_hot, expected)
        columns += cardinality
    assert torch.equal(latents.input[:, columns:], latents.continuous)


@every_dtype
def test_codes_do_not_depend_on_the_dtype_of_the_input(dtype):
    spec = SPECS["mixed"]
    latents, expected = ig.sample_latents(spec, 50, seed_of(2), dtype=dtype), ig.sample_latents(spec, 50, seed_of(2))
    assert torch.equal(latents.categorical, expected.categorical)
    assert torch.equal(latents.continuous, expected.continuous)
    assert torch.equal(latents.input, expected.input.to(dtype))


@every_spec
def test_a_row_depends_on_its_global_number_alone(spec):
    seed = seed_of(77)
    whole = ig.sample_latents(spec, 5000, seed)
    for start, size in ((0, 1), (0, 4999), (1, 100), (2500, 2500), (4999, 1)):
        part = ig.sample_latents(spec, size, seed, row_offset=start)
        for ours, expected in zip(part, whole, strict=True):
            assert torch.equal(ours, expected[start : start + size])


@every_spec
def test_codes_do_not_depend_on_the_number_of_threads(spec):
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = ig.sample_latents(spec, 20_000, seed_of(5))
        torch.set_num_threads(4)
        four = ig.sample_latents(spec, 20_000, seed_of(5))
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(one, four, strict=True):
        assert torch.equal(a, b)


def test_codes_do_not_depend_on_the_noise():
    with_noise = ig.sample_latents(ig.LatentSpec(100, (10, 3), 2), 64, seed_of(8))
    without = ig.sample_latents(ig.LatentSpec(0, (10, 3), 2), 64, seed_of(8))
    assert torch.equal(with_noise.categorical, without.categorical)
    assert torch.equal(with_noise.continuous, without.continuous)


def test_seed_and_offset_give_other_codes():
    spec = SPECS["mnist"]
    draws = [ig.sample_latents(spec, 64, seed_of(seed), offset) for seed in (0, 1, 2**40) for offset in (0, 1, 2**31)]
    for i, a in enumerate(draws):
        for b in draws[:i]:
            assert not torch.equal(a.categorical, b.categorical)
            assert not torch.equal(a.input, b.input)


def test_the_largest_row_offset_and_offset():
    latents = ig.sample_latents(SPECS["mnist"], 3, seed_of(-1), offset=2**32 - 1, row_offset=2**62)
    expected = ig.reference.sample_latents(SPECS["mnist"], 3, seed_of(-1), offset=2**32 - 1, row_offset=2**62)
    assert torch.equal(latents.categorical, expected.categorical)


@every_spec
def test_an_empty_batch_is_empty(spec):
    latents = ig.sample_latents(spec, 0, seed_of(0))
    assert latents.input.shape == (0, spec.input_dim)
    assert latents.categorical.shape == (0, len(spec.categorical))
    assert latents.continuous.shape == (0, spec.continuous)


def test_a_spec_without_anything():
    assert ig.sample_latents(ig.LatentSpec(), 4, seed_of(0)).input.shape == (4, 0)


def test_new_seed_follows_torchs_generator():
    torch.manual_seed(3)
    first, second = ig.new_seed(), ig.new_seed()
    assert first.dtype == torch.int64
    assert first.shape == ()
    assert first != second
    torch.manual_seed(3)
    assert ig.new_seed() == first
    generator = torch.Generator().manual_seed(3)
    assert ig.new_seed(generator=generator) == first


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"seed": torch.tensor(1.0)}, TypeError, r"seed must be int64, got torch\.float32"),
        ({"seed": torch.tensor([1, 2])}, ValueError, r"seed must have one element, got shape \[2\]"),
        ({"batch_size": -1}, ValueError, "batch_size must be >= 0, got -1"),
        ({"offset": -1}, ValueError, r"offset must be in \[0, 2\*\*32\), got -1"),
        ({"offset": 2**32}, ValueError, r"offset must be in \[0, 2\*\*32\)"),
        ({"row_offset": -5}, ValueError, r"row_offset must be in \[0, 2\*\*62\], got -5"),
        ({"row_offset": 2**62 + 1}, ValueError, r"row_offset must be in \[0, 2\*\*62\]"),
        ({"dtype": torch.int32}, TypeError, r"dtype must be float32, float64, bfloat16 or float16, got torch\.int32"),
    ],
)
@pytest.mark.parametrize("traced", [False, True], ids=["real", "fake"])
def test_what_is_not_allowed_is_named(arguments, error, message, traced):
    arguments = {"batch_size": 4, "seed": seed_of(0), **arguments}
    if traced:
        with torch._subclasses.FakeTensorMode() as mode:
            arguments["seed"] = mode.from_tensor(arguments["seed"])
            with pytest.raises(error, match=message):
                ig.sample_latents(SPECS["mnist"], **arguments)
    else:
        with pytest.raises(error, match=message):
            ig.sample_latents(SPECS["mnist"], **arguments)


def test_all_dtypes_are_covered():
    assert set(DTYPES) == set(ig.fake.FLOATING)
