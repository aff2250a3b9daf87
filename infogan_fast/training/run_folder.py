"""The folder of a run: its settings, metrics, checkpoints, pictures, ``summary.json`` and ``report.html``."""

from __future__ import annotations

import json
import math
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

from infogan_fast.files import (
    TEMPORARY_SUFFIX,
    WriteError,
    append_line,
    bytes_text,
    free_space,
    remove,
    shorten,
    write_atomically,
    write_json,
)
from infogan_fast.training.checkpoint import checkpoints
from infogan_fast.training.config import ConfigError, TrainConfig

RUNS = Path("runs")

#: The first file that a run writes; a run that was killed while it did leaves this and nothing else.
_FIRST_TEMPORARY = "config.json" + TEMPORARY_SUFFIX


class RunFolderError(ValueError):
    """The folder of a run cannot be used; the message says why and what to type."""


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []

    def __str__(self) -> str:
        """The path as a shell takes it."""
        return shlex.quote(str(self.path))

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def traversals(self) -> Path:
        """Folder of the pictures."""
        return self.path / "traversals"

    @property
    def tensorboard(self) -> Path:
        """Folder of TensorBoard's event files."""
        return self.path / "tensorboard"

    @property
    def is_run(self) -> bool:
        """Whether a run was started here."""
        return (self.path / "config.json").is_file()

    def make(self) -> None:
        """Make the folder.

        Raises:
            RunFolderError: the system does not let it be made.
        """
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RunFolderError(f"--out {self.path}: cannot be made: {error.strerror}") from error
        self._made = missing

    def remove_if_unused(self) -> None:
        """Undo ``make`` where nothing was written since."""
        for path in self._made:
            with suppress(OSError):  # not empty
                path.rmdir()

    def prepare(self) -> None:
        """See that the folder can be written, and remove what a run that was killed was in the middle of writing.

        Raises:
            RunFolderError: it cannot be written.
        """
        try:
            for name in ("config.json", "metrics.jsonl", "summary.json", "report.html"):
                remove(self.path / (name + TEMPORARY_SUFFIX))
            for folder, pattern in ((self.checkpoints, "*.safetensors"), (self.traversals, "*.png")):
                for left in folder.glob(pattern + TEMPORARY_SUFFIX):
                    remove(left)
            for folder in (self.path, self.checkpoints, self.traversals):
                if folder.is_dir():
                    _try_to_write(folder)
        except (OSError, WriteError) as error:
            raise RunFolderError(f"--out {self.path}: {error}") from error

    def check_room(self, needed: int) -> None:
        """See that there is room for ``needed`` bytes, where the system says how much is free.

        Raises:
            RunFolderError: there is not.
        """
        free = free_space(self.path)
        if free is not None and free < needed:
            raise RunFolderError(
                f"--out {self.path}: the checkpoints need {bytes_text(needed)}, free there: {bytes_text(free)}; "
                "make room, or give a folder on another disk"
            )

    def write_config(self, config: TrainConfig, about: dict[str, Any]) -> None:
        """Write ``config.json``: the settings in effect, and what else is known about the run."""
        write_json(self.path / "config.json", {"settings": config.to_json(), **about})

    def read_config(self) -> TrainConfig:
        """The settings of ``config.json``.

        Raises:
            RunFolderError: there is no such file, or it is not one that this version's ``train`` wrote.
        """
        try:
            return TrainConfig.from_json(self._read_config_file()["settings"])
        except ConfigError as error:
            raise RunFolderError(f"{self.path / 'config.json'}: {error}") from error

    def read_about(self) -> dict[str, Any]:
        """What ``config.json`` holds beside the settings: command line, versions, threads.

        Raises:
            RunFolderError: as ``read_config``.
        """
        return {key: value for key, value in self._read_config_file().items() if key != "settings"}

    def read_threads(self) -> int | None:
        """How many threads the run had when it was last started; None if ``config.json`` does not say."""
        threads = self._read_config_file().get("threads")
        return threads if type(threads) is int else None

    def _read_config_file(self) -> dict[str, Any]:
        path = self.path / "config.json"
        if not path.is_file():
            reason = _lost_config(self.path) or "it has no config.json"
            raise RunFolderError(f"{self.path}: not the folder of a run: {reason}")
        try:
            values = json.loads(path.read_bytes())
        except ValueError as error:  # neither JSON nor text
            raise RunFolderError(f"{path}: damaged, it is not JSON: {error}") from error
        if not isinstance(values, dict) or not isinstance(values.get("settings"), dict):
            raise RunFolderError(f"{path}: damaged, or not the config.json of a run: it holds no settings")
        return values

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add a line to ``metrics.jsonl``."""
        append_line(self.path / "metrics.jsonl", json.dumps(line))

    def read_metrics(self) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``; none if there is no such file. Lines that cannot be read are left out."""
        path = self.path / "metrics.jsonl"
        lines = path.read_bytes().splitlines(keepends=True) if path.is_file() else []
        return [json.loads(line) for line in lines if _is_line_until(line, math.inf)]

    def drop_metrics_after(self, step: int) -> None:
        """Remove the lines of steps that a continued run is about to do again, and lines that cannot be read."""
        path = self.path / "metrics.jsonl"
        if path.is_file():
            content = path.read_bytes()
            kept = b"".join(line for line in content.splitlines(keepends=True) if _is_line_until(line, step))
            if content.startswith(kept):  # as always, but on a damaged disk
                shorten(path, len(kept))
            else:
                write_atomically(path, kept)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        write_json(self.path / "summary.json", summary)

    @property
    def has_summary(self) -> bool:
        """Whether the run was finished."""
        return (self.path / "summary.json").is_file()

    def read_summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds.

        Raises:
            RunFolderError: there is no such file, or it is damaged.
        """
        path = self.path / "summary.json"
        if not self.has_summary:
            raise RunFolderError(f"{self.path}: has no summary.json: the run is not finished")
        try:
            values = json.loads(path.read_bytes())
        except ValueError as error:  # neither JSON nor text
            raise RunFolderError(f"{path}: damaged, it is not JSON: {error}") from error
        if not isinstance(values, dict):
            raise RunFolderError(f"{path}: damaged, or not the summary.json of a run")
        return values


def new_run_folder(out: Path | None, name: str) -> RunFolder:
    """A folder for a new run, made if missing.

    Args:
        out: the folder asked for, or None for ``runs/<name>``, or ``runs/<name>-2`` and so on where that is taken.
        name: of the run.

    Raises:
        RunFolderError: ``out`` is a file, or a folder with something in it, or cannot be made.
    """
    if out is None:
        out, number = RUNS / name, 2
        while out.exists():
            out, number = RUNS / f"{name}-{number}", number + 1
    elif out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out}: is a file; give a new folder")
    elif out.is_dir() and any(path.name != _FIRST_TEMPORARY for path in out.iterdir()):
        hint = "add --resume to continue the run in it, or give" if RunFolder(out).is_run else "give"
        lost = _lost_config(out)
        raise RunFolderError(f"--out {out}: is not empty{f': {lost}' if lost else ''}; {hint} another folder")
    folder = RunFolder(out)
    folder.make()
    return folder


def _try_to_write(folder: Path) -> None:
    """Raise what the system says where a file cannot be made in a folder."""
    path = folder / _FIRST_TEMPORARY
    try:
        path.touch()
        path.unlink()
    except OSError as error:
        raise WriteError.of(path, error) from error


def _lost_config(path: Path) -> str | None:
    """What to say of a folder that holds checkpoints without the settings that belong to them."""
    folder = RunFolder(path)
    if folder.is_run or not checkpoints(folder.checkpoints):
        return None
    return "it holds checkpoints, but the config.json with their settings is missing and has to be put back"


def _is_line_until(line: bytes, step: float) -> bool:
    try:
        return line.endswith(b"\n") and bool(json.loads(line)["step"] <= step)
    except (ValueError, KeyError, TypeError):
        return False
