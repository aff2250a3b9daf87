"""The folder of a run: its settings, metrics, checkpoints, pictures, ``summary.json`` and ``report.html``."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from infogan_fast.files import (
    append_line,
    bytes_text,
    free_space,
    shell_word,
    write_json,
)
from infogan_fast.regular_files import NotRegularError, is_folder
from infogan_fast.runs.checkpoint import checkpoints
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.files import prepare, read_bytes, read_picture
from infogan_fast.runs.lock import LOCK_NAME, RunLock
from infogan_fast.runs.metrics_file import drop_lines_after, read_lines
from infogan_fast.runs.schemas import ConfigFile, SummaryFile, checked, parse_json
from infogan_fast.training.settings import ConfigError, TrainConfig


class RunFolder:
    """Paths and files of one run.

    The folder may be a link, or lie behind one; in it, only regular files and folders are used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._made: list[Path] = []
        self._lock: RunLock | None = None

    def __str__(self) -> str:
        """The path as a shell takes it."""
        return shell_word(self.path)

    def hold(self) -> None:
        """Keep every other process from writing in the folder, which is made if missing, until ``release``.

        The end of this process lets go of it too, however it ends.

        Raises:
            RunFolderError: another one holds it, and the message says which; or it cannot be written.
        """
        if self.is_held:
            return
        if not self.path.exists():
            self.make()
        self._lock = RunLock(self.path)

    @property
    def is_held(self) -> bool:
        """Whether ``hold`` was called, and ``release`` was not."""
        return self._lock is not None and self._lock.held

    def release(self) -> None:
        """Let others write in the folder; nothing happens where it is not held."""
        if self._lock is not None:
            self._lock.release()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the folder while it lasts; where it is held already it stays so."""
        if self.is_held:
            yield
            return
        self.hold()
        try:
            yield
        finally:
            self.release()

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
        """Whether a run was started here, in that it has a ``config.json`` of whatever kind."""
        return os.path.lexists(self.path / "config.json")

    def make(self, must_be_new: bool = False) -> bool:
        """Make the folder.

        Args:
            must_be_new: leave it to the process that has made it, if there is one.

        Returns:
            Whether it is there, and was made here if it must be.

        Raises:
            RunFolderError: the system does not let it be made.
        """
        missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
        try:
            self.path.mkdir(parents=True, exist_ok=not must_be_new)
        except FileExistsError as error:
            if must_be_new:
                return False
            raise RunFolderError(f"--out {self.path}: cannot be made: {error.strerror}") from error
        except OSError as error:
            raise RunFolderError(f"--out {self.path}: cannot be made: {error.strerror}") from error
        self._made = missing
        return True

    def remove_if_unused(self) -> None:
        """Undo ``make`` and ``hold`` where nothing was written since."""
        with suppress(OSError):
            if self.is_held and [path.name for path in self.path.iterdir()] == [LOCK_NAME]:
                (self.path / LOCK_NAME).unlink()  # while it is held: who waits for it sees that it is gone
        for path in self._made:
            with suppress(OSError):  # not empty
                path.rmdir()

    def prepare(self) -> None:
        """See that the folder can be written, and remove what a run that was killed was in the middle of writing.

        The folder has to be held.

        Raises:
            RunFolderError: it cannot be written, or has something else in the place of a file or folder of a run.
        """
        prepare(self.path)

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
            return TrainConfig.from_json(self._read_config_file().settings)
        except ConfigError as error:
            raise RunFolderError(f"{self.path / 'config.json'}: settings: {error}") from error

    def read_about(self) -> dict[str, Any]:
        """What ``config.json`` holds beside the settings: ``command_line``, ``versions``, ``threads``.

        Raises:
            RunFolderError: as ``read_config``.
        """
        return self._read_config_file().model_dump(exclude={"settings"})

    def read_threads(self) -> int | None:
        """How many threads the run had when it was last started; None if ``config.json`` does not say."""
        return self._read_config_file().threads

    def _read_config_file(self) -> ConfigFile:
        path = self.path / "config.json"
        if not self.is_run:
            reason = lost_config(self.path) or "it has no config.json"
            raise RunFolderError(f"{self.path}: not the folder of a run: {reason}")
        return checked(ConfigFile, parse_json(read_bytes(path), path), path)

    def append_metrics(self, line: dict[str, Any]) -> None:
        """Add a line to ``metrics.jsonl``."""
        append_line(self.path / "metrics.jsonl", json.dumps(line))

    def read_metrics(self, codes: int) -> list[dict[str, Any]]:
        """The lines of ``metrics.jsonl``; none if there is no such file. A last line that was cut off is left out.

        Args:
            codes: how many codes L_I is given of.

        Raises:
            RunFolderError: another line is damaged.
        """
        return read_lines(self.path / "metrics.jsonl", codes)

    def drop_metrics_after(self, step: int) -> None:
        """Remove the lines of steps that a continued run is about to do again, and lines that cannot be read.

        Raises:
            RunFolderError: ``metrics.jsonl`` cannot be read, or is not a regular file.
            WriteError: it cannot be written.
        """
        drop_lines_after(self.path / "metrics.jsonl", step)

    def write_summary(self, summary: dict[str, Any]) -> None:
        """Write ``summary.json``."""
        write_json(self.path / "summary.json", summary)

    @property
    def has_summary(self) -> bool:
        """Whether the run was finished."""
        return os.path.lexists(self.path / "summary.json")

    def read_summary(self) -> dict[str, Any]:
        """What ``summary.json`` holds, as it is written there.

        Raises:
            RunFolderError: there is no such file, or it is damaged.
        """
        path = self.path / "summary.json"
        if not self.has_summary:
            raise RunFolderError(f"{self.path}: has no summary.json: the run is not finished")
        summary: dict[str, Any] = parse_json(read_bytes(path), path)
        checked(SummaryFile, summary, path)
        return summary

    def read_picture(self, name: str) -> bytes | None:
        """A picture of ``summary.json``, which names it ``traversals/NAME.png``; None if it is not there any more.

        Raises:
            RunFolderError: it is not a regular file, or cannot be read.
        """
        try:
            return read_picture(self.path / name) if is_folder(self.traversals) else None
        except NotRegularError as error:
            raise RunFolderError(f"{error.filename}: {error.strerror}") from error

    def make_pictures_folder(self, name: str) -> Path:
        """A folder in this one, made if missing.

        Raises:
            RunFolderError: something else lies there, or the system does not let it be made.
        """
        path = self.path / name
        try:
            if not is_folder(path):
                path.mkdir()
        except OSError as error:
            doing = "" if isinstance(error, NotRegularError) else "cannot be made: "
            raise RunFolderError(f"{path}: {doing}{error.strerror}") from error
        return path


def lost_config(path: Path) -> str | None:
    """What to say of a folder that holds checkpoints without the settings that belong to them."""
    folder = RunFolder(path)
    if folder.is_run or not checkpoints(folder.checkpoints):
        return None
    return "it holds checkpoints, but the config.json with their settings is missing and has to be put back"
