"""What the files of a run folder hold, each checked against one schema before anything is made of it.

A folder may come from a stranger, and a disk may damage a file: types are not converted, numbers are finite and
bounded, and names of files are of the form that a run writes. Settings are checked by ``TrainConfig``.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, InstanceOf, Strict, ValidationError, model_validator

from infogan_fast.runs.errors import RunFolderError
from infogan_fast.text import short

#: Bytes that a file may have, or a line of ``metrics.jsonl``: some numbers for each of the most codes that can be.
MOST_BYTES = 16 * 2**20

#: Text may hold surrogates: the bytes of a path that are not UTF-8.
Text = InstanceOf[str]
Real = Annotated[float, Field(allow_inf_nan=False)]
NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Whole = Annotated[int, Field(ge=0, le=2**53)]
Count = Annotated[int, Field(ge=1, le=2**53)]
Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Pair = Annotated[tuple[Real, Real], Strict(False)]  # a list in JSON
Shape = Annotated[list[Annotated[int, Field(ge=1, le=2**31)]], Field(min_length=1, max_length=8)]


class Schema(BaseModel):
    """The schema of a file that a run writes. Unknown keys, which a later version may write, are left out."""

    model_config = ConfigDict(strict=True, extra="ignore")


S = TypeVar("S", bound=Schema)


class ConfigFile(Schema):
    """``config.json``."""

    settings: dict[Text, Any]
    command_line: list[Text] = []
    versions: dict[Text, Text] = {}
    threads: Annotated[int, Field(ge=1, le=65536)] | None = None
    networks: dict[Text, Text] = {}
    terms: list[Text] = []


class Multipliers(Schema):
    """``Schedule`` in a line of ``metrics.jsonl``."""

    learning_rate: Fraction
    continuous_weight: Fraction


class MetricsLine(Schema):
    """A line of ``metrics.jsonl``, as ``Metrics.to_json`` gives it."""

    model_config = ConfigDict(strict=True, extra="allow")
    __pydantic_extra__: dict[str, Real] = Field(init=False)  # what the terms of the objective log, by name

    step: Count
    seconds: NotNegative
    images_per_second: NotNegative
    mi_bound_nats: list[Real]
    schedule: Multipliers


class CheckpointScalars(Schema):
    """What a checkpoint holds beside its tensors."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Count
    step: Whole
    best: Annotated[tuple[Count, Real], Strict(False)] | None
    seconds: NotNegative
    last_log: Annotated[tuple[Whole, NotNegative], Strict(False)]
    shape: Shape
    value_range: Pair
    networks: dict[Text, Text]
    images: Count
    images_sha256: Sha256
    labels_sha256: Sha256 | None
    metrics: list[Text]
    settings: dict[Text, Any]

    @model_validator(mode="after")
    def _in_order(self) -> CheckpointScalars:
        most_seconds = self.seconds
        for key, got, most in (
            ("best.0", self.best[0] if self.best else 0, self.step),
            ("last_log.0", self.last_log[0], self.step),
            ("last_log.1", self.last_log[1], most_seconds),
        ):
            if got > most:
                raise ValueError(f"{key}: got {got}, allowed: at most {most}")
        return self


class AccuracyEntry(Schema):
    """One categorical code as a classifier, in ``summary.json``."""

    categorical_code: Count
    accuracy: Fraction | None
    accuracy_ci: Pair | None
    accuracy_train: Fraction
    nmi: Real
    ari: Real
    chance: Fraction | None = None
    nmi_by_chance: Real | None = None
    class_of_category: list[Annotated[int, Field(ge=-1, le=2**53)]]

    @model_validator(mode="after")
    def _with_interval(self) -> AccuracyEntry:
        _both_or_neither(self, "accuracy", "accuracy_ci")
        return self


class Disentanglement(Schema):
    """The scores on known factors, in ``summary.json``."""

    factors: Annotated[list[Text], Field(min_length=1)]
    factor_vae: Real
    mig: Real
    sap: Real
    dci: Real
    beta_vae: Real


class ImageQuality(Schema):
    """Distances of generated to real images, in ``summary.json``."""

    images: Whole
    swd: NotNegative | None
    swd_floor: NotNegative | None
    fid: Real | None
    fid_floor: Real | None
    fid_note: Text | None
    checkerboard: NotNegative | None = None
    checkerboard_real: NotNegative | None = None
    diversity: NotNegative | None = None
    diversity_real: NotNegative | None = None
    nearest: NotNegative | None = None
    nearest_real: NotNegative | None = None
    category_diversity: list[list[NotNegative | None]] = []
    category_diversity_real: list[list[NotNegative | None]] = []

    @model_validator(mode="after")
    def _with_floors(self) -> ImageQuality:
        _both_or_neither(self, "swd", "swd_floor")
        _both_or_neither(self, "fid", "fid_floor")
        return self


class RealCodesEntry(Schema):
    """What Q says of real data for one categorical code, in ``summary.json``."""

    categorical_code: Count
    images: Count
    category_shares: list[Fraction]
    real_posterior_entropy_nats: NotNegative


class Finding(Schema):
    """Something that is wrong with a run, in ``summary.json``."""

    name: Text
    sentence: Text
    advice: Text


class SummaryFile(Schema):
    """``summary.json``."""

    accuracy: Fraction | None
    accuracy_ci: Pair | None
    accuracy_train: Fraction | None
    accuracy_per_code: list[AccuracyEntry]
    code_names: Annotated[list[Text], Field(min_length=1)]
    mi_bound_nats: list[Real]
    mi_bound_ci_nats: list[Pair]
    entropy_nats: list[Real]
    r2: list[Real]
    categories_recovered: list[Fraction]
    disentanglement: Disentanglement | None
    image_quality: ImageQuality | None
    real_codes: list[RealCodesEntry] = []
    findings: list[Finding] | None = None
    bound_note: Text | None
    seconds: NotNegative
    images_per_second: NotNegative
    steps: Count
    training_images: Count
    heldout_images: Whole
    shape: Shape
    data_notes: list[Text]
    class_names: list[Text] = []
    device_name: Text
    pictures: list[Annotated[str, Field(pattern=r"^traversals/[a-z0-9_]+\.png$")]]

    @model_validator(mode="after")
    def _of_the_same_codes(self) -> SummaryFile:
        codes = len(self.code_names)
        for key in ("mi_bound_nats", "mi_bound_ci_nats", "entropy_nats"):
            if len(getattr(self, key)) != codes:
                raise ValueError(f"{key}: got {len(getattr(self, key))} values, allowed: {codes}, as code_names has")
        for key in ("r2", "categories_recovered", "accuracy_per_code"):
            if len(getattr(self, key)) > codes:
                raise ValueError(f"{key}: got {len(getattr(self, key))} values, allowed: at most {codes}, one per code")
        _both_or_neither(self, "accuracy", "accuracy_ci")
        return self


def parse_json(content: bytes, what: object, error: type[RunFolderError] = RunFolderError) -> Any:
    """The value that JSON stands for, in which no number is NaN and no key is there twice.

    Args:
        content: the text, of a bounded size.
        what: where it is from, with which the message begins.
        error: raised where it is not JSON.
    """
    try:
        return json.loads(content, object_pairs_hook=_once, parse_constant=_no_constant)
    except ValueError as reason:  # neither JSON nor text, or an integer of thousands of digits
        raise error(f"{what}: damaged, it is not JSON: {reason}") from reason
    except RecursionError as reason:
        raise error(f"{what}: damaged, it is nested too deeply") from reason


def checked(schema: type[S], value: Any, what: object, error: type[RunFolderError] = RunFolderError) -> S:
    """A value as a schema has it.

    Args:
        schema: of the file.
        value: as ``parse_json`` gives it.
        what: where it is from, with which the message begins.
        error: raised where it is not of the schema; the message names the key, what was got and what is allowed.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as reason:
        raise error(f"{what}: {_first(reason)}") from reason


def _first(error: ValidationError) -> str:
    """The first thing that is wrong, in one line."""
    found = error.errors(include_url=False, include_context=False)[0]
    key = ".".join(short(part)[1:-1] if isinstance(part, str) else str(part) for part in found["loc"])
    if found["type"] == "missing":
        return f"damaged, or written by another version: it lacks {key}"
    if found["type"] == "extra_forbidden":
        return f"damaged, or written by another version: it has {key}"
    if found["type"] == "value_error":
        return ".".join(filter(None, (key, found["msg"].removeprefix("Value error, "))))
    allowed = found["msg"].removeprefix("Input should be ").replace("tuple", "list").replace("Tuple", "a list that")
    return f"{key or 'its content'}: got {short(found['input'])}, allowed: {allowed}"


def _both_or_neither(values: Schema, key: str, other: str) -> None:
    if (getattr(values, key) is None) != (getattr(values, other) is None):
        raise ValueError(f"{other}: got {getattr(values, other)!r}, where {key} is {getattr(values, key)!r}")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has {short(twice)} twice")
    return values


def _no_constant(name: str) -> float:
    raise ValueError(f"it has the number {name}")
