"""The report of a run: one HTML file with its pictures in it, that needs no network."""

from __future__ import annotations

import base64
import dataclasses
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from infogan_fast.data.images import size_text
from infogan_fast.evaluation import headlines
from infogan_fast.evaluation.classes import classes_of_categories
from infogan_fast.evaluation.pictures import caption, drawn_as
from infogan_fast.evaluation.pictures.grids import MAX_ROWS
from infogan_fast.files import shell_word
from infogan_fast.report.curves import plots
from infogan_fast.training.overrides import value_text
from infogan_fast.training.settings import TrainConfig

#: The most pictures in a report: each may be a megabyte.
MAX_PICTURES = 40


@dataclass(frozen=True)
class RunRecord:
    """A run as its folder holds it."""

    path: Path
    """The path of the run folder."""
    config: TrainConfig
    about: Mapping[str, Any]
    """How it was started: ``command_line``, ``versions``, ``threads``, where they are known."""
    lines: Sequence[dict[str, Any]]
    """The lines of ``metrics.jsonl``."""
    summary: dict[str, Any] | None
    """What ``summary.json`` holds; None for a run that has not finished."""


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was evaluated after the run or during it."""

    which: str | int
    """``last`` or ``best``."""
    step: int
    """Training steps done there."""
    data: str | None = None
    """The data that it was evaluated on, where they are others than the run's own."""


@dataclass(frozen=True)
class _Setting:
    name: str
    value: str
    default: str
    changed: bool
    meaning: str


@dataclass(frozen=True)
class _Picture:
    name: str
    caption: str
    address: str | None
    """A data URI; None if the file is not there any more."""


@dataclass(frozen=True)
class _Matching:
    code: int
    pairs: list[tuple[int, str]]
    """A category, from 0, and the name or label of its class."""


def report_page(
    run: RunRecord,
    results: dict[str, Any],
    pictures: Mapping[str, bytes | None],
    pictures_left_out: int = 0,
    checkpoint: Checkpoint | None = None,
) -> bytes:
    """The page of a run, or of one of its checkpoints.

    Args:
        run: which.
        results: the metrics that are reported, under the names of ``summary.json``: the run's own summary, or what
            ``evaluate_run`` gives of a checkpoint.
        pictures: PNG files of the same weights by name, in their order; None for one that is missing.
        pictures_left_out: how many more there are.
        checkpoint: what the results are of; None for the end of the run.

    Returns:
        The HTML file. The same values give the same bytes.
    """
    config, lines = run.config, run.lines
    end = results if run.summary is None else run.summary
    run_is_over = checkpoint is None or any(line["step"] >= config.steps for line in lines)
    more_steps = f" --steps {2 * config.steps}" if run_is_over else ""
    lines = [line for line in lines if checkpoint is None or line["step"] <= checkpoint.step]
    other_data = checkpoint is not None and checkpoint.data is not None
    shape = results["shape"]
    page = template().render(
        folder=str(run.path),
        checkpoint=checkpoint,
        config=config,
        trained_on=end if not (other_data and end is results) else None,
        other_data=results if other_data else None,
        items="images" if drawn_as(shape) == "images" else "samples",
        size_text=size_text,
        objective=config.objective,
        steps=checkpoint.step if checkpoint else results["steps"],
        seconds=lines[-1]["seconds"] if checkpoint and lines else results.get("seconds"),
        images_per_second=results.get("images_per_second"),
        results=results,
        codes=headlines.code_metrics(results),
        accuracy_headlines=headlines.accuracy_headlines(results),
        other_headlines=headlines.other_headlines(results),
        notes=_notes(results),
        findings=results.get("findings"),
        reasons=list(filter(None, (headlines.why_no_accuracy(results), headlines.why_no_image_quality(results)))),
        matchings=[_matching(entry, results) for entry in results["accuracy_per_code"]],
        max_rows=MAX_ROWS,
        pictures=[_picture(name, content, shape) for name, content in pictures.items()],
        picture_class=drawn_as(shape),
        pictures_left_out=pictures_left_out,
        plots=[(_address("svg+xml", plot.svg.encode()), plot.caption) for plot in plots(config.spec, lines)],
        settings=_settings(config),
        versions=run.about.get("versions", {}),
        threads=run.about.get("threads"),
        device_name=end.get("device_name", config.device),
        typed=_typed(run.about.get("command_line", [])),
        spelled_out=_spelled_out(config),
        run_is_over=run_is_over,
        to_resume=f"infogan-fast train --resume --out {shell_word(run.path)}{more_steps}",
    )
    # Bytes in the name of a file that are no text have come here as surrogates.
    return page.encode("utf-8", "backslashreplace")


def template() -> Template:
    """The template of the page, ``report.html.j2`` beside this module. All that is put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("infogan_fast.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _notes(results: dict[str, Any]) -> list[str]:
    """Sentences below the table of the codes."""
    notes = [headlines.BOUND, headlines.INTERVALS]
    if results["categories_recovered"]:
        notes.append(headlines.RECOVERED)
    if results["r2"]:
        notes += [headlines.R2, headlines.DIFFERENTIAL]
    return notes + ([results["bound_note"]] if results["bound_note"] is not None else [])


def _matching(entry: dict[str, Any], results: dict[str, Any]) -> _Matching:
    return _Matching(entry["categorical_code"], list(enumerate(classes_of_categories(entry, results))))


def _picture(name: str, content: bytes | None, shape: Sequence[int]) -> _Picture:
    return _Picture(name, caption(name, shape), None if content is None else _address("png", content))


def _address(kind: str, content: bytes) -> str:
    """An image file as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def _settings(config: TrainConfig) -> list[_Setting]:
    rows = []
    for field in dataclasses.fields(config):
        value, default = getattr(config, field.name), field.default
        changed = value != default
        rows.append(_Setting(field.name, value_text(value), value_text(default), changed, field.metadata["meaning"]))
    return rows


def _typed(words: Sequence[str]) -> str:
    """The command line that started the run, or last resumed it, as a shell takes it."""
    if words[1:2] == ["train"]:
        words = ["infogan-fast", *words[1:]]
    return shlex.join(words)


def _spelled_out(config: TrainConfig) -> str:
    """A command that trains with these settings, whatever the presets of another version are."""
    words = ["infogan-fast", "train", "--preset", "mnist5k-plain", "--data", config.data, "--out", "NEW_FOLDER"]
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if field.name != "data" and value != field.default:
            words += ["--set", f"{field.name}={value_text(value)}"]
    return shlex.join(words)
