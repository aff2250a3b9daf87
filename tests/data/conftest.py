"""What loads a hostile file in a process of its own, and says how it ended and what memory it took."""

import json
import os
import resource
from dataclasses import dataclass

import pytest

MIB = 2**20
_ADDRESSES = 1024 * MIB  # that the process may take beyond what it begins with
_SECONDS = 20


@dataclass
class Ended:
    """How a call ended."""

    message: str | None
    """Of the ``DataError``; None if there was none."""
    notes: tuple[str, ...]
    count: int
    """How many images there are."""
    mib: float
    """By how much its memory grew at the most."""


def _status(key):
    with open("/proc/self/status") as file:
        return next(int(line.split()[1]) * 1024 for line in file if line.startswith(key))


@pytest.fixture
def confined():
    """``confined(path, **options)``: ``load`` under a limit of memory and of time, in a forked process."""
    if not os.path.exists("/proc/self/status"):
        pytest.skip("needs Linux")
    from infogan_fast.data import DataError, load

    def call(path, **options):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
                resource.setrlimit(resource.RLIMIT_AS, (_status("VmSize") + _ADDRESSES,) * 2)
                with open("/proc/self/clear_refs", "w") as file:
                    file.write("5")  # begin anew to count the peak
                before = _status("VmRSS")
                message, notes, count = None, (), 0
                try:
                    data = load(str(path), workers=0, **options)
                    notes, count = data.notes, len(data.images)
                except DataError as error:
                    message = str(error)
                grown = (_status("VmHWM") - before) / MIB
                os.write(writing, json.dumps([message, notes, count, grown]).encode())
            except BaseException as error:
                os.write(writing, json.dumps(repr(error)[:1000]).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as file:
            content = file.read()
        os.waitpid(child, 0)
        assert content, "the process was killed: it took too long, or broke"
        ended = json.loads(content)
        assert isinstance(ended, list), ended
        message, notes, count, grown = ended
        return Ended(message, tuple(notes), count, grown)

    return call
