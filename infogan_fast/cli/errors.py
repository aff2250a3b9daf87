"""Errors that the user sees: which are shown without a traceback, what is said beside them, and the exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from infogan_fast.data import DataError
from infogan_fast.files import WriteError
from infogan_fast.training.checkpoint import CheckpointError, checkpoints, step_of
from infogan_fast.training.config import ConfigError
from infogan_fast.training.metrics import NonFiniteError
from infogan_fast.training.run_folder import RunFolder, RunFolderError
from infogan_fast.training.trainer import Trainer

USER_ERROR, RUN_FAILED = 2, 1

# Errors whose message is meant for the user and needs no traceback, and those of a run that failed midway.
_USER_ERRORS = (ConfigError, DataError, CheckpointError, RunFolderError)
_RUN_ERRORS = (NonFiniteError, WriteError)

# What the system says of a disk that cannot take more.
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


def run(commands: Callable[[], object]) -> None:
    """Call the commands, and exit with a message and a code where they raise an error that is meant for the user."""
    try:
        commands()
    except _USER_ERRORS as error:
        exit_with(str(error), USER_ERROR)
    except _RUN_ERRORS as error:
        exit_with(str(error), RUN_FAILED)
    except OSError as error:  # no permission, a full disk, a file where a folder should be
        exit_with(f"{error.filename}: {error.strerror}" if error.filename else str(error), USER_ERROR)


def exit_with(message: str, code: int) -> NoReturn:
    """Print an error and end the process."""
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


def how_to_continue(folder: RunFolder) -> str:
    """The command that continues the run of a folder."""
    if not checkpoints(folder.checkpoints):
        return "no checkpoint had been written yet"
    return f"continue with: infogan-fast train --resume --out {folder}"


@contextmanager
def failures_explained(trainer: Trainer) -> Iterator[None]:
    """Adds to the errors of a run that fails midway what is saved of it, and what to do."""
    folder = trainer.folder
    try:
        yield
    except NonFiniteError as error:
        raise NonFiniteError(f"{error}\n{_after_divergence(folder)}") from error
    except WriteError as error:
        raise WriteError(f"{error}\n{_after_failed_write(folder)}") from error
    except DataError as error:  # streamed images went away
        over = trainer.step == trainer.config.steps
        where = "training is done, its evaluation is not" if over else f"stopped in step {trainer.step + 1}"
        raise DataError(f"{error}\n{where}; {how_to_continue(folder)}") from error
    except OSError as error:  # not of the run's own files: the output may go to a file on the same disk
        if error.errno not in _NO_ROOM:
            raise WriteError(f"{error}\n{how_to_continue(folder)}") from error
        what = f"{error.filename or 'standard output'}: cannot be written: {error.strerror}"
        raise WriteError(f"{what}\n{_after_failed_write(folder)}") from error


def _after_divergence(folder: RunFolder) -> str:
    """What to do: training is deterministic, so trying again is no use."""
    advice = "Resuming would diverge at the same step: start again with lower learning rates (--settings lists them)."
    if not checkpoints(folder.checkpoints):
        return f"{advice} No checkpoint had been written yet."
    return f"{advice} Figures of the last good checkpoint: infogan-fast evaluate {folder}"


def _after_failed_write(folder: RunFolder) -> str:
    """What is saved, and what to do."""
    found = checkpoints(folder.checkpoints)
    saved = f"The last good checkpoint is that of step {step_of(found[-1])}" if found else "No checkpoint is saved yet"
    return f"{saved}. Make room, then continue with: infogan-fast train --resume --out {folder}"
