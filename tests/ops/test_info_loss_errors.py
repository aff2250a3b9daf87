"""Every mistake is named, by the real kernels and by the fake ones that tracing uses."""

import math

import pytest
import torch
from cases import SPECS, make_head, seed_of

import infogan_fast as ig

SPEC = SPECS["mnist"]
BATCH = 6


def arguments(**changes):
    latents = ig.sample_latents(SPEC, BATCH, seed_of(0))
    values = {"head": make_head(SPEC, BATCH), "categorical": latents.categorical, "continuous": latents.continuous}
    return {**values, **changes}


def call(head, categorical, continuous, **settings):
    return ig.info_loss(head, (categorical, continuous), SPEC, **settings)


MISTAKES = {
    "narrow head": (
        {"head": torch.randn(BATCH, 13)},
        ValueError,
        r"head must be \[B, 14\] \(sum K \+ 2 C\), got \[6, 13\]",
    ),
    "head without variance": (
        {"head": torch.randn(BATCH, 12)},
        ValueError,
        r"\[B, 14\] \(sum K \+ 2 C\), got \[6, 12\]",
    ),
    "head with variance": ({"variance": 1.0}, ValueError, r"head must be \[B, 12\] \(sum K \+ C\), got \[6, 14\]"),
    "head of one dimension": ({"head": torch.randn(14)}, ValueError, r"head must be \[B, 14\].*got \[14\]"),
    "integer head": (
        {"head": torch.ones(BATCH, 14, dtype=torch.int64)},
        TypeError,
        r"head must be float32.*got torch\.int64",
    ),
    "empty batch": (
        {
            "head": torch.randn(0, 14),
            "categorical": torch.zeros(0, 1, dtype=torch.int64),
            "continuous": torch.zeros(0, 2),
        },
        ValueError,
        r"mean over an empty batch is not defined; head is \[0, 14\]",
    ),
    "int32 codes": (
        {"categorical": torch.zeros(BATCH, 1, dtype=torch.int32)},
        TypeError,
        r"categorical must be int64, got torch\.int32",
    ),
    "codes of one dimension": (
        {"categorical": torch.zeros(BATCH, dtype=torch.int64)},
        ValueError,
        r"categorical must be \[6, 1\] for head \[6, 14\], got \[6\]",
    ),
    "other batch": (
        {"categorical": torch.zeros(5, 1, dtype=torch.int64)},
        ValueError,
        r"categorical must be \[6, 1\].*got \[5, 1\]",
    ),
    "float64 continuous": (
        {"continuous": torch.zeros(BATCH, 2, dtype=torch.float64)},
        TypeError,
        r"continuous must be float32 or the head's torch\.float32, got torch\.float64",
    ),
    "too many continuous": (
        {"continuous": torch.zeros(BATCH, 3)},
        ValueError,
        r"continuous must be \[6, 2\].*got \[6, 3\]",
    ),
    "weights of another number": (
        {"continuous_weight": (0.1,)},
        ValueError,
        r"continuous_weight must be a float or one float per code \(2\), got 1",
    ),
    "negative weight": ({"categorical_weight": -1.0}, ValueError, "categorical_weight must be finite and >= 0, got -1"),
    "weight scale of another number": (
        {"weight_scale": torch.ones(2)},
        ValueError,
        r"weight_scale must be \[3\], one number per code, on cpu, got \[2\] on cpu",
    ),
    "float64 weight scale": (
        {"weight_scale": torch.ones(3, dtype=torch.float64)},
        TypeError,
        r"weight_scale must be torch\.float32, got torch\.float64",
    ),
    "NaN weight": ({"continuous_weight": math.nan}, ValueError, "continuous_weight must be finite and >= 0, got nan"),
}


@pytest.mark.parametrize(("changes", "error", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_named(changes, error, message):
    with pytest.raises(error, match=message):
        call(**arguments(**changes))


@pytest.mark.parametrize(("changes", "error", "message"), MISTAKES.values(), ids=MISTAKES.keys())
def test_fake_kernels_name_the_same_mistakes(changes, error, message):
    values = arguments(**changes)
    with torch._subclasses.FakeTensorMode() as mode:
        values = {k: mode.from_tensor(v) if isinstance(v, torch.Tensor) else v for k, v in values.items()}
        with pytest.raises(error, match=message):
            call(**values)


@pytest.mark.parametrize("value", [10, -1, -99, 2**40])
def test_codes_out_of_range(value):
    values = arguments()
    values["categorical"][4, 0] = value
    with pytest.raises(
        IndexError, match=rf"categorical\[4, 0\] must be in \[0, 10\) or ignore_index \(-100\), got {value}"
    ):
        call(**values)


def test_the_first_code_out_of_range_is_named_whatever_the_threads():
    spec = ig.LatentSpec(0, (3, 4))
    categorical = torch.zeros(10_000, 2, dtype=torch.int64)
    categorical[7001, 1] = 4
    categorical[9000, 0] = 77
    with pytest.raises(IndexError, match=r"categorical\[7001, 1\] must be in \[0, 4\)"):
        ig.info_loss(torch.zeros(10_000, 7), (categorical, torch.zeros(10_000, 0)), spec)


def test_seeds_are_checked():
    head = make_head(SPEC, BATCH)
    for stream, error, message in (
        (ig.LatentSeed(torch.tensor(1.0)), TypeError, "seed must be int64"),
        (ig.LatentSeed(torch.tensor([1, 2])), ValueError, "one element"),
        (ig.LatentSeed(seed_of(1), offset=2**32), ValueError, "offset must be in"),
        (ig.LatentSeed(seed_of(1), row_offset=-1), ValueError, r"row_offset must be in \[0, 2\*\*62\], got -1"),
        (ig.LatentSeed(seed_of(1), row_offset=2**62 + 1), ValueError, r"row_offset must be in \[0, 2\*\*62\]"),
    ):
        with pytest.raises(error, match=message):
            ig.info_loss(head, stream, SPEC)


def test_devices_must_agree():
    values = arguments()
    values["categorical"] = values["categorical"].to("meta")
    with pytest.raises(
        ValueError, match="head, categorical and continuous must be on one device, got cpu, meta and cpu"
    ):
        call(**values)


@pytest.mark.parametrize("latents", [None, torch.zeros(3), (torch.zeros(1),), "codes"])
def test_latents_of_another_type(latents):
    with pytest.raises(TypeError, match="latents must be Latents, LatentSeed or a pair"):
        ig.info_loss(make_head(SPEC, BATCH), latents, SPEC)


def test_unknown_variance():
    with pytest.raises(
        ValueError, match="variance must be 'learned', 'learned_std' or a positive finite float, got 'std'"
    ):
        ig.info_loss(make_head(SPEC, BATCH), ig.LatentSeed(seed_of(0)), SPEC, variance="std")


@pytest.mark.parametrize("weight", [True, "1.0", None, torch.tensor(1.0)])
def test_weights_of_another_type(weight):
    with pytest.raises(TypeError, match="continuous_weight must be a float or a tuple of one float per code, got"):
        call(**arguments(continuous_weight=weight))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"categorical_weight": -1.0}, "InfoLoss: categorical_weight must be finite and >= 0, got -1"),
        (
            {"continuous_weight": [1.0]},
            r"InfoLoss: continuous_weight must be .* one float per code \(2\), got 1",
        ),
    ],
)
def test_the_module_checks_its_weights_when_it_is_made(settings, message):
    with pytest.raises(ValueError, match=message):
        ig.InfoLoss(SPEC, **settings)


def test_a_number_is_not_a_seed():
    with pytest.raises(TypeError, match=r"such as new_seed\(\) gives, got 0"):
        ig.sample_latents(SPEC, 4, seed=0)


@pytest.mark.parametrize("name", ["continuous", "weight_scale"])
def test_a_gradient_that_would_be_lost_is_refused(name):
    values = arguments(weight_scale=torch.ones(3))
    values[name] = values[name].clone().requires_grad_()
    with pytest.raises(NotImplementedError, match=f"differentiable in head only, but {name} requires a gradient"):
        call(**values)
    with torch.no_grad():
        assert call(**values).isfinite()


@pytest.mark.parametrize("spec", [ig.LatentSpec(continuous=1), ig.LatentSpec(categorical=(3,))], ids=str)
def test_a_head_without_dimensions(spec):
    """Also where one kind of codes is not given, as there are none."""
    codes = (torch.zeros(2, 1).long(), None) if spec.categorical else (None, torch.zeros(2, 1))
    with pytest.raises(ValueError, match=r"info_loss: head must be .*, got \[\]"):
        ig.info_loss(torch.tensor(1.0), codes, spec)
