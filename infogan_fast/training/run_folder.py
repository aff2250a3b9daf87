"""The folder of a run: ``config.json``, ``metrics.jsonl``, ``checkpoints/``, ``traversals/``, ``summary.json``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from infogan_fast.training.config import ConfigError, TrainConfig
from infogan_fast.training.files import write_json

RUNS = Path("runs")


class RunFolderError(ValueError):
    """The folder of a run cannot be used; the message says why and what to type."""


class RunFolder:
    """Paths and files of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints."""
        return self.path / "checkpoints"

    @property
    def traversals(self) -> Path:
        """Folder of the pictures."""
        return self.path / "traversals"

    @property
    def is_run(self) -> bool:
        """Whether a run was started here."""
        return (self.path / "config.json").is_file()

    def write_config(self, config: TrainConfig, about: dict[str, Any]) -> None:
        """Write ``config.json``: the settings in effect, and what else is known about the run."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(self.path / "config.json", {"settings": config.to_json(), **about})

    def read_config(self) -> TrainConfig:
        """The settings of ``config.json``.

        Raises:
            RunFolderError: there is no such file, or it is not one that ``train`` wrote.
        """
        path = self.path / "config.json"
        if not path.is_file():
            raise RunFolderError(f"{self.path}: not the folder of a run: it has no config.json")
        try:
            return TrainConfig.from_json(json.loads(path.read_text())["settings"])
        except (json.JSONDecodeError, KeyError, TypeError, ConfigError) as error:
            raise RunFolderError(f"{path}: not a configuration that this version can read: {error}") from error

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add a line to ``metrics.jsonl``."""
        with open(self.path / "metrics.jsonl", "a") as file:
            file.write(json.dumps(line) + "\n")

    def drop_metrics_after(self, step: int) -> None:
        """Remove the lines of steps that a continued run is about to do again, and a line that was cut off."""
        path = self.path / "metrics.jsonl"
        if not path.is_file():
            return
        kept = []
        for line in path.read_text().splitlines(keepends=True):
            if line.endswith("\n") and json.loads(line)["step"] <= step:
                kept.append(line)
        path.write_text("".join(kept))

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        write_json(self.path / "summary.json", summary)


def new_run_folder(out: Path | None, name: str) -> RunFolder:
    """A folder for a new run.

    Args:
        out: the folder asked for, or None for ``runs/<name>``, or ``runs/<name>-2`` and so on where that is taken.
        name: of the run.

    Raises:
        RunFolderError: ``out`` is a file, or a folder with something in it.
    """
    if out is None:
        out, number = RUNS / name, 2
        while out.exists():
            out, number = RUNS / f"{name}-{number}", number + 1
    elif out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out}: is a file; give a new folder")
    elif out.is_dir() and any(out.iterdir()):
        hint = "add --resume to continue the run in it, or give" if RunFolder(out).is_run else "give"
        raise RunFolderError(f"--out {out}: is not empty; {hint} another folder")
    return RunFolder(out)
