"""sample_latents on the device: the codes of the CPU, whatever the dtype, the batch and its split."""

import warnings

import pytest
import torch
from cases import SPECS, every_dtype
from device_cases import ALL_SPECS, BATCHES, DEVICE, seed_on_device, skip_without_memory, ulps

import infogan_fast as ig

MOST_ELEMENTS = 2**25


@pytest.mark.parametrize("spec", ALL_SPECS.values(), ids=ALL_SPECS.keys())
@every_dtype
def test_the_codes_of_the_cpu(spec, dtype):
    for batch in BATCHES:
        if batch > 2 and batch * spec.input_dim > MOST_ELEMENTS:
            continue
        arguments = {"offset": 3, "row_offset": 2**33 + 1, "dtype": dtype}
        ours = ig.sample_latents(spec, batch, seed_on_device(-(2**62) + batch), **arguments)
        expected = ig.sample_latents(spec, batch, torch.tensor(-(2**62) + batch), **arguments)
        assert ours.input.device.type == DEVICE.type
        assert [t.dtype for t in ours] == [t.dtype for t in expected]
        assert torch.equal(ours.categorical.cpu(), expected.categorical)
        one_hots = slice(spec.noise, spec.noise + sum(spec.categorical))
        assert torch.equal(ours.input[:, one_hots].cpu(), expected.input[:, one_hots])
        after = one_hots.stop
        for name, prior, a, b in (
            ("continuous codes", spec.continuous_prior, ours.continuous, expected.continuous),
            ("continuous input", spec.continuous_prior, ours.input[:, after:], expected.input[:, after:]),
            ("noise", spec.noise_prior, ours.input[:, : spec.noise], expected.input[:, : spec.noise]),
        ):
            check_variables(name, prior, a, b)


def check_variables(name, prior, ours, expected):
    """Uniform variables are the same bits; normal ones within two roundings of float32, or one of a shorter dtype."""
    if ours.dtype == torch.float64:
        ours, expected = ours.float(), expected.float()
    distance = ulps(ours, expected)
    if prior == "uniform" or ours.dtype in (torch.bfloat16, torch.float16):
        assert distance <= (0 if prior == "uniform" else 1), name
    else:
        assert distance <= 2, name
    if distance:
        warnings.warn(f"{name}: {distance} units in the last place from the CPU, expected none", stacklevel=2)


@pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS.keys())
def test_a_row_depends_on_its_global_number_alone(spec):
    seed = seed_on_device(77)
    whole = ig.sample_latents(spec, 5000, seed)
    for start, size in ((0, 1), (0, 4999), (1, 100), (33, 31), (2500, 2500), (4999, 1)):
        part = ig.sample_latents(spec, size, seed, row_offset=start)
        for ours, expected in zip(part, whole, strict=True):
            assert torch.equal(ours, expected[start : start + size])


def test_the_largest_row_offset_and_offset():
    spec = SPECS["mixed"]
    settings = {"offset": 2**32 - 1, "row_offset": 2**62}
    ours = ig.sample_latents(spec, 300, seed_on_device(-1), **settings)
    assert torch.equal(ours.categorical.cpu(), ig.sample_latents(spec, 300, torch.tensor(-1), **settings).categorical)


def test_an_empty_batch_is_empty():
    for spec in SPECS.values():
        assert ig.sample_latents(spec, 0, seed_on_device(0)).input.shape == (0, spec.input_dim)
    assert ig.sample_latents(ig.LatentSpec(), 4, seed_on_device(0)).input.shape == (4, 0)


def test_moments_of_a_big_batch():
    """What a wrong counter does to a big batch, such as rows that repeat, shows in its moments and duplicates."""
    spec = ig.LatentSpec(8, (10,), 2)
    batch = 4_000_000
    latents = ig.sample_latents(spec, batch, seed_on_device(1))
    noise = latents.input[:, :8].double()
    assert noise.mean(0).abs().max() < 6.0 / batch**0.5
    assert (noise.var(0) - 1.0).abs().max() < 6.0 * (2.0 / batch) ** 0.5
    shares = latents.categorical[:, 0].bincount(minlength=10).double() / batch
    assert (shares - 0.1).abs().max() < 6.0 * (0.09 / batch) ** 0.5
    first, second = latents.continuous.double().unbind(1)
    assert len(torch.unique(first + 2**26 * second)) > 0.999 * batch  # each pair of codes as one number


def test_more_elements_than_32_bits_count():
    spec, batch = SPECS["mnist"], 2**31 // 74 + 1000
    if reason := skip_without_memory(8.0):
        pytest.skip(reason)
    latents = ig.sample_latents(spec, batch, seed_on_device(5), dtype=torch.bfloat16)
    assert latents.input.numel() > 2**31
    for first in (0, batch // 2, batch - 1000):
        expected = ig.sample_latents(spec, 1000, torch.tensor(5), row_offset=first, dtype=torch.bfloat16)
        rows = slice(first, first + 1000)
        assert torch.equal(latents.categorical[rows].cpu(), expected.categorical)
        assert torch.equal(latents.continuous[rows].cpu(), expected.continuous)
        assert ulps(latents.input[rows], expected.input) <= 1
