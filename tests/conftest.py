"""Puts the shared helpers of each test folder on the path, and keeps the tests off the network."""

import signal
import socket
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ops"))

# What is ignored at the start of a process stays so, and is inherited: the tests of signals need the usual reactions
# also under nohup, and as a background job of a shell.
for _name, _usual in (("SIGHUP", signal.SIG_DFL), ("SIGINT", signal.default_int_handler)):
    if hasattr(signal, _name) and signal.getsignal(getattr(signal, _name)) == signal.SIG_IGN:
        signal.signal(getattr(signal, _name), _usual)


@pytest.fixture(autouse=True)
def _this_machine_alone(monkeypatch):
    """Names of other machines are not found, and a proxy is not asked: a test must not download anything."""
    look_up = socket.getaddrinfo

    def getaddrinfo(host, *arguments, **options):
        if host not in (None, "", "localhost", "127.0.0.1", "::1"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return look_up(host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    monkeypatch.setenv("no_proxy", "*")
