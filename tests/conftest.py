"""Puts the shared helpers of each test folder on the path, and keeps the tests off the network."""

import socket
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "ops"))


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
