"""Every setting of a training run: its default, meaning, unit and allowed values, checked when it is made."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from infogan_fast.nets import ARCHITECTURES, Networks
from infogan_fast.spec import LatentSpec, Prior, Variance

_MOST_PER_KIND = 65536  # latent variables, categories or images per batch: beyond this it is a slip of the keyboard
_MOST_STEPS_PER_LINE = 1_000_000  # the terms of that many steps are kept in memory

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]
NetworkPart = Literal["generator", "head", "trunk"]


class ConfigError(ValueError):
    """A setting is unknown or has a value that is not allowed; the message names it and says what is."""


def _about(meaning: str, allowed: str, check: Callable[[Any], bool]) -> dict[str, Any]:
    """What a field's metadata hold; ``check`` says whether a value is allowed."""
    return {"meaning": meaning, "allowed": allowed, "check": check}


def _whole(minimum: int, maximum: int = 2**31 - 1) -> Callable[[Any], bool]:
    return lambda value: type(value) is int and minimum <= value <= maximum


def _real(minimum: float, maximum: float = math.inf, *, open_below: bool = False) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        if type(value) not in (int, float) or not math.isfinite(value):
            return False
        above = minimum < value if open_below else minimum <= value
        return bool(above and value <= maximum)

    return check


def _distinct_parts(value: Any) -> bool:
    return isinstance(value, tuple) and set(value) <= {"generator", "head", "trunk"} and len(set(value)) == len(value)


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training run.

    The defaults are the recipe ``mnist5k``: a quarter of the paper's width on a CPU, some minutes on two cores. Each
    field's ``metadata`` holds its ``meaning`` (with unit) and what is ``allowed``; ``infogan-fast train --settings``
    prints them.

    Raises:
        ConfigError: a value is not allowed. The message gives the field, the value and the values allowed.
    """

    # What is learned from
    data: str = field(
        default="mnist5k",
        metadata=_about(
            "name of a data set; or path of a folder of image files or of IDX files, or of an IDX, .npy or .npz file",
            "a non-empty string",
            lambda v: isinstance(v, str) and bool(v),
        ),
    )
    image_size: int | None = field(
        default=None,
        metadata=_about(
            "side of the images in pixels: the short side is resized to it and the centre cropped; none = as they are, "
            "and 32 for a folder of image files",
            "a multiple of 4 from 4 to 1024, or none",
            lambda v: v is None or (_whole(4, 1024)(v) and v % 4 == 0),
        ),
    )
    channels: int | None = field(
        default=None,
        metadata=_about(
            "of the images: 1 = grey, 3 = RGB; none = as they are, where a folder of image files is grey if none of "
            "them has colour",
            "1, 3, none",
            lambda v: v is None or (type(v) is int and v in (1, 3)),
        ),
    )
    strict: bool = field(
        default=False,
        metadata=_about(
            "a file in a folder of image files that cannot be read is an error; otherwise it is skipped and named",
            "true, false",
            lambda v: type(v) is bool,
        ),
    )
    seed: int = field(
        default=0,
        metadata=_about(
            "of weights, order of the data, latent codes and instance noise",
            "an integer from 0 to 2147483647",
            _whole(0),
        ),
    )

    # Latent code
    noise: int = field(
        default=62,
        metadata=_about(
            "noise variables z, which Q does not recover", "an integer from 0 to 65536", _whole(0, _MOST_PER_KIND)
        ),
    )
    noise_prior: Prior = field(
        default="normal",
        metadata=_about("prior of z: N(0, 1) or U(-1, 1)", "normal, uniform", lambda v: v in ("normal", "uniform")),
    )
    categorical: tuple[int, ...] = field(
        default=(10,),
        metadata=_about(
            "number of categories of each categorical code",
            "integers from 1 to 65536, separated by commas; () for none",
            lambda v: isinstance(v, tuple) and all(_whole(1, _MOST_PER_KIND)(k) for k in v),
        ),
    )
    continuous: int = field(
        default=2,
        metadata=_about("number of continuous codes", "an integer from 0 to 65536", _whole(0, _MOST_PER_KIND)),
    )
    continuous_prior: Prior = field(
        default="uniform",
        metadata=_about(
            "prior of the continuous codes: U(-1, 1) or N(0, 1)",
            "uniform, normal",
            lambda v: v in ("uniform", "normal"),
        ),
    )

    # Networks
    networks: Networks = field(
        default="mnist",
        metadata=_about(
            "architecture of the networks: the paper's for MNIST (images whose sides are multiples of 4), for SVHN and "
            "CelebA, for 3D faces and for 3D chairs (square images with sides of 16, 32, 64 or 128), or the one that "
            "is common in Keras (multiples of 4)",
            "mnist, svhn, faces, chairs, keras",
            lambda v: v in ARCHITECTURES,
        ),
    )
    width: float | None = field(
        default=None,
        metadata=_about(
            "multiplier of every channel count of the paper; none = by device, 0.25 on a CPU and 1.0 on a GPU",
            "a number > 0 and <= 64, or none",
            lambda v: v is None or _real(0.0, 64.0, open_below=True)(v),
        ),
    )

    # Information loss
    categorical_weight: float = field(
        default=1.0,
        metadata=_about("weight (lambda) of each categorical code's loss, per nat", "a number >= 0", _real(0.0)),
    )
    continuous_weight: float = field(
        default=0.05,
        metadata=_about("weight (lambda) of each continuous code's loss, per nat", "a number >= 0", _real(0.0)),
    )
    continuous_from: float = field(
        default=0.1,
        metadata=_about(
            "share of the run after which the continuous codes begin to count; until then the categorical codes have "
            "the images to themselves; without categorical codes they count from the first step",
            "a number from 0 to 1",
            _real(0.0, 1.0),
        ),
    )
    continuous_full: float = field(
        default=0.4,
        metadata=_about(
            "share of the run after which the continuous codes count with their whole weight",
            "a number from continuous_from to 1",
            _real(0.0, 1.0),
        ),
    )
    variance: Variance = field(
        default=0.0625,
        metadata=_about(
            "variance of Q's Gaussian: a fixed one, or learned from a log-variance or a log-std output",
            "a number > 0, learned, learned_std",
            lambda v: v in ("learned", "learned_std") or _real(0.0, open_below=True)(v),
        ),
    )
    information_gradient: tuple[NetworkPart, ...] = field(
        default=("generator", "head", "trunk"),
        metadata=_about(
            "the parts that receive the gradient of the information loss; without generator the images need not show "
            "the code (a plain GAN whose Q only watches), without trunk Q reads the features that D finds useful, "
            "without head Q's head keeps its initial weights",
            "any of generator, head, trunk, separated by commas; () for none",
            _distinct_parts,
        ),
    )

    # Optimisation
    steps: int = field(
        default=7000,
        metadata=_about(
            "length of the run, in training steps (one update of D and one of G)", "an integer >= 1", _whole(1)
        ),
    )
    batch_size: int = field(
        default=64,
        metadata=_about(
            "images per step", "an integer from 2 to 65536 (batch normalisation needs two)", _whole(2, _MOST_PER_KIND)
        ),
    )
    learning_rate_discriminator: float = field(
        default=2e-3, metadata=_about("Adam's, of the trunk and D's output layer", "a number >= 0", _real(0.0))
    )
    learning_rate_generator: float = field(default=4e-3, metadata=_about("Adam's, of G", "a number >= 0", _real(0.0)))
    learning_rate_head: float = field(default=2e-3, metadata=_about("Adam's, of Q's head", "a number >= 0", _real(0.0)))
    betas: tuple[float, float] = field(
        default=(0.5, 0.999),
        metadata=_about(
            "Adam's decay rates of the two moments",
            "two numbers, each >= 0 and < 1",
            lambda v: isinstance(v, tuple) and len(v) == 2 and all(_real(0.0)(b) and b < 1.0 for b in v),
        ),
    )
    decay_from: float = field(
        default=0.5,
        metadata=_about(
            "share of the run after which the learning rates fall linearly to 0 at its end; 1 = they never fall",
            "a number from 0 to 1",
            _real(0.0, 1.0),
        ),
    )
    shear: float = field(
        default=0.3,
        metadata=_about(
            "largest random horizontal shear of the input images of D and Q, real and generated, as a ratio of lengths",
            "a number from 0 to 1",
            _real(0.0, 1.0),
        ),
    )
    rotation: float = field(
        default=5.0,
        metadata=_about(
            "largest random rotation of the input images of D and Q, real and generated, in degrees",
            "a number from 0 to 180",
            _real(0.0, 180.0),
        ),
    )
    instance_noise: float = field(
        default=0.5,
        metadata=_about(
            "standard deviation of the Gaussian noise on the input images of D and Q, real and generated, which are in "
            "[0, 1]",
            "a number >= 0",
            _real(0.0),
        ),
    )

    # Execution
    device: Device = field(
        default="auto",
        metadata=_about(
            "auto = cuda if there is a GPU and the CUDA kernels were built",
            "auto, cpu, cuda",
            lambda v: v in ("auto", "cpu", "cuda"),
        ),
    )
    compile: bool | None = field(
        default=None,
        metadata=_about(
            "compile the step with torch.compile: a minute or more at the start; none = on a GPU only, since on a CPU "
            "it is slower",
            "true, false, none",
            lambda v: v is None or type(v) is bool,
        ),
    )
    cuda_graph: bool = field(
        default=True,
        metadata=_about(
            "on a GPU, capture the step in a CUDA graph and replay it", "true, false", lambda v: type(v) is bool
        ),
    )
    precision: Precision = field(
        default="float32",
        metadata=_about(
            "of matrix products and convolutions; bfloat16 is autocast, the weights stay in float32. PyTorch's float32 "
            "convolutions use TF32 on a GPU, unless torch.backends.cudnn.allow_tf32 is false",
            "float32, bfloat16",
            lambda v: v in ("float32", "bfloat16"),
        ),
    )
    log_every: int = field(
        default=50,
        metadata=_about(
            "steps between lines of metrics.jsonl", "an integer from 1 to 1000000", _whole(1, _MOST_STEPS_PER_LINE)
        ),
    )
    checkpoint_every: int = field(
        default=500, metadata=_about("steps between checkpoints", "an integer >= 1", _whole(1))
    )
    picture_every: int = field(
        default=500,
        metadata=_about("steps between pictures during training; 0 = only at the end", "an integer >= 0", _whole(0)),
    )
    evaluation_samples: int = field(
        default=10000, metadata=_about("images generated for the closing L_I and R2", "an integer >= 2", _whole(2))
    )

    def __post_init__(self) -> None:
        for setting in dataclasses.fields(self):
            value = getattr(self, setting.name)
            try:
                fits = setting.metadata["check"](value)
            except TypeError:  # an unhashable or otherwise foreign value
                fits = False
            if not fits:
                raise ConfigError(f"{setting.name}: got {value!r}, allowed: {setting.metadata['allowed']}")
        if self.continuous_full < self.continuous_from:
            raise ConfigError(
                f"continuous_full: got {self.continuous_full!r}, allowed: at least continuous_from, "
                f"{self.continuous_from!r}"
            )
        if self.spec.num_codes == 0:
            raise ConfigError("categorical and continuous: got none of either, allowed: at least one code")

    @property
    def spec(self) -> LatentSpec:
        """The latent variables of this run."""
        return LatentSpec(
            noise=self.noise,
            categorical=self.categorical,
            continuous=self.continuous,
            continuous_prior=self.continuous_prior,
            noise_prior=self.noise_prior,
        )

    def to_json(self) -> dict[str, Any]:
        """Every field by name, tuples as lists."""
        return {
            name: list(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self).items()
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> TrainConfig:
        """The inverse of ``to_json``.

        Raises:
            ConfigError: a field is unknown or missing, or its value not allowed.
        """
        names = {setting.name for setting in dataclasses.fields(cls)}
        unknown = sorted(set(values) - names)
        if unknown:
            raise ConfigError(f"written by another version: unknown settings: {', '.join(unknown)}")
        missing = sorted(names - set(values))
        if missing:
            raise ConfigError(f"written by another version: lacks {', '.join(missing)}")
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**fields)
