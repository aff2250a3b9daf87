"""Every setting does what its description says: those of the data that is read, and of the files that are written."""

import json
import multiprocessing

import numpy as np
import pytest
import torch
from PIL import Image
from runs_by_setting import run, same, started, weights
from tiny_run import write_images

from infogan_fast.data import DataError
from infogan_fast.training import ConfigError
from infogan_fast.training.loop import TrainingLoop


@pytest.fixture
def photos(tmp_path):
    """A folder of twelve image files of 12x8 pixels and one that is torn."""
    (tmp_path / "photos").mkdir()
    generator = np.random.default_rng(0)
    for index in range(12):
        pixels = generator.integers(0, 256, (8, 12, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{index}.png")
    content = (tmp_path / "photos" / "0.png").read_bytes()
    (tmp_path / "photos" / "torn.png").write_bytes(content[: len(content) // 2])
    return str(tmp_path / "photos")


# What is learned from


def test_data(make_config, tmp_path, photos):
    write_images(tmp_path / "digits")
    digits = started(make_config(data=str(tmp_path / "digits")), tmp_path / "a").data
    others = started(make_config(data=photos), tmp_path / "b").data
    assert (digits.image_shape, len(digits.images)) == ((1, 8, 8), 30)
    assert (others.image_shape, len(others.images)) == ((3, 32, 32), 12)


def test_image_size(make_config, tmp_path, photos):
    """The short side is resized to it and the centre cropped; IDX files stay as they are where nothing is said."""
    write_images(tmp_path / "digits")
    for size, digits, others in ((None, (1, 8, 8), (3, 32, 32)), (16, (1, 16, 16), (3, 16, 16))):
        config = {"image_size": size}
        for name, path, shape in (("digits", str(tmp_path / "digits"), digits), ("photos", photos, others)):
            trainer = started(make_config(data=path, **config), tmp_path / f"{name}-{size}")
            assert trainer.data.image_shape == shape
            assert trainer.model.sample(1).shape[1:] == shape


def test_channels(make_config, tmp_path, photos):
    write_images(tmp_path / "digits")
    for channels, digits, others in ((None, 1, 3), (1, 1, 1), (3, 3, 3)):
        for name, path, count in (("digits", str(tmp_path / "digits"), digits), ("photos", photos, others)):
            trainer = started(make_config(data=path, channels=channels), tmp_path / f"{name}-{channels}")
            assert trainer.data.image_shape[0] == count
            assert trainer.model.sample(1).shape[1] == count


def test_strict(make_config, tmp_path, photos):
    trainer = started(make_config(data=photos, strict=False), tmp_path / "lenient")
    assert any("torn.png" in note for note in trainer.data.notes)
    with pytest.raises(DataError, match=r"torn\.png"):
        started(make_config(data=photos, strict=True), tmp_path / "strict")


def test_stream(make_config, tmp_path, photos):
    """With the same result."""
    results = {}
    for stream in (False, True):
        trainer = started(make_config(data=photos, stream=stream, workers=0), tmp_path / str(stream))
        assert isinstance(trainer.data.images, torch.Tensor) == (not stream)
        trainer.run()
        results[stream] = weights(trainer.model)
    assert same(results[False], results[True])


def test_workers(make_config, tmp_path, photos):
    """Of a run, and of a training on images that were loaded for another number of workers."""
    for workers in (0, 2):
        trainer = started(make_config(data=photos, stream=True, workers=workers), tmp_path / str(workers))
        for number, loop in ((workers, trainer.loop), (1, TrainingLoop(make_config(workers=1), trainer.data))):
            loop.advance()
            try:
                assert len(multiprocessing.active_children()) == number
            finally:
                loop.inputs.batches.close()


def test_heldout_fraction(make_config, tmp_path, photos):
    """Of each class of a labelled folder of image files, and of no other data."""
    labelled = tmp_path / "labelled"
    for index in range(24):
        (labelled / "ab"[index % 2]).mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8), 10 * index).save(labelled / "ab"[index % 2] / f"{index}.png")
    write_images(tmp_path / "digits")
    for fraction, count in ((0.0, 0), (0.2, 4), (0.5, 12)):
        parts = {}
        for name, path in (("labelled", labelled), ("digits", tmp_path / "digits"), ("photos", photos)):
            config = make_config(data=str(path), heldout_fraction=fraction)
            data = started(config, tmp_path / f"{name}-{fraction}").data
            parts[name] = 0 if data.heldout_images is None else len(data.heldout_images)
        assert parts == {"labelled": count, "digits": 10, "photos": 0}


# What is written


def logged(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def kept(path):
    """The steps of the checkpoints in a run's folder."""
    return sorted(int(file.stem.removeprefix("step_")) for file in (path / "checkpoints").iterdir())


def test_log_every(make_config, data, tmp_path):
    for every, steps in ((1, [1, 2, 3, 4, 5, 6]), (4, [4, 6])):
        run(make_config(log_every=every), data, tmp_path / str(every))
        assert [line["step"] for line in logged(tmp_path / str(every))] == steps


def test_checkpoint_every(make_config, data, tmp_path):
    for every, steps in ((1, [1, 2, 3, 4, 5, 6]), (4, [4, 6])):
        run(make_config(checkpoint_every=every, keep_checkpoints=9), data, tmp_path / str(every))
        assert kept(tmp_path / str(every)) == steps


def test_keep_checkpoints(make_config, data, tmp_path):
    for count, last in ((1, {6}), (3, {4, 5, 6})):
        trainer = run(make_config(checkpoint_every=1, keep_checkpoints=count), data, tmp_path / str(count))
        assert set(kept(tmp_path / str(count))) == last | {trainer.best.step}


def test_best_by(make_config, data, tmp_path):
    every = {"log_every": 1, "checkpoint_every": 1}
    by_bound = run(make_config(best_by="mi_bound", **every), data, tmp_path / "bound").best
    bounds = {line["step"]: sum(line["mi_bound_nats"]) for line in logged(tmp_path / "bound")}
    assert by_bound.step == max(bounds, key=bounds.get)
    assert by_bound.score == pytest.approx(bounds[by_bound.step])
    by_accuracy = run(make_config(best_by="accuracy", **every), data, tmp_path / "accuracy").best
    correct = 30 * by_accuracy.score  # of 30 labelled training images
    assert 10 <= correct <= 30
    assert correct == pytest.approx(round(correct))
    with pytest.raises(ConfigError, match="best_by"):
        run(make_config(best_by="accuracy", categorical=()), data, tmp_path / "none")


def test_picture_every(make_config, data, tmp_path):
    for every, steps in ((0, []), (2, [2, 4])):
        run(make_config(picture_every=every), data, tmp_path / str(every))
        names = [f"step_{step:06d}.png" for step in steps]
        assert sorted(path.name for path in tmp_path.glob(f"{every}/traversals/*")) == names


def test_tensorboard(make_config, data, tmp_path):
    pytest.importorskip("tensorboard")
    for wanted in (False, True):
        run(make_config(tensorboard=wanted), data, tmp_path / str(wanted))
        assert bool(list(tmp_path.glob(f"{wanted}/tensorboard/events*"))) == wanted


def test_evaluation_samples(make_config, data, tmp_path):
    def generated(samples):
        trainer = run(make_config(evaluation_samples=samples), data, tmp_path / str(samples))
        rows = []
        trainer.model.generator.register_forward_hook(lambda _, __, images: rows.append(len(images)))
        trainer.finish()
        return sum(rows)

    assert generated(1230) - generated(30) == 1200
