"""Helpers and fixtures that several folders share: a run small enough to take milliseconds a step; no network."""

import shutil
import signal
import socket
import sys
from pathlib import Path

import pytest
import torch

sys.path += [str(Path(__file__).parent / folder) for folder in ("ops", "support")]

# What the trainer needs is imported where it is used: the tests of the ops run without its packages.

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


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 1, 8, 8), generator=generator, dtype=torch.uint8)
    labels = torch.arange(40) % 3
    from infogan_fast.data import ImageData

    return ImageData("tiny", images[:30], labels[:30], images[30:], labels[30:])


@pytest.fixture
def make_config():
    from infogan_fast.training import TrainConfig

    def make(**changes):
        defaults = {
            "device": "cpu",
            "width": 0.05,
            "noise": 4,
            "categorical": (3,),
            "continuous": 2,
            "batch_size": 8,
            "steps": 6,
            "log_every": 2,
            "checkpoint_every": 2,
            "picture_every": 0,
            "evaluation_samples": 20,
        }
        return TrainConfig(**{**defaults, **changes})

    return make


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A folder with images and a finished run on them, ``run``."""
    from tiny_run import SHORT, run, train_command, write_images

    folder = tmp_path_factory.mktemp("finished")
    write_images(folder / "images")
    code, _, error = run(train_command(folder / "run", folder / "images", *SHORT, "--tensorboard"))
    assert code == 0, error
    return folder


@pytest.fixture
def out(finished, tmp_path):
    """A copy of that run."""
    return shutil.copytree(finished / "run", tmp_path / "run")


@pytest.fixture
def command(monkeypatch, capsys):
    """Runs a command in this process; gives exit code, standard output and standard error."""

    from infogan_fast import __main__ as entry

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["infogan-fast", *map(str, words)])
        with pytest.raises(SystemExit) as exit_:
            entry.main()
        return exit_.value.code or 0, *capsys.readouterr()

    return run
