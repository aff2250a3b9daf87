"""The values that a setting may have: the check that pydantic makes of an annotation, and the same in words."""

from __future__ import annotations

import os
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter

from infogan_fast.networks.architectures import Networks
from infogan_fast.objectives import GAMES
from infogan_fast.training.ignore import KINDS

#: The largest integer that a setting may be.
LARGEST_WHOLE = 2**31 - 1

#: Of the setting ``networks``: modules of the user's own, which no file names in a way that could be run.
OWN_NETWORKS: Final = "own"

_MOST_PER_KIND = 65536  # latent variables, categories or images per batch: beyond this it is a slip of the keyboard
_MOST_STEPS_PER_LINE = 1_000_000  # the metrics of that many steps are kept in memory

NetworkPart = Literal["generator", "head", "trunk"]


def _name_or_path(value: str) -> str:
    """What the system can take for the path of a file; other bytes than UTF-8 are in it as surrogates."""
    if not value or b"\0" in os.fsencode(value):
        raise ValueError(value)
    return value


def _grey_or_rgb(value: int) -> int:
    if value not in (1, 3):  # a Literal would take True for 1
        raise ValueError(value)
    return value


def _game(value: str) -> str:
    if value not in GAMES:
        raise ValueError(value)
    return value


def _different(parts: tuple[NetworkPart, ...]) -> tuple[NetworkPart, ...]:
    if len(set(parts)) < len(parts):
        raise ValueError(parts)
    return parts


# A description stands for the words that would follow from the types and limits.
NameOrPath = Annotated[str, AfterValidator(_name_or_path), Field(description="a name, or a path")]
Side = Annotated[int, Field(ge=4, le=1024, multiple_of=4)]
Channels = Annotated[int, AfterValidator(_grey_or_rgb), Field(description="1, 3")]
LessThanOne = Annotated[float, Field(ge=0.0, lt=1.0)]
Workers = Annotated[int, Field(ge=0, le=256)]
Count = Annotated[int, Field(ge=0, le=_MOST_PER_KIND)]
Cardinalities = Annotated[
    tuple[Annotated[int, Field(ge=1, le=_MOST_PER_KIND)], ...],
    Field(description=f"integers from 1 to {_MOST_PER_KIND}, separated by commas; () for none"),
]
NetworksOrOwn = Networks | Literal["own"]
Width = Annotated[float, Field(gt=0.0, le=64.0)]
Game = Annotated[str, AfterValidator(_game), Field(description=", ".join(GAMES))]
GameOptions = Annotated[str, Field(description="a list such as penalty:10")]
Updates = Annotated[int, Field(ge=1, le=100)]
NotNegative = Annotated[float, Field(ge=0.0)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
LaterFraction = Annotated[Fraction, Field(description="a number from continuous_from to 1")]
QVariance = Annotated[float, Field(gt=0.0)] | Literal["learned", "learned_std"]
Parts = Annotated[
    tuple[NetworkPart, ...],
    AfterValidator(_different),
    Field(description="any of generator, head, trunk, separated by commas; () for none"),
]
Views = Annotated[int, Field(ge=1, le=64)]
Ignore = Annotated[
    tuple[str, ...],
    Field(description=f"any of {', '.join(KINDS)}, each with a strength after a colon or without; () for none"),
]
BatchSize = Annotated[
    int,
    Field(
        ge=2, le=_MOST_PER_KIND, description=f"an integer from 2 to {_MOST_PER_KIND} (batch normalisation needs two)"
    ),
]
Decay = LessThanOne
Betas = Annotated[tuple[Decay, Decay], Field(description="two numbers, each >= 0 and < 1")]
Degrees = Annotated[float, Field(ge=0.0, le=180.0)]
Whole = Annotated[int, Field(ge=0, le=LARGEST_WHOLE)]
Positive = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
StepsPerLine = Annotated[int, Field(ge=1, le=_MOST_STEPS_PER_LINE)]
Samples = Annotated[int, Field(ge=2, le=LARGEST_WHOLE)]


class Allowed:
    """The values that an annotation allows: of exactly its types, and finite.

    Args:
        annotation: of a setting.
    """

    def __init__(self, annotation: Any) -> None:
        self._adapter: TypeAdapter[Any] = TypeAdapter(annotation, config=ConfigDict(strict=True, allow_inf_nan=False))
        self.text = in_words(self._adapter.json_schema())
        """The words for the user, as in "allowed: an integer from 1 to 100"."""

    def checked(self, value: Any) -> Any:
        """The value, an integer as a float where the annotation is one.

        Raises:
            ValueError: it is not allowed.
        """
        return self._adapter.validate_python(value)


def in_words(schema: dict[str, Any]) -> str:
    """What a JSON schema allows, for the user."""
    if "description" in schema:
        return str(schema["description"])
    if "anyOf" in schema:
        *others, last = map(in_words, schema["anyOf"])
        separator = ", or " if last == "none" and others[0].startswith("a") else ", "
        return ", ".join(others) + separator + last
    if "enum" in schema or "const" in schema:
        return ", ".join(map(str, schema.get("enum") or [schema["const"]]))
    words = {"boolean": "true, false", "null": "none", "integer": "an integer", "number": "a number"}[schema["type"]]
    if "multipleOf" in schema:
        words = f"a multiple of {schema['multipleOf']}"
    if "minimum" in schema and "maximum" in schema:
        return f"{words} from {schema['minimum']:.10g} to {schema['maximum']:.10g}"
    signs = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}
    limits = [f"{sign} {schema[limit]:.10g}" for limit, sign in signs.items() if limit in schema]
    return " ".join([words, " and ".join(limits)]) if limits else words
