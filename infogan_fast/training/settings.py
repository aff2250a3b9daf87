"""Every setting of a training run: its default, meaning, unit and allowed values, checked when it is made."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from typing import Any, Literal

from infogan_fast.networks import ARCHITECTURES
from infogan_fast.objectives import GAMES, game_terms
from infogan_fast.spec import LatentSpec, Prior, Variance
from infogan_fast.text import short
from infogan_fast.training.allowed import (
    BOOLEAN,
    LARGEST_WHOLE,
    Allowed,
    one_of,
    or_none,
    positive,
    real,
    setting,
    whole,
)

#: Of the setting ``networks``: modules of the user's own, which no file names in a way that could be run.
OWN_NETWORKS = "own"

#: Of the setting ``data``: a tensor or data set that was given from Python.
OWN_DATA = "own"

_MOST_PER_KIND = 65536  # latent variables, categories or images per batch: beyond this it is a slip of the keyboard
_MOST_STEPS_PER_LINE = 1_000_000  # the terms of that many steps are kept in memory

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["float32", "bfloat16"]
NetworkPart = Literal["generator", "head", "trunk"]
BestBy = Literal["mi_bound", "accuracy"]

_COUNT = whole(0, _MOST_PER_KIND)
_PRIOR = one_of("normal", "uniform")
_FRACTION = real(0.0, 1.0)
_SIDE = Allowed("a multiple of 4 from 4 to 1024", lambda v: whole(4, 1024).check(v) and v % 4 == 0)
_CARDINALITIES = Allowed(
    "integers from 1 to 65536, separated by commas; () for none",
    lambda v: isinstance(v, tuple) and all(whole(1, _MOST_PER_KIND).check(k) for k in v),
)
_VARIANCE = Allowed(
    "a number > 0, learned, learned_std", lambda v: v in ("learned", "learned_std") or positive().check(v)
)
_PARTS = Allowed(
    "any of generator, head, trunk, separated by commas; () for none",
    lambda v: isinstance(v, tuple) and set(v) <= {"generator", "head", "trunk"} and len(set(v)) == len(v),
)
_BETAS = Allowed(
    "two numbers, each >= 0 and < 1",
    lambda v: isinstance(v, tuple) and len(v) == 2 and all(real(0.0).check(b) and b < 1.0 for b in v),
)


def _is_name_or_path(value: Any) -> bool:
    """Whether the system can take it for the path of a file; other bytes than UTF-8 are in it as surrogates."""
    return isinstance(value, str) and bool(value) and b"\0" not in os.fsencode(value)


class ConfigError(ValueError):
    """A setting is unknown or has a value that is not allowed; the message names it and says what is."""


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training run.

    The defaults are the preset ``mnist5k-plain``: a quarter of the paper's width on a CPU, some minutes on two cores.
    Each field's ``metadata`` holds its ``meaning`` (with unit) and what is ``allowed``; ``infogan-fast train
    --settings`` prints them.

    Raises:
        ConfigError: a value is not allowed. The message gives the field, the value and the values allowed.
    """

    # What is learned from
    data: str = setting(
        "mnist5k",
        Allowed("a name, or a path", _is_name_or_path),
        "name of a data set; or path of a folder of image files or of IDX files, or of an IDX, .npy or .npz file; or "
        "own, what is given from Python (data=)",
    )
    image_size: int | None = setting(
        None,
        or_none(_SIDE),
        "side of the images in pixels: the short side is resized to it and the centre cropped; none = as they are, "
        "and 32 for a folder of image files",
    )
    channels: int | None = setting(
        None,
        or_none(one_of(1, 3)),
        "of the images: 1 = grey, 3 = RGB; none = as they are, where a folder of image files is grey if none of "
        "them has colour",
    )
    strict: bool = setting(
        False,
        BOOLEAN,
        "a file in a folder of image files that cannot be read is an error; otherwise it is skipped and named",
    )
    stream: bool | None = setting(
        None,
        or_none(BOOLEAN),
        "read the images batch by batch while training, with the same result, instead of holding them in memory; "
        "none = where they would take more than half of the free memory",
    )
    workers: int | None = setting(
        None,
        or_none(whole(0, 256)),
        "worker processes that read images while training; 0 = the training process reads them; none = one per "
        "core, at most 8",
    )
    seed: int = setting(0, whole(0, LARGEST_WHOLE), "of weights, order of the data, latent codes and instance noise")

    # Latent code
    noise: int = setting(62, _COUNT, "noise variables z, which Q does not recover")
    noise_prior: Prior = setting("normal", _PRIOR, "prior of z: N(0, 1) or U(-1, 1)")
    categorical: tuple[int, ...] = setting((10,), _CARDINALITIES, "number of categories of each categorical code")
    continuous: int = setting(2, _COUNT, "number of continuous codes")
    continuous_prior: Prior = setting("uniform", _PRIOR, "prior of the continuous codes: U(-1, 1) or N(0, 1)")

    # Networks
    networks: str = setting(
        "mnist",
        one_of(*ARCHITECTURES, OWN_NETWORKS),
        "architecture of the networks: the paper's for MNIST (images whose sides are multiples of 4), for SVHN and "
        "CelebA, for 3D faces and for 3D chairs (square images with sides of 16, 32, 64 or 128), or the one that "
        "is common in Keras (multiples of 4); or own, networks that are given from Python (model=)",
    )
    width: float | None = setting(
        None,
        or_none(positive(64.0)),
        "multiplier of every channel count of the paper; none = by device, 0.25 on a CPU and 1.0 on a GPU",
    )

    # Objective
    game: str = setting(
        "non-saturating",
        one_of(*GAMES),
        "what D and G play for: the paper's loss with the non-saturating one for G; hinge loss; or the Wasserstein "
        "distance with gradient penalty, which wants discriminator_updates=5 and betas=0,0.9",
    )
    game_options: str | None = setting(
        None,
        or_none(Allowed("options and their values, such as penalty:10", lambda v: isinstance(v, str))),
        "options of the game, name:value, separated by commas: penalty of wgan-gp, the weight of the gradient penalty",
    )
    discriminator_updates: int = setting(
        1, whole(1, 100), "updates of D and Q in a training step, each on a batch of its own, before those of G"
    )
    generator_updates: int = setting(1, whole(1, 100), "updates of G in a training step")
    categorical_weight: float = setting(1.0, real(0.0), "weight (lambda) of each categorical code's loss, per nat")
    continuous_weight: float = setting(0.05, real(0.0), "weight (lambda) of each continuous code's loss, per nat")
    continuous_from: float = setting(
        0.1,
        _FRACTION,
        "share of the run after which the continuous codes begin to count; until then the categorical codes have "
        "the images to themselves; without categorical codes they count from the first step",
    )
    continuous_full: float = setting(
        0.4,
        Allowed("a number from continuous_from to 1", _FRACTION.check),
        "share of the run after which the continuous codes count with their whole weight",
    )
    variance: Variance = setting(
        0.0625,
        _VARIANCE,
        "variance of Q's Gaussian: a fixed one, or learned from a log-variance or a log-std output",
    )
    information_gradient: tuple[NetworkPart, ...] = setting(
        ("generator", "head", "trunk"),
        _PARTS,
        "the parts that receive the gradient of the information loss; without generator the images need not show "
        "the code (a plain GAN whose Q only watches), without trunk Q reads the features that D finds useful, "
        "without head Q's head keeps its initial weights",
    )
    real_information: float = setting(
        0.0,
        real(0.0),
        "weight, per nat, of a term on real images that is not the paper's: the information that Q's category for one "
        "view of an image has about that for another view (invariant information clustering), in D's update; needs no "
        "labels; 0 = plain InfoGAN; without categorical codes it does nothing",
    )

    # Optimisation
    steps: int = setting(7000, whole(1), "length of the run, in training steps (one update of D and one of G)")
    batch_size: int = setting(64, whole(2, _MOST_PER_KIND, " (batch normalisation needs two)"), "images per step")
    learning_rate_discriminator: float = setting(2e-3, real(0.0), "Adam's, of the trunk and D's output layer")
    learning_rate_generator: float = setting(4e-3, real(0.0), "Adam's, of G")
    learning_rate_head: float = setting(2e-3, real(0.0), "Adam's, of Q's head")
    betas: tuple[float, float] = setting((0.5, 0.999), _BETAS, "Adam's decay rates of the two moments")
    decay_from: float = setting(
        0.5,
        _FRACTION,
        "share of the run after which the learning rates fall linearly to 0 at its end; 1 = they never fall",
    )
    shear: float = setting(
        0.3,
        _FRACTION,
        "largest random horizontal shear of the input images of D and Q, real and generated, as a ratio of lengths",
    )
    rotation: float = setting(
        5.0,
        real(0.0, 180.0),
        "largest random rotation of the input images of D and Q, real and generated, in degrees",
    )
    instance_noise: float = setting(
        0.5,
        real(0.0),
        "standard deviation of the Gaussian noise on the input images of D and Q, real and generated, which are in "
        "[0, 1]",
    )
    ema: float = setting(
        0.0,
        Allowed("a number >= 0 and < 1", lambda v: real(0.0).check(v) and v < 1.0),
        "decay per step of a running average of G's weights, from which pictures and figures are then made; 0 = none, "
        "0.999 averages some 1,000 steps",
    )

    # Execution
    device: Device = setting(
        "auto", one_of("auto", "cpu", "cuda"), "auto = cuda if there is a GPU and the CUDA kernels were built"
    )
    compile: bool | None = setting(
        None,
        or_none(BOOLEAN),
        "compile the step with torch.compile: a minute or more at the start; none = on a GPU only, since on a CPU "
        "it is slower",
    )
    cuda_graph: bool = setting(True, BOOLEAN, "on a GPU, capture the step in a CUDA graph and replay it")
    precision: Precision = setting(
        "float32",
        one_of("float32", "bfloat16"),
        "of matrix products and convolutions; bfloat16 is autocast, the weights stay in float32. PyTorch's float32 "
        "convolutions use TF32 on a GPU, unless torch.backends.cudnn.allow_tf32 is false",
    )

    # What is written
    log_every: int = setting(50, whole(1, _MOST_STEPS_PER_LINE), "steps between lines of metrics.jsonl")
    checkpoint_every: int = setting(500, whole(1), "steps between checkpoints")
    keep_checkpoints: int = setting(2, whole(1), "how many of the last checkpoints are kept; the best one is, too")
    best_by: BestBy = setting(
        "mi_bound",
        one_of("mi_bound", "accuracy"),
        "what makes a checkpoint the best: the sum of L_I over the codes, in nats, of the steps since the line of "
        "metrics before; or the accuracy of the best categorical code on labelled training images",
    )
    picture_every: int = setting(500, whole(0), "steps between pictures during training; 0 = only at the end")
    tensorboard: bool = setting(
        False, BOOLEAN, "also write metrics and pictures for TensorBoard, to the folder tensorboard of the run"
    )
    evaluation_samples: int = setting(10000, whole(2), "images generated for the closing L_I and R2")

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            try:
                fits = entry.metadata["check"](value)
            except (TypeError, ValueError, OverflowError):  # an unhashable or otherwise foreign value
                fits = False
            if not fits:
                raise ConfigError(f"{entry.name}: got {short(value)}, allowed: {entry.metadata['allowed']}")
        if self.continuous_full < self.continuous_from:
            raise ConfigError(
                f"continuous_full: got {self.continuous_full!r}, allowed: at least continuous_from, "
                f"{self.continuous_from!r}"
            )
        try:
            game_terms(self.game, self.options_of_game)
        except ValueError as error:
            raise ConfigError(f"game_options: {error}") from error
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

    @property
    def options_of_game(self) -> dict[str, float]:
        """``game_options`` by name.

        Raises:
            ValueError: it is not of that form.
        """
        options: dict[str, float] = {}
        for part in (self.game_options or "").split(",") if self.game_options else ():
            name, colon, value = (text.strip() for text in part.partition(":"))
            try:
                options[name] = float(value)
            except ValueError:
                colon = ""
            if not colon or not name:
                raise ValueError(f"got {short(part)}, allowed: name:value, the value a number")
        return options

    @property
    def uses_real_information(self) -> bool:
        """Whether there is a term on real images."""
        return self.real_information > 0.0 and bool(self.categorical)

    @property
    def objective(self) -> str:
        """What reports name the objective: ``"plain"`` is the paper's."""
        game = "" if self.game == "non-saturating" else f"{self.game}, "
        if self.real_information == 0.0:
            return f"{game}plain"
        idle = "" if self.uses_real_information else ", which does nothing without categorical codes"
        return f"{game}with information on real images, weight {self.real_information:g}{idle}"

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
        known = {entry.name for entry in dataclasses.fields(cls)}
        unknown = sorted(set(values) - known)
        if unknown:
            names = ", ".join(short(name)[1:-1] for name in unknown[:5])
            raise ConfigError(f"written by another version: unknown settings: {names}")
        missing = sorted(known - set(values))
        if missing:
            raise ConfigError(f"written by another version: lacks {', '.join(missing)}")
        fields: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return cls(**fields)
