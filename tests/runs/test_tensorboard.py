"""What TensorBoard reads of a run."""

import importlib.util
import json
import time

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import ConfigError


def train(config, data, path, stop_at=None):
    trainer = Trainer(config, data, RunFolder(path))
    trainer.run(stop=lambda: trainer.step == stop_at)
    return trainer


def read(path):
    events = EventAccumulator(str(path / "tensorboard"))
    events.Reload()
    return events


def next_second():
    """Event files are in the order of their seconds; within one, number 10 of a process comes before number 9."""
    time.sleep(1.0 - time.time() % 1.0 + 0.01)


def test_scalars_are_those_of_the_metrics(make_config, data, tmp_path):
    train(make_config(tensorboard=True), data, tmp_path)
    events = read(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 6]

    def series(tag):
        return [(event.step, event.value) for event in events.Scalars(tag)]

    def expected(value_of):
        return [(line["step"], pytest.approx(value_of(line), rel=1e-6)) for line in lines]

    for name in ("discriminator_loss", "generator_loss", "generator_information_loss", "head_abs_max"):
        assert series(f"loss/{name}") == expected(lambda line, name=name: line[name])
    for index, code in enumerate(("categorical 1 (K=3)", "continuous 1", "continuous 2")):
        assert series(f"mi_bound_nats/{code}") == expected(lambda line, index=index: line["mi_bound_nats"][index])
    assert series("schedule/learning_rate") == expected(lambda line: line["schedule"]["learning_rate"])
    assert series("images_per_second") == expected(lambda line: line["images_per_second"])


def test_pictures_are_those_of_the_folder(make_config, data, tmp_path):
    train(make_config(tensorboard=True, picture_every=3), data, tmp_path).finish()
    events = read(tmp_path)
    shown = {(tag, image.step): image for tag in events.Tags()["images"] for image in events.Images(tag)}
    files = {path.stem: path for path in (tmp_path / "traversals").iterdir()}
    assert files.keys() - {"step_000003"} == {tag.removeprefix("traversals/") for tag, step in shown if step == 6}
    decoded = tmp_path / "decoded.png"
    decoded.write_bytes(shown["samples", 3].encoded_image_string)
    with Image.open(decoded) as one, Image.open(files["step_000003"]) as other:
        assert np.array_equal(np.asarray(one.convert("L")), np.asarray(other))


def test_steps_that_are_done_again_are_shown_once(make_config, data, tmp_path):
    config = make_config(tensorboard=True, checkpoint_every=4, log_every=1)
    train(config, data, tmp_path)
    (tmp_path / "checkpoints" / "step_00000006.safetensors").unlink()  # as if the run had been killed in step 6
    next_second()
    assert train(config, data, tmp_path).resumed_from.stem == "step_00000004"
    assert [event.step for event in read(tmp_path).Scalars("images_per_second")] == [1, 2, 3, 4, 5, 6]


def test_steps_before_the_first_checkpoint_that_are_done_again_are_shown_once(make_config, data, tmp_path):
    config = make_config(tensorboard=True, checkpoint_every=4, log_every=1)
    train(config, data, tmp_path, stop_at=3)
    (tmp_path / "checkpoints" / "step_00000003.safetensors").unlink()  # as if the run had been killed in step 4
    next_second()
    assert train(config, data, tmp_path).resumed_from is None
    assert [event.step for event in read(tmp_path).Scalars("images_per_second")] == [1, 2, 3, 4, 5, 6]


def test_nothing_is_written_unless_asked_for(make_config, data, tmp_path):
    train(make_config(), data, tmp_path).finish()
    assert not (tmp_path / "tensorboard").exists()


def test_a_missing_package_is_told_before_training(make_config, data, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else find(name))
    with pytest.raises(ConfigError, match=r"pip install tensorboard \("):
        Trainer(make_config(tensorboard=True), data, RunFolder(tmp_path))
