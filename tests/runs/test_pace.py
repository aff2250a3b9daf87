"""When it is said how long a run will take, and that it changes nothing."""

import dataclasses
import json
import logging
from types import SimpleNamespace

import pytest
import torch
from tiny_run import without_timings

import infogan_fast as ig
from infogan_fast.runs import pace
from infogan_fast.runs.pace import Pace
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import TrainConfig


class FakeLoop:
    """A loop whose steps take the given seconds of a clock that it moves, the last of them again and again."""

    def __init__(self, monkeypatch, seconds, steps=1000, warm_up_steps=1, step=0):
        self.config = TrainConfig(device="cpu", width=0.25, steps=steps)
        self.device, self.warm_up_steps, self.step = torch.device("cpu"), warm_up_steps, step
        self._seconds, self.now = list(seconds), 0.0
        monkeypatch.setattr(pace, "time", SimpleNamespace(perf_counter=lambda: self.now))

    def advance(self):
        self.now += self._seconds.pop(0) if len(self._seconds) > 1 else self._seconds[0]
        self.step += 1


def told_after(loop, most=40):
    """The number of steps after which something is said, and what, each line once."""
    lines, steps = [], []
    paced = Pace(loop, (1, 28, 28), lambda line: (lines.append(line), steps.append(loop.step)))
    for _ in range(min(most, loop.config.steps - loop.step)):
        paced.advance()
        loop.now += 100.0  # what is written between the steps
    return (steps[0] if steps else None), lines


@pytest.mark.parametrize(
    ("seconds", "warm_up_steps", "after", "a_step"),
    [
        ([0.5, 0.02], 1, 11, "20 ms a step"),
        ([0.5, *[0.02] * 9, 0.12], 1, 11, "30 ms a step"),  # their mean
        ([1.0], 1, 5, "1 s a step"),
        ([3.0], 1, 3, "3 s a step"),
        ([4.0], 1, 2, "4 s a step"),  # the next one would end after 12 s
        ([8.0, 0.1], 1, 3, "100 ms a step"),  # the first is no measure of the others
        ([15.0], 1, 1, "as the first took 15 s"),
        ([70.0, 0.01], 2, 12, "10 ms a step"),  # compiled: what that takes is no measure of anything
        ([70.0, 0.1, 20.0], 2, 3, "20 s a step"),
        ([70.0, 0.1, 0.1, 5.0, 0.001], 4, 14, "1 ms a step"),
    ],
)
def test_said_once_after_the_first_steps(monkeypatch, seconds, warm_up_steps, after, a_step):
    step, lines = told_after(FakeLoop(monkeypatch, seconds, steps=100, warm_up_steps=warm_up_steps))
    assert step == after
    assert lines[0].endswith(f"for 100 steps ({a_step}), training alone")
    assert sum("training alone" in line for line in lines) == 1


def test_of_a_resumed_run_the_remaining_steps(monkeypatch):
    step, lines = told_after(FakeLoop(monkeypatch, [0.5, 0.1], steps=1000, step=400))
    assert step == 411
    assert lines == ["about 1 min for the remaining 600 steps (100 ms a step), training alone"]


@pytest.mark.parametrize("steps", [1, 2, 3, 11])
def test_nothing_is_said_where_the_run_ends_before(monkeypatch, steps):
    assert told_after(FakeLoop(monkeypatch, [0.5, 0.1], steps=steps)) == (None, [])
    assert told_after(FakeLoop(monkeypatch, [20.0], steps=1)) == (None, [])


def test_slow_steps_bring_advice(monkeypatch):
    _, lines = told_after(FakeLoop(monkeypatch, [2.0], steps=7000))
    assert lines[0] == "about 3 h 50 min for 7,000 steps (2 s a step), training alone"
    assert any(line.startswith("  --steps 1800 ") for line in lines)


def test_nobody_to_tell_nothing_timed(monkeypatch):
    loop = FakeLoop(monkeypatch, [0.1])
    monkeypatch.setattr(pace, "time", None)
    Pace(loop, (1, 28, 28), None).advance()
    assert loop.step == 1


def weights(trainer):
    return [value.clone() for value in trainer.model.state_dict().values()]


def metrics(folder):
    return [without_timings(json.loads(line)) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def run(config, data, folder, tell=None, stop_at=None):
    trainer = Trainer(config, data, folder)
    trainer.run(stop=lambda: trainer.step == stop_at, tell=tell)
    return trainer


def test_bits_and_metrics_are_those_without(make_config, data, tmp_path):
    config, told = make_config(steps=14), []
    quiet, telling = run(config, data, tmp_path / "a"), run(config, data, tmp_path / "b", told.append)
    assert len(told) == 1
    assert told[0].startswith("about ")
    assert all(map(torch.equal, weights(quiet), weights(telling)))
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_of_a_few_steps(make_config, data, tmp_path, steps):
    told = []
    assert run(make_config(steps=steps), data, tmp_path, told.append).step == steps
    assert told == []


def test_a_run_that_is_stopped_early_and_resumed(make_config, data, tmp_path):
    config, told = make_config(steps=20), []
    run(config, data, tmp_path / "b", told.append, stop_at=4)
    assert told == []
    resumed = run(config, data, tmp_path / "b", told.append)
    assert len(told) == 1
    assert " for the remaining 16 steps (" in told[0]
    assert all(map(torch.equal, weights(run(config, data, tmp_path / "a")), weights(resumed)))
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_warm_up_of_a_compiled_step_is_longer(make_config, data, tmp_path):
    config = make_config()
    assert Trainer(config, data, tmp_path / "a").loop.warm_up_steps == 1
    assert Trainer(dataclasses.replace(config, compile=True), data, tmp_path / "b").loop.warm_up_steps == 2


def test_training_from_python_logs_it(tmp_path, caplog):
    images = torch.randint(0, 256, (40, 1, 8, 8), dtype=torch.uint8)
    settings = {"batch_size": 8, "steps": 14, "width": 0.05, "device": "cpu", "evaluation_samples": 20}
    with caplog.at_level(logging.INFO, logger="infogan_fast"):
        ig.train(out=tmp_path / "run", data=images, **settings)
    told = [record for record in caplog.records if "training alone" in record.getMessage()]
    assert [record.levelno for record in told] == [logging.INFO]
    assert " for 14 steps (" in told[0].getMessage()
