"""Worker processes: what they give is in order, and nothing is left of them."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError
from infogan_fast.data.workers import read_ahead, worker_count, worker_deaths_explained

ORDER = [[index, index + 1] for index in range(20)]
LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def slowly_at_first(indices):
    time.sleep(0.01 / (1 + indices[0]))
    return indices


def about_itself(_indices):
    return os.getpid(), torch.get_num_threads()


def gone(process):
    """Whether a process has ended, a zombie included."""
    try:
        with open(f"/proc/{process}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_for(condition, seconds=20):
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends
        time.sleep(0.02)


def test_number():
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert worker_count(None) == min(8, cores)
    assert worker_count(0) == 0
    assert worker_count(20) == 20


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_in_order_and_nothing_is_left(workers):
    assert list(read_ahead(slowly_at_first, ORDER, workers, "mine")) == ORDER
    assert multiprocessing.active_children() == []


def test_in_processes_of_one_thread_each():
    found = list(read_ahead(about_itself, ORDER, 2, "mine"))
    assert len({process for process, _ in found}) == 2
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {1}
    assert {process for process, _ in read_ahead(about_itself, ORDER, 0, "mine")} == {os.getpid()}


def test_closed_in_the_middle():
    results = read_ahead(slowly_at_first, iter(int, 1), 2, "mine")
    results.close()  # before it began
    results = read_ahead(slowly_at_first, ([step] for step in iter(int, 1)), 2, "mine")
    assert next(results) == [0]
    assert len(multiprocessing.active_children()) == 2
    results.close()
    assert multiprocessing.active_children() == []


def test_the_global_generator_has_no_part_in_it():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    list(read_ahead(slowly_at_first, ORDER, 1, "mine"))
    assert torch.rand(1) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_errors(workers):
    def read(indices):
        if indices[0] == 7:
            raise DataError("mine: item 7 is bad")
        if indices[0] == 9:
            raise KeyError("a mistake in a dataset")
        return indices

    with pytest.raises(DataError, match=r"^mine: item 7 is bad$"):
        list(read_ahead(read, ORDER, workers, "mine"))
    assert multiprocessing.active_children() == []
    with pytest.raises(KeyError, match="a mistake in a dataset"):
        list(read_ahead(read, ORDER[8:], workers, "mine"))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("how", ["killed", "exit"])
def test_a_worker_that_dies(how):
    def read(indices):
        if indices[0] == 7:
            os.kill(os.getpid(), signal.SIGKILL) if how == "killed" else os._exit(3)
        return indices

    with pytest.raises(DataError, match=r"^mine: a worker process that reads its images died: .*--set workers=1"):
        list(read_ahead(read, ORDER, 2, "mine"))
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize("error", [ConnectionResetError(104, "Connection reset by peer"), EOFError()], ids=repr)
def test_the_connection_to_a_worker_that_died(error):
    expected = r"^mine: a worker process that reads its images died: (.*reset by peer|EOFError) .*--set workers=1"
    with pytest.raises(DataError, match=expected), worker_deaths_explained("mine"):
        raise error


def test_other_errors_are_left_alone():
    with pytest.raises(RuntimeError, match=r"^other$"), worker_deaths_explained("mine"):
        raise RuntimeError("other")


@LINUX
def test_signals_for_everyone_are_left_to_the_parent():
    results = read_ahead(about_itself, ORDER, 2, "mine")
    workers = {next(results)[0], next(results)[0]}
    for worker in workers:
        os.kill(worker, signal.SIGINT)
        os.kill(worker, signal.SIGTERM)
        os.kill(worker, signal.SIGHUP)
    time.sleep(0.2)
    assert not any(map(gone, workers))
    assert len(list(results)) == len(ORDER) - 2
    assert all(map(gone, workers))


@LINUX
def test_a_worker_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr("torch.utils.data._utils.MP_STATUS_CHECK_INTERVAL", 0.2)

    def read(indices):
        if indices[0] > 0:
            time.sleep(1000)
        return os.getpid()

    results = read_ahead(read, ORDER, 1, "mine")
    worker = next(results)
    results.close()
    assert gone(worker)


PARENT = """
import os, time
from infogan_fast.data.workers import read_ahead

def read(indices):
    return os.getpid()

results = read_ahead(read, ([step] for step in iter(int, 1)), 2, "mine")
print(next(results), next(results), flush=True)
time.sleep(1000)
"""


@pytest.mark.slow  # they look every five seconds
@LINUX
def test_workers_end_when_the_parent_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    workers = parent.stdout.readline().split()
    assert len(set(workers)) == 2
    assert not any(map(gone, workers))
    parent.kill()
    parent.wait()
    wait_for(lambda: all(map(gone, workers)))


def test_a_program_that_ends_in_the_middle_of_reading_does_not_wait_for_the_workers(tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((100, 8, 8), dtype=np.uint8))
    program = (
        "from infogan_fast.data import load\n"
        f"data = load({str(tmp_path / 'x.npy')!r}, stream=True, workers=1)\n"
        "batches = [data.images.batches([[0, 1]] * 50) for _ in range(2)]\n"
        "print([len(next(each)) for each in batches])\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "[2, 2]\n"), ended.stderr
