"""Every mistake in the arguments of a layer op is named, by the real kernels and by the fake ones that tracing uses."""

import pytest
import torch
from layer_cases import OPS

CONVOLUTION = {"input": torch.randn(2, 3, 4, 6), "weight": torch.randn(5, 3, 4, 4), "bias": torch.randn(5)}
ARGUMENTS = {
    "downsample_conv2d": {**CONVOLUTION, "negative_slope": 0.1},
    "downsample_conv2d_backward": {
        "grad": torch.randn(2, 5, 2, 3),
        "input": torch.randn(2, 3, 4, 6),
        "weight": torch.randn(5, 3, 4, 4),
        "output": torch.randn(2, 5, 2, 3),
        "negative_slope": 0.1,
        "wanted": [True, True, True],
    },
    "upsample_conv2d": {**CONVOLUTION, "weight": torch.randn(3, 5, 4, 4)},
    "upsample_conv2d_backward": {
        "grad": torch.randn(2, 5, 8, 12),
        "input": torch.randn(2, 3, 4, 6),
        "weight": torch.randn(3, 5, 4, 4),
        "wanted": [True, True, True],
    },
    "linear": {"input": torch.randn(4, 3), "weight": torch.randn(5, 3), "bias": torch.randn(5)},
    "linear_backward": {
        "grad": torch.randn(4, 5),
        "input": torch.randn(4, 3),
        "weight": torch.randn(5, 3),
        "wanted": [True, True, True],
    },
    "group_batch_norm": {
        "input": torch.randn(6, 3, 2, 2),
        **{name: torch.ones(3) for name in ("weight", "bias", "running_mean", "running_var")},
        "groups": 2,
        "momentum": 0.1,
        "eps": 1e-5,
        "negative_slope": 0.1,
    },
    "group_batch_norm_backward": {
        "grad": torch.randn(6, 3, 2, 2),
        "input": torch.randn(6, 3, 2, 2),
        "weight": torch.ones(3),
        "bias": torch.ones(3),
        "mean": torch.ones(2, 3),
        "rstd": torch.ones(2, 3),
        "negative_slope": 0.1,
    },
}

HALF = r"must be float32, float64 or bfloat16, got torch\.float16"
HALVING_WEIGHT = r"weight must be \[out, in, 4, 4\] with in = 3, the channels of input, got shape "
DOUBLING_WEIGHT = r"weight must be \[in, out, 4, 4\] with in = 3, the channels of input, got shape "
EVEN = "input must have even sides, got "
GROUPS = "the batch of 6 must consist of groups of equal size, got "
VALUES = "a group must have more than one value per channel, got "

MISTAKES = [
    ("downsample_conv2d", {"input": torch.ones(2, 3, 4, 6).half()}, TypeError, f"input {HALF}"),
    (
        "downsample_conv2d",
        {"input": torch.ones(3, 4, 6)},
        ValueError,
        r"input must be \[B, C, H, W\], got shape \[3, 4, 6\]",
    ),
    ("downsample_conv2d", {"input": torch.ones(2, 3, 5, 6)}, ValueError, f"{EVEN}5x6"),
    ("downsample_conv2d", {"input": torch.ones(2, 3, 4, 7)}, ValueError, f"{EVEN}4x7"),
    ("downsample_conv2d", {"input": torch.ones(2, 3, 0, 6)}, ValueError, f"{EVEN}0x6"),
    ("downsample_conv2d", {"weight": torch.ones(5, 2, 4, 4)}, ValueError, rf"{HALVING_WEIGHT}\[5, 2, 4, 4\]"),
    ("downsample_conv2d", {"weight": torch.ones(5, 3, 3, 4)}, ValueError, rf"{HALVING_WEIGHT}\[5, 3, 3, 4\]"),
    ("downsample_conv2d", {"weight": torch.ones(5, 3, 4, 5)}, ValueError, rf"{HALVING_WEIGHT}\[5, 3, 4, 5\]"),
    ("downsample_conv2d", {"weight": torch.ones(5, 48)}, ValueError, rf"{HALVING_WEIGHT}\[5, 48\]"),
    ("downsample_conv2d", {"bias": torch.ones(3)}, ValueError, r"bias must have shape \[5\], got \[3\]"),
    ("downsample_conv2d", {"bias": torch.ones(5, 1)}, ValueError, r"bias must have shape \[5\], got \[5, 1\]"),
    (
        "downsample_conv2d",
        {"weight": torch.ones(5, 3, 4, 4).double()},
        TypeError,
        r"weight and bias must be torch\.float32 where input is torch\.float32, got torch\.float64",
    ),
    (
        "downsample_conv2d",
        {"bias": torch.ones(5).half()},
        TypeError,
        r"torch\.float32 where input is torch\.float32, got torch\.float16",
    ),
    ("downsample_conv2d", {"negative_slope": -0.5}, ValueError, r"negative_slope must be >= 0, got -0\.5"),
    ("downsample_conv2d", {"negative_slope": float("nan")}, ValueError, "negative_slope must be >= 0, got nan"),
    ("downsample_conv2d_backward", {"negative_slope": -0.5}, ValueError, r"negative_slope must be >= 0, got -0\.5"),
    ("downsample_conv2d_backward", {"input": torch.ones(2, 3, 5, 6)}, ValueError, f"{EVEN}5x6"),
    (
        "downsample_conv2d_backward",
        {"grad": torch.ones(2, 5, 4, 6)},
        ValueError,
        r"backward: grad must have shape \[2, 5, 2, 3\] and the dtype of input, torch\.float32, got \[2, 5, 4, 6\]",
    ),
    (
        "downsample_conv2d_backward",
        {"grad": torch.ones(2, 5, 2, 3).double()},
        ValueError,
        r"grad must .* and torch\.float64",
    ),
    (
        "downsample_conv2d_backward",
        {"output": torch.ones(2, 5, 2, 2)},
        ValueError,
        r"output must .* got \[2, 5, 2, 2\]",
    ),
    (
        "downsample_conv2d_backward",
        {"output": None},
        ValueError,
        "output must be given for a negative_slope other than 1",
    ),
    ("upsample_conv2d", {"input": torch.ones(2, 3, 4, 6).half()}, TypeError, f"input {HALF}"),
    ("upsample_conv2d", {"input": torch.ones(3, 4)}, ValueError, r"input must be \[B, C, H, W\], got shape \[3, 4\]"),
    ("upsample_conv2d", {"weight": torch.ones(5, 3, 4, 4)}, ValueError, rf"{DOUBLING_WEIGHT}\[5, 3, 4, 4\]"),
    ("upsample_conv2d", {"bias": torch.ones(3)}, ValueError, r"bias must have shape \[5\], got \[3\]"),
    ("upsample_conv2d", {"bias": torch.ones(5).double()}, TypeError, r"is torch\.float32, got torch\.float64"),
    ("upsample_conv2d_backward", {"weight": torch.ones(5, 3, 4, 4)}, ValueError, rf"{DOUBLING_WEIGHT}\[5, 3, 4, 4\]"),
    (
        "upsample_conv2d_backward",
        {"grad": torch.ones(2, 5, 8, 11)},
        ValueError,
        r"backward: grad must have shape \[2, 5, 8, 12\] and the dtype of input, torch\.float32, got \[2, 5, 8, 11\]",
    ),
    (
        "downsample_conv2d",
        {"input": torch.ones(2, 3, 4, 6).bfloat16(), "weight": torch.ones(5, 3, 4, 4).bfloat16()},
        TypeError,
        r"weight and bias must be torch\.float32 where input is torch\.bfloat16, got torch\.bfloat16",
    ),
    ("linear", {"input": torch.ones(4, 3).half()}, TypeError, f"input {HALF}"),
    ("linear", {"input": torch.ones(2, 4, 3)}, ValueError, r"input must be \[B, in\], got shape \[2, 4, 3\]"),
    (
        "linear",
        {"weight": torch.ones(5, 4)},
        ValueError,
        r"weight must be \[out, in\] with in = 3, the columns of input, got shape \[5, 4\]",
    ),
    ("linear", {"weight": torch.ones(3)}, ValueError, r"weight must be .* got shape \[3\]"),
    ("linear", {"weight": torch.ones(5, 3).double()}, TypeError, r"weight must be torch\.float32 .* torch\.float64"),
    ("linear", {"bias": torch.ones(3)}, ValueError, r"bias must have shape \[5\], got \[3\]"),
    (
        "linear",
        {"input": torch.ones(4, 3).bfloat16(), "bias": torch.ones(5).bfloat16()},
        TypeError,
        r"bias must be torch\.float32 where input is torch\.bfloat16, got torch\.bfloat16",
    ),
    (
        "linear_backward",
        {"grad": torch.ones(5, 4)},
        ValueError,
        r"grad must have shape \[4, 5\] and the dtype of input, torch\.float32, got \[5, 4\]",
    ),
    ("linear_backward", {"grad": torch.ones(4, 5).double()}, ValueError, r"grad must .* and torch\.float64"),
    ("linear_backward", {"weight": torch.ones(5, 4)}, ValueError, r"weight must be .* got shape \[5, 4\]"),
    ("group_batch_norm", {"input": torch.ones(6, 3, 2, 2).half()}, TypeError, f"input {HALF}"),
    (
        "group_batch_norm",
        {"input": torch.ones(6, 3, 2)},
        ValueError,
        r"input must be \[B, C\] or \[B, C, H, W\], got shape \[6, 3, 2\]",
    ),
    ("group_batch_norm", {"groups": 4}, ValueError, f"{GROUPS}4 groups"),
    ("group_batch_norm", {"groups": 0}, ValueError, f"{GROUPS}0 groups"),
    ("group_batch_norm", {"groups": -1}, ValueError, f"{GROUPS}-1 groups"),
    ("group_batch_norm", {"input": torch.ones(2, 3)}, ValueError, f"{VALUES}1"),
    ("group_batch_norm", {"input": torch.ones(0, 3, 2, 2)}, ValueError, f"{VALUES}0"),
    ("group_batch_norm", {"input": torch.ones(6, 0)}, ValueError, f"{VALUES}0"),
    *(
        (
            op,
            {name: wrong},
            ValueError,
            rf"{name} must be contiguous, of shape \[3\] and torch\.float32 where input is torch\.float32, got {got}",
        )
        for op, names in (
            ("group_batch_norm", ("weight", "bias", "running_mean", "running_var")),
            ("group_batch_norm_backward", ("weight", "bias")),
        )
        for name in names
        for wrong, got in (
            (torch.ones(4), r"shape \[4\]"),
            (torch.ones(6)[::2], r"shape \[3\], strides \[2\]"),
            (torch.ones(3).double(), r"shape \[3\], strides \[1\] and torch\.float64"),
        )
    ),
    *(
        ("group_batch_norm_backward", {name: wrong}, ValueError, message)
        for name, wrong, message in (
            ("mean", torch.ones(4, 3), f"{GROUPS}4 groups"),
            ("mean", torch.ones(()), f"{GROUPS}0 groups"),
            ("mean", torch.ones(2), r"mean must be contiguous, of shape \[2, 3\].* got shape \[2\]"),
            ("mean", torch.ones(3, 2).t(), r"mean must be contiguous, .* strides \[1, 2\]"),
            ("rstd", torch.ones(1, 3), r"rstd must be contiguous, of shape \[2, 3\].* got shape \[1, 3\]"),
            ("rstd", torch.ones(2, 3).double(), r"rstd must be contiguous, .* and torch\.float64"),
            ("grad", torch.ones(6, 3), r"grad must have the shape and dtype of input, \[6, 3, 2, 2\] .* got \[6, 3\]"),
            ("grad", torch.ones(6, 3, 2, 2).half(), r"grad must have the shape and dtype of input.* torch\.float16"),
        )
    ),
]
every_mistake = pytest.mark.parametrize(("op", "changes", "error", "message"), MISTAKES)


@every_mistake
def test_mistakes_are_named(op, changes, error, message):
    with pytest.raises(error, match=f"infogan_fast::{op.removesuffix('_backward')}.*{message}"):
        getattr(OPS, op)(**{**ARGUMENTS[op], **changes})


@every_mistake
def test_fake_kernels_name_the_same_mistakes(op, changes, error, message):
    with torch._subclasses.FakeTensorMode() as mode:
        values = {
            k: mode.from_tensor(v) if isinstance(v, torch.Tensor) else v
            for k, v in {**ARGUMENTS[op], **changes}.items()
        }
        with pytest.raises(error, match=f"infogan_fast::{op.removesuffix('_backward')}.*{message}"):
            getattr(OPS, op)(**values)


@pytest.mark.parametrize("op", ARGUMENTS)
def test_without_a_mistake_there_is_no_error(op):
    getattr(OPS, op)(**ARGUMENTS[op])
