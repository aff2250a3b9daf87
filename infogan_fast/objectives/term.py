"""What a term of a loss is, and what it is computed from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar, Literal, NamedTuple, TypeAlias, get_args

from torch import Tensor

from infogan_fast.spec import Latents

Player = Literal["discriminator", "generator"]

#: What a term can ask for beside what every step has: the images as D saw them (``real``, ``fake``); another random
#: view of the real images and Q's output for both (``real_head``, ``second_view_head``); the real images' labels; or
#: one random number per image (``uniform``).
Input = Literal["images", "second_view", "labels", "uniform"]
INPUTS: tuple[Input, ...] = get_args(Input)


class DiscriminatorPasses(NamedTuple):
    """What the terms of D's and Q's update are computed from; each pass is made once per update, whoever uses it.

    Gradients reach D and Q, and not G.
    """

    real_logits: Tensor
    """``[B, 1]``, D's output for the real images, of a conditional D together with their categories."""
    fake_logits: Tensor
    """``[B, 1]``, D's output for the generated images."""
    fake_head: Tensor
    """``[B, head_dim]``, Q's output for the generated images."""
    latents: Latents
    """The latent variables of the generated images."""
    code_weight_scale: Tensor
    """``[m + C]``, what the schedule multiplies the weight of each code by."""
    real: Tensor | None
    """``[B, *shape]``, the real images as D saw them; None unless a term asks for ``images``."""
    fake: Tensor | None
    """``[B, *shape]``, the generated images as D saw them, detached from G; likewise."""
    judge: Callable[[Tensor], Tensor]
    """D's logits ``[B, 1]`` for other images ``[B, *shape]``, of no category, by another pass; for terms with second
    derivatives."""
    real_head: Tensor | None
    """``[B, head_dim]``, Q's output for the real images; None unless a term asks for ``second_view``."""
    second_view_head: Tensor | None
    """``[B, head_dim]``, Q's output for another random view of the real images; likewise."""
    labels: Tensor | None
    """``[B]`` int64, the classes of the real images; None unless a term asks for ``labels``."""
    uniform: Tensor | None
    """``[B]``, U(0, 1), drawn anew for each update; None unless a term asks for ``uniform``."""


class GeneratorPasses(NamedTuple):
    """What the terms of G's update are computed from. Gradients reach G, through D and Q as they are."""

    fake_logits: Tensor
    """``[B, 1]``, D's output for the generated images."""
    fake_head: Tensor | None
    """``[B, head_dim]``, Q's output for them; None unless a term of G's ``reads_q``."""
    latents: Latents
    """The latent variables of the generated images."""
    code_weight_scale: Tensor
    """``[m + C]``, what the schedule multiplies the weight of each code by."""


class Contribution(NamedTuple):
    """What a term adds to its player's loss, and what is written down of it."""

    loss: Tensor
    """0-d, what is minimised, its weight included."""
    logged: tuple[Tensor, ...]
    """Values for the metrics, 0-d or ``[n]``, one number for each of the term's ``metrics``, without gradient."""


class _Term(ABC):
    """What terms of both players have. A term has no state that training changes."""

    player: ClassVar[Player]
    inputs: ClassVar[frozenset[Input]] = frozenset()
    """The inputs that the term asks for. Asking for labels is an error where the data has none."""
    needs_second_derivatives: ClassVar[bool] = False
    """Whether the term differentiates D with respect to images, as a gradient penalty does. D's update is then computed
    by PyTorch's layers, and is not compiled: ``torch.compile`` has no second derivatives."""

    @property
    @abstractmethod
    def metrics(self) -> tuple[str, ...]:
        """Names of the values that it logs, distinct over all terms: keys of ``metrics.jsonl``, titles of curves."""


class DiscriminatorTerm(_Term):
    """One term of the loss of D and Q, computed from the passes that all terms share."""

    player = "discriminator"

    @abstractmethod
    def __call__(self, passes: DiscriminatorPasses) -> Contribution:
        """Compute what the term adds to the loss, and what it logs."""


class GeneratorTerm(_Term):
    """One term of G's loss, computed from the passes that all terms share."""

    player = "generator"
    reads_q: ClassVar[bool] = False
    """Whether the term needs Q's output."""

    @abstractmethod
    def __call__(self, passes: GeneratorPasses) -> Contribution:
        """Compute what the term adds to the loss, and what it logs."""


Term: TypeAlias = DiscriminatorTerm | GeneratorTerm
