"""A folder for a new run."""

from __future__ import annotations

import os
from pathlib import Path

from infogan_fast.files import replaced_by
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder, lost_config
from infogan_fast.runs.lock import LOCK_NAME, SOFT_LOCK_NAME

RUNS = Path("runs")


def new_run_folder(out: Path | None, name: str) -> RunFolder:
    """A folder for a new run, made if missing, and held.

    Args:
        out: the folder asked for, or None for ``runs/<name>``, or ``runs/<name>-2`` and so on where that is taken.
        name: of the run.

    Raises:
        RunFolderError: ``out`` is a file, or a folder with something in it or that another process holds, or cannot be
            made.
    """
    if out is None:
        return _numbered_folder(name)
    if out.exists() and not out.is_dir():
        raise RunFolderError(f"--out {out}: is a file; give a new folder")
    folder = RunFolder(out)
    if not os.path.lexists(out / LOCK_NAME):
        _check_empty(folder)  # before a lock is put into a folder that is somebody's
    folder.make()
    try:
        folder.hold()
        _check_empty(folder)
    except BaseException:
        folder.remove_if_unused()
        folder.release()
        raise
    return folder


def _numbered_folder(name: str) -> RunFolder:
    """The first of ``runs/<name>``, ``runs/<name>-2`` and so on that is not there yet, made and held."""
    number = 1
    while True:
        folder = RunFolder(RUNS / (name if number == 1 else f"{name}-{number}"))
        if not folder.path.exists() and folder.make(must_be_new=True):
            folder.hold()
            return folder
        number += 1


def _check_empty(folder: RunFolder) -> None:
    """See that there is nothing in a folder but what a run that was killed at its start leaves, if it is there."""
    path = folder.path
    if not path.is_dir():
        return
    of_no_use = (LOCK_NAME, SOFT_LOCK_NAME)
    if any(found.name not in of_no_use and replaced_by(found.name) != "config.json" for found in path.iterdir()):
        hint = "add --resume to continue the run in it, or give" if folder.is_run else "give"
        lost = lost_config(path)
        raise RunFolderError(f"--out {path}: is not empty{f': {lost}' if lost else ''}; {hint} another folder")
