"""A run that is killed at any moment, again and again, ends with the bits of one that was left alone.

The moments are other ones each time. A failure prints their seed; INFOGAN_FAST_KILL_SEED=<seed> draws the same again.
"""

import json
import os
import random
import signal
import time

import pytest
from tiny_run import assert_same_run, run, start, train_command, write_images

STEPS = 1500
SETTINGS = [f"--steps={STEPS}", "--set=checkpoint_every=3", "--set=log_every=2", "--set=picture_every=5"]
SECONDS = 60.0  # that a moment is waited for

pytestmark = [pytest.mark.slow, pytest.mark.skipif(os.name != "posix", reason="needs SIGKILL")]


def wait_for(process, happened):
    """Poll without a pause, so that the kill comes as soon as it has happened."""
    until = time.monotonic() + SECONDS
    while not happened():
        assert process.poll() is None, f"it ended by itself: {process.communicate()}"
        assert time.monotonic() < until, "it did not happen"


def wait_for_training(process):
    """Until the first line of progress, which is printed in the training loop."""
    for line in process.stdout:
        if line.startswith("step "):
            return
    raise AssertionError(f"it ended by itself: {process.communicate()}")


def temporary_files(out):
    return [path for folder in ("checkpoints", "traversals", ".") for path in (out / folder).glob("*.tmp")]


class Moments:
    """When to kill; each method returns at a moment of its kind."""

    def __init__(self, out, seed, seconds_to_start, seconds_of_training):
        self.out, self.random = out, random.Random(seed)
        self.seconds_to_start = seconds_to_start
        self.longest = seconds_of_training / 25  # so that the run has not come to its end before the last kill

    def all(self):
        rest = [self.starting] * 2 + [self.training] * 10 + [self.writing] * 6
        self.random.shuffle(rest)
        return [self.making_the_folder, self.writing_the_settings, *rest]

    def making_the_folder(self, process):
        wait_for(process, self.out.exists)

    def writing_the_settings(self, process):
        wait_for(process, lambda: any(self.out.iterdir()))

    def starting(self, _process):
        time.sleep(self.random.uniform(0.0, self.seconds_to_start))

    def training(self, process):
        wait_for_training(process)
        time.sleep(self.random.uniform(0.0, self.longest))

    def writing(self, process):
        self.training(process)
        wait_for(process, lambda: temporary_files(self.out))


def last_logged(out):
    """The step of the last whole line of metrics.jsonl; 0 if there is none."""
    path = out / "metrics.jsonl"
    whole = path.read_text().split("\n")[:-1] if path.exists() else []
    return json.loads(whole[-1])["step"] if whole else 0


def test_killed_twenty_times(tmp_path):
    seed = int(os.environ.get("INFOGAN_FAST_KILL_SEED", random.SystemRandom().randrange(2**32)))
    print(f"INFOGAN_FAST_KILL_SEED={seed}")  # pytest shows it where the test fails
    write_images(tmp_path / "images")

    started = time.monotonic()
    whole = start(train_command(tmp_path / "whole", tmp_path / "images", *SETTINGS))
    wait_for_training(whole)
    training = time.monotonic()
    whole.communicate(timeout=300)
    assert whole.returncode == 0
    ended = time.monotonic()

    out = tmp_path / "killed"
    command = train_command(out, tmp_path / "images", *SETTINGS)
    between, halves = 0, 0
    moments = Moments(out, seed, training - started, ended - training).all()
    assert len(moments) == 20
    for moment in moments:
        process = start(command)
        try:
            moment(process)
        finally:
            process.kill()
            rest = process.communicate()
        assert process.returncode == -signal.SIGKILL, rest
        step, left = last_logged(out), temporary_files(out)
        between += moment.__name__ in ("training", "writing") and 0 < step < STEPS
        halves += bool(left)
        print(f"killed while {moment.__name__}: logged until step {step}, left {[path.name for path in left]}")
    assert between >= 10, "too few kills fell between the first and the last step"
    assert halves >= 1, "no kill fell into the writing of a file"

    code, printed, error = run(command)
    assert code == 0, printed + error
    assert "resuming from step " in printed
    assert_same_run(out, tmp_path / "whole")
