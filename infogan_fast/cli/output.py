"""Standard output and standard error that go away: a reader that has seen enough, a closed terminal, a full disk."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any, TextIO, cast

from infogan_fast.text import printable


class OutputError(Exception):
    """Standard output cannot be written. No ``OSError``: nobody but the entry point is to take it for one of theirs."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: cannot be written: {error.strerror or error}")
        self.errno = error.errno

    @property
    def is_closed_pipe(self) -> bool:
        """Whether the reader has gone, as ``head`` does."""
        return self.errno == errno.EPIPE


class StandardOutput:
    """A text stream in the place of ``sys.stdout``, which it wraps.

    Once the stream cannot be written, what is written goes nowhere. ``on_loss`` is called with the error; where that is
    None, the error is raised, and kept as ``lost`` for those who come after whoever swallows it, as libraries do that
    try a stream out.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.on_loss: Callable[[OutputError], None] | None = None
        self.lost: OutputError | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write a text; gives its length."""
        if text == "":  # which a full device refuses too
            return 0
        try:
            self._stream.write(text)
        except OSError as error:
            self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        try:
            self._stream.flush()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        _to_nowhere(self._stream)
        lost = OutputError(error)
        if self.on_loss is None:
            self.lost = lost
            raise lost from error
        self.on_loss(lost)


@contextmanager
def output_watched() -> Iterator[None]:
    """While it lasts, ``sys.stdout`` raises ``OutputError`` where it cannot be written; flushed at the end.

    Raises:
        OutputError: it could not be written.
    """
    stream = sys.stdout
    if stream is None:  # it was closed before the program started, which is no error
        yield
        return
    watched = StandardOutput(stream)
    with redirect_stdout(cast(TextIO, watched)):
        try:
            yield
        except OutputError:
            raise
        except BaseException:  # whose message is what the user has to see
            watched.on_loss = lambda _: None
            watched.flush()
            raise
        watched.flush()
        if watched.lost is not None:
            raise watched.lost


@contextmanager
def going_on_without_output(results: str) -> Iterator[None]:
    """While it lasts, output that cannot be written is said once, on standard error, and is no reason to end.

    Args:
        results: what is said to go on.
    """
    watched = sys.stdout
    if not isinstance(watched, StandardOutput):
        yield
        return

    def say(error: OutputError) -> None:
        print_error(f"{error}; {results}")

    before, watched.on_loss = watched.on_loss, say
    try:
        yield
        watched.flush()
    finally:
        watched.on_loss = before


def print_error(text: str) -> None:
    """A line on standard error, if that can be written. Control characters in it are written as escapes."""
    try:
        print("\n".join(map(printable, text.split("\n"))), file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone: there is no one to tell
        _to_nowhere(sys.stderr)


def _to_nowhere(stream: TextIO) -> None:
    """Let what is in the stream's buffer, and what comes, go nowhere: also where the interpreter flushes it at last."""
    with suppress(OSError, ValueError):  # a stream without a descriptor has no such end
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
