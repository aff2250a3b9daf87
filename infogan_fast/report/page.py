"""``report.html``: a run in one file for a browser, with its pictures in it, that needs no network.

It is made from the files of the run folder alone, so that the same files give the same bytes.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from infogan_fast.data.images import size_text
from infogan_fast.evaluation import headlines
from infogan_fast.evaluation.pictures.grids import FIRST, LAST, MAX_ROWS
from infogan_fast.files import write_atomically
from infogan_fast.report.curves import plots
from infogan_fast.runs.checkpoint import Which
from infogan_fast.runs.files import read_picture
from infogan_fast.runs.folder import RunFolder
from infogan_fast.training.overrides import value_text
from infogan_fast.training.settings import TrainConfig

#: The most pictures in a report: each may be a megabyte.
MAX_PICTURES = 40


@dataclass(frozen=True)
class Subject:
    """What the figures of a report are of, where they are not those of the end of the run."""

    which: Which
    """Of the checkpoints."""
    step: int
    """Training steps done there."""
    data: str | None = None
    """Images other than the run's own; None for its own."""

    @property
    def file_name(self) -> str:
        """Of the report: another one than the run's own, and than that of another checkpoint or other data."""
        return f"report-{self.which}{'' if self.data is None else f'-on-{_short_name(self.data)}'}.html"


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
    """Row of the pictures, from 1, and the class."""


def write_report(folder: RunFolder) -> Path:
    """Write the report of a finished run, from ``summary.json``.

    Args:
        folder: of the run.

    Returns:
        The file.

    Raises:
        RunFolderError: ``config.json`` or ``summary.json`` is missing, or one of the run's files is damaged.
        WriteError: the file cannot be written, as on a full disk.
    """
    summary = folder.read_summary()
    pictures = {Path(name).name: folder.read_picture(name) for name in summary["pictures"][:MAX_PICTURES]}
    more = len(summary["pictures"]) - len(pictures)
    path = folder.path / "report.html"
    write_atomically(path, _page(folder, summary, pictures, more, None))
    return path


def write_evaluation_report(
    folder: RunFolder, figures: dict[str, Any], pictures: Sequence[Path], subject: Subject
) -> Path:
    """Write a report with the figures of a checkpoint, beside the run's own.

    Args:
        folder: of the run.
        figures: as ``evaluate_run`` gives them.
        pictures: of the same weights, named as ``write_traversals`` names them.
        subject: what the figures are of.

    Returns:
        The file.

    Raises:
        RunFolderError, WriteError: as ``write_report``; a run that has not finished needs no ``summary.json``.
    """
    path = folder.path / subject.file_name
    shown = {picture.name: read_picture(picture) for picture in pictures[:MAX_PICTURES]}
    write_atomically(path, _page(folder, figures, shown, max(0, len(pictures) - MAX_PICTURES), subject))
    return path


def _page(
    folder: RunFolder,
    figures: dict[str, Any],
    pictures: Mapping[str, bytes | None],
    pictures_left_out: int,
    subject: Subject | None,
) -> bytes:
    config, about = folder.read_config(), folder.read_about()
    end = folder.read_summary() if subject is not None and folder.has_summary else figures
    metrics = folder.read_metrics(config.spec.num_codes)
    run_is_over = subject is None or any(line["step"] >= config.steps for line in metrics)
    more_steps = f" --steps {2 * config.steps}" if run_is_over else ""
    metrics = [line for line in metrics if subject is None or line["step"] <= subject.step]
    other_data = subject is not None and subject.data is not None
    page = template().render(
        folder=str(folder.path),
        subject=subject,
        config=config,
        trained_on=end if "training_images" in end and not (other_data and end is figures) else None,
        other_data=figures if other_data else None,
        size_text=size_text,
        objective=config.objective,
        steps=subject.step if subject else figures["steps"],
        seconds=metrics[-1]["seconds"] if subject and metrics else figures.get("seconds"),
        images_per_second=figures.get("images_per_second"),
        figures=figures,
        codes=headlines.code_figures(figures),
        accuracy_headlines=headlines.accuracy_headlines(figures),
        other_headlines=headlines.other_headlines(figures),
        notes=_notes(figures),
        why_no_accuracy=headlines.why_no_accuracy(figures),
        matchings=[_matching(entry) for entry in figures["accuracy_per_code"]],
        max_rows=MAX_ROWS,
        pictures=[_picture(name, content) for name, content in pictures.items()],
        pictures_left_out=pictures_left_out,
        plots=[(Markup(plot.svg), plot.caption) for plot in plots(config, metrics)],
        settings=_settings(config),
        versions=about.get("versions", {}),
        threads=about.get("threads"),
        device_name=end.get("device_name", config.device),
        typed=_typed(about.get("command_line", [])),
        spelled_out=_spelled_out(config),
        run_is_over=run_is_over,
        to_continue=f"infogan-fast train --resume --out {folder}{more_steps}",
    )
    # Of the name of a file, bytes that are no text have come here as surrogates.
    return page.encode("utf-8", "backslashreplace")


def template() -> Template:
    """Of the page: ``report.html.j2``, which lies beside this module. All that is put into it is escaped."""
    environment = Environment(
        loader=PackageLoader("infogan_fast.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2")


def _notes(figures: dict[str, Any]) -> list[str]:
    """What holds for the table of the codes."""
    notes = [headlines.BOUND, headlines.INTERVALS]
    if figures["r2"]:
        notes += [headlines.R2, headlines.DIFFERENTIAL]
    return notes + ([figures["bound_note"]] if figures["bound_note"] is not None else [])


def _matching(entry: dict[str, Any]) -> _Matching:
    classes = ["none" if label < 0 else str(label) for label in entry["class_of_category"]]
    return _Matching(entry["categorical_code"], list(enumerate(classes, start=1)))


def _picture(name: str, content: bytes | None) -> _Picture:
    address = None if content is None else "data:image/png;base64," + base64.b64encode(content).decode()
    return _Picture(name, _caption(name), address)


def _caption(name: str) -> str:
    match = re.fullmatch(r"(noise|categorical(\d+))_(samples|continuous(\d+))\.png", name)
    if match is None:
        return name
    rows = f"the categories of categorical code {match[2]}" if match[2] else "samples of the noise"
    if match[4]:
        return f"Rows: {rows}. Columns: continuous code {match[4]} from {FIRST:g} to {LAST:g}, all else held fixed."
    if match[2]:
        return f"Rows: {rows}. Columns: samples of everything else, the same in each row."
    return "Samples of the noise and of all codes."


def _settings(config: TrainConfig) -> list[_Setting]:
    rows = []
    for field in dataclasses.fields(config):
        value, default = getattr(config, field.name), field.default
        changed = value != default
        rows.append(_Setting(field.name, value_text(value), value_text(default), changed, field.metadata["meaning"]))
    return rows


def _typed(words: Sequence[str]) -> str:
    """The command line that started the run, or continued it, as a shell takes it."""
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


def _short_name(data: str) -> str:
    """Of data, for the name of a file; of a path, with a hash, as folders of one name are many."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", Path(data).name).strip("-.")[:40]
    if Path(data).name == data:
        return name
    digest = hashlib.sha256(data.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{name}-{digest}" if name else digest
