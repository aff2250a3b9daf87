"""Runs a reader of files on one file, watches it, and says what it did that it must not.

A reader may return, or raise one of the package's own errors with one printable line that names the file. Any other
exception is a finding; so is output, a warning or log message that would be shown, a program that is started, a file
that is written, a connection, more memory than the file honestly holds, and more time than a small file can need.
"""

import logging
import os
import re
import resource
import signal
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

from infogan_fast.data import DataError, memory
from infogan_fast.runs.checkpoint import CheckpointError
from infogan_fast.runs.folder import RunFolderError
from infogan_fast.training import ConfigError

ERRORS = (CheckpointError, ConfigError, DataError, RunFolderError)

#: What a reader may take beside twice what the file honestly holds, in bytes of resident memory.
ALLOWANCE = 64 << 20
#: What the package is told is free: images that need more than half of it have to be refused.
FREE = 32 << 20
#: Of address space: beyond it an allocation fails, so that a bomb cannot take the machine's memory.
ADDRESS_SPACE = 2 << 30
#: Of processor time, and of time on the clock, in seconds.
MOST_PROCESSOR_SECONDS, MOST_SECONDS = 5.0, 30.0

_NO_MEMORY = re.compile(r"MemoryError|[Uu]nable to allocate|(can't|[Cc]annot) allocate")
_STARTS = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.", "socket.", "urllib.")
_LOADS = ("pickle.",)
_CHANGES = ("os.chmod", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Target:
    """A reader of one kind of file, with what the fuzzer needs to know about its format."""

    name: str
    place: Callable
    """``(content, folder)``: puts a file where the reader looks for it, and returns its path."""
    read: Callable
    """``(path)``: reads it through the package's public functions, and asserts what they promise of the result."""
    seeds: Callable
    """``()``: undamaged files by name, as this version writes and reads them."""
    damaged: Callable
    """``()``: files by name that have to be refused, or read without harm: what once was a fault, made anew."""
    mutate: Callable
    """``(content, random, raw)``: the content changed below its checksums; ``raw`` changes bytes anyhow.

    Raises whatever comes of content that is too damaged to be taken apart.
    """
    max_length: int
    """Bytes of the largest file that is tried."""
    honest_size: Callable = field(default=lambda path: path.stat().st_size)
    """``(path)``: bytes that a file holds, decoded. Asked only where more than ``ALLOWANCE`` was taken."""
    address_space: int = ADDRESS_SPACE
    """Bytes that may be asked for at once, whether they are then used or not."""
    also_named: tuple[str, ...] = ()
    """What a message may name in place of the file."""
    printed: re.Pattern | None = None
    """Bytes that a library of C may write, since nothing in Python can keep it from it."""


@dataclass(frozen=True)
class Finding:
    """Something that a reader must not do."""

    kind: str
    where: str
    detail: str

    @property
    def name(self):
        """Short, and the same for all files that show the same fault: the name of a file."""
        return re.sub(r"[^A-Za-z0-9]+", "-", f"{self.kind} {self.where}").strip("-")

    def __str__(self):
        return f"{self.kind} in {self.where}: {self.detail[:500]!r}"


class Hung(BaseException):
    """Raised in a reader that takes too long; not an Exception, so that it is not taken for damage."""


def temporary_folder():
    """A new one, in memory where the system has such a place and TMPDIR names no other."""
    shared_memory = Path("/dev/shm")
    in_memory = shared_memory.is_dir() and "TMPDIR" not in os.environ
    return tempfile.TemporaryDirectory(dir=shared_memory if in_memory else None)


class Harness:
    """Runs one target on one file after the other, in a folder that it makes and removes.

    Args:
        target: the target.
        alarm: whether to end a reader that hangs; not where the fuzzer, which has an alarm of its own, does.
    """

    def __init__(self, target, alarm=True):
        self.target, self._alarm = target, alarm
        self._temporary = temporary_folder()
        self.folder = Path(self._temporary.name) / "files"
        self.folder.mkdir()
        self._output = open(Path(self._temporary.name) / "output", "w+b")  # noqa: SIM115 (as long as this object)
        self._address_space = _address_space() + target.address_space

    def close(self):
        """Remove the folder."""
        self._output.close()
        self._temporary.cleanup()

    def check(self, content):
        """What is wrong with how the reader takes a file; None if nothing is."""
        path = self.target.place(content, self.folder)
        error = None
        with self._watched() as seen:
            try:
                self.target.read(path)
            except (Exception, Hung) as caught:
                error = caught
        if isinstance(error, Hung) or seen.processor_seconds > MOST_PROCESSOR_SECONDS:
            return Finding("too slow", _where(error), f"{seen.processor_seconds:.1f} s of processor time")
        if error is not None and not isinstance(error, ERRORS):
            return Finding(type(error).__name__, _where(error), str(error))
        for warning in seen.warnings:
            return Finding("warning", _where(error), str(warning.message))
        for record in seen.records:
            return Finding("log message", _where(error), record.getMessage())
        for event, arguments in seen.events:
            return Finding(event, _where(error), repr(arguments))
        if seen.output and not (self.target.printed and self.target.printed.fullmatch(seen.output)):
            return Finding("output", _where(error), seen.output.decode(errors="replace"))
        if seen.growth > ALLOWANCE and seen.growth > ALLOWANCE + 2 * self.target.honest_size(path):
            return Finding("memory", _where(error), f"{seen.growth >> 20} MiB")
        return None if error is None else self._message_finding(error, path)

    def _message_finding(self, error, path):
        text, where = str(error), _where(error)
        if not text.isprintable():
            return Finding("message not one printable line", where, text)
        if _NO_MEMORY.search(text):
            return Finding("message of an allocation that failed", where, text)
        if not (str(path.parent) in text and path.name in text) and not any(n in text for n in self.target.also_named):
            return Finding("message without the file", where, text)
        return None

    @contextmanager
    def _watched(self):
        seen = _Seen()
        limits = resource.getrlimit(resource.RLIMIT_AS)
        with (
            mock.patch.object(memory, "free_memory", return_value=FREE),
            mock.patch.object(sys, "dont_write_bytecode", True),
            warnings.catch_warnings(record=True) as seen.warnings,
            _log_messages_taken(seen.records),
            self._output_taken(seen),
            self._ended_when_hung(),
        ):
            _show_what_a_user_sees()
            resource.setrlimit(resource.RLIMIT_AS, (self._address_space, limits[1]))
            before, started = _peak_from_now(), time.process_time()
            _audit.append(seen.events)
            try:
                yield seen
            finally:
                _audit.clear()
                seen.processor_seconds = time.process_time() - started
                seen.growth = _peak() - before
                resource.setrlimit(resource.RLIMIT_AS, limits)

    @contextmanager
    def _output_taken(self, seen):
        """While it lasts, what is written to standard output and error, by C libraries too, goes to a file."""
        sys.stdout.flush()
        sys.stderr.flush()
        kept = [os.dup(1), os.dup(2)]
        text = open(self._output.fileno(), "w", closefd=False)  # noqa: SIM115
        for number in (1, 2):
            os.dup2(self._output.fileno(), number)
        try:
            with mock.patch.object(sys, "stdout", text), mock.patch.object(sys, "stderr", text):
                yield
            text.flush()
        finally:
            for number, before in zip((1, 2), kept, strict=True):
                os.dup2(before, number)
                os.close(before)
            if self._output.seek(0, os.SEEK_END):
                self._output.seek(0)
                seen.output = self._output.read()
                self._output.truncate(0)
                self._output.seek(0)

    @contextmanager
    def _ended_when_hung(self):
        if not self._alarm:
            yield
            return
        before = signal.signal(signal.SIGALRM, _raise_hung)
        signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, before)


@dataclass
class _Seen:
    """What a reader did."""

    events: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    records: list = field(default_factory=list)
    output: bytes = b""
    processor_seconds: float = 0.0
    growth: int = 0


_audit = []  # the list of events of the reader that runs, if one does


def _on_event(event, arguments):
    if not _audit:
        return
    if event == "open":
        flags = arguments[2]
        if isinstance(flags, int) and flags & _WRITING and arguments[0] != os.devnull:
            _audit[0].append(("file written", arguments[0]))
    elif event.startswith((*_STARTS, *_CHANGES, *_LOADS)):
        _audit[0].append((event, arguments))


sys.addaudithook(_on_event)  # it cannot be taken back; while no reader runs it does nothing


def _show_what_a_user_sees():
    """The warnings that Python shows by default, each time."""
    warnings.simplefilter("always")
    for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
        warnings.simplefilter("ignore", category)


@contextmanager
def _log_messages_taken(records):
    """While it lasts, log messages, which Python prints from warnings upwards, go to a list."""
    handler = logging.Handler(logging.WARNING)
    handler.emit = records.append
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


def _raise_hung(_signal, _frame):
    raise Hung


def _where(error):
    """The package's function that an exception came from, and the innermost one if that is another's."""
    if error is None:
        return "a reader that returned"
    where, innermost = "the target", ""
    traceback = error.__traceback__
    while traceback is not None:
        code = traceback.tb_frame.f_code
        innermost = f"{Path(code.co_filename).stem}.{code.co_name}"
        if f"{os.sep}infogan_fast{os.sep}" in code.co_filename:
            where = innermost
        traceback = traceback.tb_next
    return where if innermost == where else f"{where} from {innermost}"


def _address_space():
    """Bytes that this process has of it; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 0


def _peak():
    """The most resident memory since ``_peak_from_now``, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _peak_from_now():
    """What is resident now; where the system (not Linux) cannot begin anew, the most that ever was."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()
