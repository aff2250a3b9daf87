"""Errors that the user sees: which are shown without a traceback, what is said beside them, and the exit codes."""

from __future__ import annotations

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import typer
from typer.main import get_command

from infogan_fast.bench.command import BenchError
from infogan_fast.cli.output import OutputError, output_watched, print_error
from infogan_fast.data import DataError
from infogan_fast.files import WriteError
from infogan_fast.finite import NonFiniteError
from infogan_fast.runs.checkpoint import CheckpointError, checkpoints, step_of
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.memory import OutOfMemoryError, out_of_memory
from infogan_fast.training.settings import ConfigError

USER_ERROR, RUN_FAILED = 2, 1
INTERRUPTED, CLOSED_PIPE = 130, 141  # what a shell gives for SIGINT and SIGPIPE

# Errors whose message is meant for the user and needs no traceback, and those of a run that failed midway.
_USER_ERRORS = (BenchError, ConfigError, DataError, CheckpointError, RunFolderError)
_RUN_ERRORS = (NonFiniteError, WriteError, OutOfMemoryError)

# Typer's own, which older versions take from click.
_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__bases__[0])

# What to do about a file that cannot be written, by what the system says.
_IN_THE_WAY = (errno.EEXIST, errno.EISDIR, errno.ENOTDIR, errno.ENOTEMPTY, errno.ELOOP)
_ADVICE = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), "Make room"),
    **dict.fromkeys(_IN_THE_WAY, "Move what is in the way"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "See that you may write there"),
    errno.EROFS: "Make its disk writable, or copy the folder to another one",
    errno.EIO: "Copy the folder to a disk that works",
}


def run(app: typer.Typer) -> int:
    """Run the command that the program was called with, and print its errors; gives the exit code."""
    try:
        with output_watched():
            return _run(app)
    except OutputError as error:
        if error.is_closed_pipe:
            return CLOSED_PIPE
        return _failed(error, RUN_FAILED)
    except KeyboardInterrupt:
        print_error("interrupted")
        return INTERRUPTED


def _run(app: typer.Typer) -> int:
    command = get_command(app)
    try:
        with command.make_context("infogan-fast", sys.argv[1:] or ["--help"]) as context:
            command.invoke(context)
    except typer.Exit as exit_:
        return exit_.exit_code
    except _UsageError as error:
        message = " ".join(line.strip() for line in error.format_message().splitlines())
        see = f"; see {error.ctx.command_path} --help" if error.ctx else ""
        return _failed(message.rstrip(".") + see, USER_ERROR)
    except _USER_ERRORS as error:
        return _failed(error, USER_ERROR)
    except _RUN_ERRORS as error:
        return _failed(error, RUN_FAILED)
    except OSError as error:  # no permission, a full disk, a file where a folder should be
        return _failed(f"{error.filename}: {error.strerror}" if error.filename else error, USER_ERROR)
    except (RuntimeError, MemoryError) as error:
        if (explained := out_of_memory(error)) is None:
            raise
        return _failed(explained, RUN_FAILED)
    return 0


def _failed(what: object, code: int) -> int:
    print_error(f"error: {what}")
    return code


def how_to_resume(folder: RunFolder) -> str:
    """What to type in order to resume the run of a folder."""
    if not checkpoints(folder.checkpoints):
        return "no checkpoint had been written yet"
    return f"resume with: infogan-fast train --resume --out {folder}"


@contextmanager
def failures_explained(trainer: Trainer) -> Iterator[None]:
    """Add what is saved and what to do to the errors of a run that fails midway."""
    folder = trainer.folder
    try:
        yield
    except NonFiniteError as error:
        raise NonFiniteError(f"{error}\n{_after_divergence(folder)}") from error
    except WriteError as error:
        reason = error.__cause__.errno if isinstance(error.__cause__, OSError) else None
        raise WriteError(f"{error}\n{_after_failed_write(folder, reason)}") from error
    except DataError as error:  # streamed images went away
        over = trainer.step == trainer.config.steps
        where = "training is done, its evaluation is not" if over else f"stopped in step {trainer.step + 1}"
        raise DataError(f"{error}\n{where}; {how_to_resume(folder)}") from error
    except OSError as error:  # not of the run's own files, but for TensorBoard's
        if error.errno not in _ADVICE:
            raise WriteError(f"{error}\n{how_to_resume(folder)}") from error
        what = f"{error.filename or folder.path}: cannot be written: {error.strerror}"
        raise WriteError(f"{what}\n{_after_failed_write(folder, error.errno)}") from error
    except BaseException as error:  # safetensors' is no Exception
        if (explained := out_of_memory(error)) is None:
            raise
        how = f"; {how_to_resume(folder)}" if checkpoints(folder.checkpoints) else ""
        raise OutOfMemoryError(f"{explained}\n{_saved(folder)}{how}") from error


def _after_divergence(folder: RunFolder) -> str:
    """What to do after a divergence; training is deterministic, so that trying again is no use."""
    advice = "Resuming would diverge at the same step: start again with lower learning rates (--settings lists them)."
    if not checkpoints(folder.checkpoints):
        return f"{advice} No checkpoint had been written yet."
    return f"{advice} Metrics of the last good checkpoint: infogan-fast evaluate {folder}"


def _after_failed_write(folder: RunFolder, reason: int | None) -> str:
    """What is saved, and what to do about ``reason``, an ``errno``."""
    advice = _ADVICE.get(reason or 0, "Mend that")
    return f"{_saved(folder)}. {advice}, then resume with: infogan-fast train --resume --out {folder}"


def _saved(folder: RunFolder) -> str:
    found = checkpoints(folder.checkpoints)
    return f"The last good checkpoint is that of step {step_of(found[-1])}" if found else "No checkpoint is saved yet"
