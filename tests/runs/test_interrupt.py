"""Signals: the first is a request, the second acts."""

import os
import signal
import threading

import pytest

from infogan_fast.runs.interrupt import stop_on_signals


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_first_signal_is_a_request(number, code):
    before = signal.getsignal(number)
    with stop_on_signals() as stop:
        assert not stop()
        os.kill(os.getpid(), number)
        assert stop()
        assert stop.exit_code == code
        assert signal.getsignal(number) is before  # so that the second acts
    assert signal.getsignal(number) is before


def test_a_closed_terminal_is_a_request_and_its_second_signal_is_nothing():
    before = signal.getsignal(signal.SIGHUP)
    with stop_on_signals() as stop:
        for _ in range(3):  # the shell sends one, the system another
            os.kill(os.getpid(), signal.SIGHUP)
        assert stop()
        assert stop.exit_code == 129
    assert signal.getsignal(signal.SIGHUP) is before


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_what_is_ignored_stays_ignored(number):
    before = signal.signal(number, signal.SIG_IGN)  # as nohup does, or a shell with a job in the background
    try:
        with stop_on_signals() as stop:
            os.kill(os.getpid(), number)
            assert not stop()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_signals_act_as_usual_afterwards():
    before = signal.getsignal(signal.SIGTERM)
    with stop_on_signals():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_is_left_alone():
    requests = []

    def work():
        with stop_on_signals() as stop:
            requests.append(stop())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert requests == [False]
