"""Whether there is a run that ``infogan-fast train --resume`` can continue."""

from __future__ import annotations

import difflib
import shlex
from contextlib import suppress
from pathlib import Path

from infogan_fast.training.checkpoint import checkpoints
from infogan_fast.training.run_errors import RunFolderError
from infogan_fast.training.run_folder import RunFolder


def check_resumable(folder: RunFolder | None, or_start: bool) -> None:
    """Raise where there is nothing to resume.

    Args:
        folder: what ``--out`` says, or None.
        or_start: whether a run is started where there is none.

    Raises:
        RunFolderError: no folder was given; or it does not hold a run, and none is to be started.
    """
    option = "--resume-or-start" if or_start else "--resume"
    if folder is None:
        raise RunFolderError(f"{option}: say which run with --out DIR")
    if or_start or folder.is_run:
        return
    if checkpoints(folder.checkpoints):
        folder.read_config()  # says that it is missing
    close = _runs_of_a_similar_name(folder.path)
    suggestion = f"; did you mean {' or '.join(close)}?" if close else ""
    raise RunFolderError(
        f"--resume: there is no run in {folder.path}{suggestion}; to start one there, leave out --resume, or give "
        "--resume-or-start, which continues a run or starts it"
    )


def _runs_of_a_similar_name(path: Path) -> list[str]:
    """The folders of runs beside ``path``, as a shell takes them."""
    runs: list[str] = []
    with suppress(OSError):  # no such folder, or not for this user's eyes
        runs = [other.name for other in path.parent.iterdir() if RunFolder(other).is_run]
    close = difflib.get_close_matches(path.name, runs, n=2)
    return [shlex.quote(str(path.parent / name)) for name in close]
