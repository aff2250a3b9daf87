"""Every setting of a training run: its default, meaning, unit and allowed values, checked when it is made."""

from __future__ import annotations

import dataclasses
import typing
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from infogan_fast.objectives import game_terms
from infogan_fast.spec import LatentSpec, Prior
from infogan_fast.text import short
from infogan_fast.training import allowed
from infogan_fast.training.allowed import LARGEST_WHOLE as LARGEST_WHOLE
from infogan_fast.training.allowed import OWN_NETWORKS as OWN_NETWORKS
from infogan_fast.training.ignore import Ignored, ignored

#: Of the setting ``data``: a tensor or data set that was given from Python.
OWN_DATA = "own"

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]
MatrixProduct = Literal["auto", "blas", "onednn"]
BestBy = Literal["mi_bound", "accuracy"]


class ConfigError(ValueError):
    """A setting is unknown or has a value that is not allowed; the message names it and says what is."""


def setting(default: Any, meaning: str) -> Any:
    """A dataclass field whose metadata hold its ``meaning`` for the user, with unit."""
    return dataclasses.field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True)
class TrainConfig:
    """Settings of one training run.

    The defaults are the preset ``mnist5k-plain``: a quarter of the paper's width on a CPU, some minutes on two cores.
    Each field's ``metadata`` holds its ``meaning``, with unit, and its annotation says what is allowed, which
    ``allowed_values`` gives in words; ``infogan-fast train --settings`` prints both. Types are strict: an integer is
    taken for a number, and no other value for one of another type.

    Raises:
        ConfigError: a value is not allowed. The message gives the field, the value and the values allowed.
    """

    # What is learned from
    data: allowed.NameOrPath = setting(
        "mnist5k",
        "name of a data set; or path of a folder of image files or of IDX files, or of an IDX, .npy or .npz file; or "
        "own, what is given from Python (data=)",
    )
    image_size: allowed.Side | None = setting(
        None,
        "side of the images in pixels: the short side is resized to it and the centre cropped; none = as they are, "
        "and 32 for a folder of image files",
    )
    channels: allowed.Channels | None = setting(
        None,
        "of the images: 1 = grey, 3 = RGB; none = as they are, where a folder of image files is grey if none of "
        "them has colour",
    )
    strict: bool = setting(
        False,
        "a file in a folder of image files that cannot be read is an error; otherwise it is skipped and named",
    )
    stream: bool | None = setting(
        None,
        "read the images batch by batch while training, with the same result, instead of holding them in memory; "
        "none = where they would take more than half of the free memory",
    )
    workers: allowed.Workers | None = setting(
        None,
        "worker processes that read images while training; 0 = the training process reads them; none = one per "
        "core, at most 8",
    )
    heldout_fraction: allowed.LessThanOne = setting(
        0.2,
        "fraction of the images of each class in a labelled folder of image files that is held out of the training, "
        "rounded; other data have a held-out part of their own, or none; 0 = none",
    )
    seed: allowed.Whole = setting(0, "of weights, order of the data, latent codes and instance noise")

    # Latent code
    noise: allowed.Count = setting(62, "noise variables z, which Q does not recover")
    noise_prior: Prior = setting("normal", "prior of z: N(0, 1) or U(-1, 1)")
    categorical: allowed.Cardinalities = setting((10,), "number of categories of each categorical code")
    continuous: allowed.Count = setting(2, "number of continuous codes")
    continuous_prior: Prior = setting("uniform", "prior of the continuous codes: U(-1, 1) or N(0, 1)")

    # Networks
    networks: allowed.NetworksOrOwn = setting(
        "mnist",
        "architecture of the networks: the paper's for MNIST (images whose sides are multiples of 4), for SVHN and "
        "CelebA, for 3D faces and for 3D chairs (square images with sides of 16, 32, 64 or 128), or the one that "
        "is common in Keras (multiples of 4); or own, networks that are given from Python (model=)",
    )
    width: allowed.Width | None = setting(
        None,
        "multiplier of every channel count of the paper; none = by device, 0.25 on a CPU and 1.0 on a GPU",
    )

    # Objective
    game: allowed.Game = setting(
        "non-saturating",
        "what D and G play for: the paper's loss with the non-saturating one for G; hinge loss; or the Wasserstein "
        "distance with gradient penalty, which wants discriminator_updates=5 and betas=0,0.9",
    )
    game_options: allowed.GameOptions | None = setting(
        None,
        "options of the game, name:value, separated by commas: penalty of wgan-gp, the weight of the gradient penalty",
    )
    discriminator_updates: allowed.Updates = setting(
        1, "updates of D and Q in a training step, each on a batch of its own, before those of G"
    )
    generator_updates: allowed.Updates = setting(1, "updates of G in a training step")
    categorical_weight: allowed.NotNegative = setting(1.0, "weight (lambda) of each categorical code's loss, per nat")
    continuous_weight: allowed.NotNegative = setting(0.05, "weight (lambda) of each continuous code's loss, per nat")
    continuous_from: allowed.Fraction = setting(
        0.1,
        "fraction of the run after which the continuous codes begin to count; until then the categorical codes have "
        "the images to themselves; without categorical codes they count from the first step",
    )
    continuous_full: allowed.LaterFraction = setting(
        0.4,
        "fraction of the run after which the continuous codes count with their whole weight",
    )
    variance: allowed.QVariance = setting(
        0.0625,
        "variance of Q's Gaussian: a fixed one, or learned from a log-variance or a log-std output",
    )
    information_gradient: allowed.Parts = setting(
        ("generator", "head", "trunk"),
        "the parts that receive the gradient of the information loss; without generator the images need not show "
        "the code (a plain GAN whose Q only watches), without trunk Q reads the features that D finds useful, "
        "without head Q's head keeps its initial weights",
    )
    real_information: allowed.NotNegative = setting(
        0.0,
        "weight, per nat, of a term on real images that is not the paper's: the information that Q's category for one "
        "view of an image has about that for another view (invariant information clustering), in D's update; needs no "
        "labels; 0 = plain InfoGAN; without categorical codes it does nothing",
    )

    real_information_views: allowed.Views = setting(
        1,
        "how many pairs of views of each real image that term compares in a step, where the categories are read by a "
        "network of their own; more make it surer",
    )
    real_information_entropy: allowed.NotNegative = setting(
        1.0,
        "how much the entropy of the categories counts within that term; above 1, such as 1.5, it keeps categories "
        "from merging early on, and draws those of unequal size together",
    )
    conditional_discriminator: bool = setting(
        False,
        "D judges an image together with its categories, which for a real image are those that Q reads off it "
        "(projection discriminator); does nothing unless the categories are read by a network of their own, there is a "
        "term on real images, and the game is another than wgan-gp",
    )
    ignore: allowed.Ignore = setting(
        (),
        "what the categorical codes are to ignore, kind or kind:strength, separated by commas: the views of the real "
        "images, which the term on them compares, differ in it, and so do the generated images that Q reads the "
        "categories off where these have a network of their own (networks=images). Not named, there are "
        "rotation:15, scale:0.4 and shift:0.2; rotation:0 is none. () = small shears, rotations, changes of scale and "
        "shifts, or these where the categories have a network of their own",
    )

    # Optimisation
    steps: allowed.Positive = setting(
        7000, "length of the run, in training steps: discriminator_updates of D, then generator_updates of G"
    )
    batch_size: allowed.BatchSize = setting(64, "images in each update")
    learning_rate_discriminator: allowed.NotNegative = setting(2e-3, "Adam's, of the trunk and D's output layer")
    learning_rate_generator: allowed.NotNegative = setting(4e-3, "Adam's, of G")
    learning_rate_head: allowed.NotNegative = setting(2e-3, "Adam's, of Q's head")
    betas: allowed.Betas = setting((0.5, 0.999), "Adam's decay rates of the two moments")
    decay_from: allowed.Fraction = setting(
        0.5,
        "fraction of the run after which the learning rates fall linearly to 0 at its end; 1 = they never fall",
    )
    shear: allowed.Fraction = setting(
        0.3,
        "largest random horizontal shear of the input images of D and Q, real and generated, as a ratio of lengths",
    )
    rotation: allowed.Degrees = setting(
        5.0,
        "largest random rotation of the input images of D and Q, real and generated, in degrees",
    )
    augmentation: allowed.Fraction = setting(
        0.0,
        "probability that an input image of D and Q, real or generated, is moved in what is to be ignored: rotated, "
        "sheared, scaled, shifted, cropped or flipped as far as ignore says; below 1, so that G still learns the "
        "images as they are. For few images, of which D would else learn every one",
    )
    instance_noise: allowed.NotNegative = setting(
        0.5,
        "standard deviation of the Gaussian noise on the input images of D and Q, real and generated, which are in "
        "[0, 1]",
    )
    ema: allowed.Decay = setting(
        0.0,
        "decay per step of an exponential moving average of G's weights, from which image grids and metrics are then "
        "made; 0 = none, 0.999 averages over some 1,000 steps",
    )

    # Execution
    device: Device = setting("auto", "auto = cuda if there is a GPU and the CUDA kernels were built")
    compile: bool | None = setting(
        None,
        "compile the step with torch.compile: a minute or more at the start; none = on a GPU only, since on a CPU "
        "it is slower",
    )
    cuda_graph: bool = setting(True, "on a GPU, capture the step in a CUDA graph and replay it")
    precision: Precision = setting(
        "float32",
        "of matrix products, convolutions and the images between them; with bfloat16 weights, sums and statistics stay "
        "in float32; auto = bfloat16 on a CPU that has instructions for it (AVX512_BF16 or AMX), else float32. "
        "PyTorch's float32 convolutions use TF32 on a GPU, unless torch.backends.cudnn.allow_tf32 is false",
    )
    matrix_product: MatrixProduct = setting(
        "auto",
        "on a CPU, the library that multiplies float32 matrices: blas is torch's mm (MKL in its builds for x86), "
        "onednn its oneDNN; auto = onednn on a processor with AVX-512 that is not Intel's, where MKL does not use it, "
        "else blas. Results differ in their last bits",
    )

    # What is written
    log_every: allowed.StepsPerLine = setting(50, "steps between lines of metrics.jsonl")
    checkpoint_every: allowed.Positive = setting(500, "steps between checkpoints")
    keep_checkpoints: allowed.Positive = setting(2, "how many of the last checkpoints are kept; the best one is, too")
    best_by: BestBy = setting(
        "mi_bound",
        "what makes a checkpoint the best: the sum of L_I over the codes, in nats, of the steps since the line of "
        "metrics before; or the accuracy of the best categorical code on labelled training images",
    )
    picture_every: allowed.Whole = setting(500, "steps between image grids during training; 0 = only at the end")
    tensorboard: bool = setting(
        False, "also write metrics and image grids for TensorBoard, to the folder tensorboard of the run"
    )
    evaluation_samples: allowed.Samples = setting(10000, "images generated for the closing L_I and R2")

    def __post_init__(self) -> None:
        for name, values in allowed_values().items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, values.checked(value))
            except ValueError:
                raise ConfigError(f"{name}: got {short(value)}, allowed: {values.text}") from None
        if self.continuous_full < self.continuous_from:
            raise ConfigError(
                f"continuous_full: got {self.continuous_full!r}, allowed: at least continuous_from, "
                f"{self.continuous_from!r}"
            )
        try:
            game_terms(self.game, self.options_of_game)
        except ValueError as error:
            raise ConfigError(f"game_options: {error}") from error
        try:
            ignored(self.ignore)
        except ValueError as error:
            raise ConfigError(f"ignore: {error}") from error
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
        """The options of the game with their values, from ``game_options``.

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
    def ignored(self) -> Ignored:
        """How far the views differ that the categories are read off, from ``ignore``."""
        return ignored(self.ignore)

    @property
    def uses_real_information(self) -> bool:
        """Whether there is a term on real images."""
        return self.real_information > 0.0 and bool(self.categorical)

    @property
    def uses_conditional_discriminator(self) -> bool:
        """Whether built-in networks that read the categories by one of their own get a conditional D."""
        return self.conditional_discriminator and self.uses_real_information and self.game != "wgan-gp"

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


@cache
def allowed_values() -> dict[str, allowed.Allowed]:
    """What each setting may be, by name."""
    hints = typing.get_type_hints(TrainConfig, include_extras=True)
    return {entry.name: allowed.Allowed(hints[entry.name]) for entry in dataclasses.fields(TrainConfig)}
