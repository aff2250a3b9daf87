"""Whole runs, tiny: reproducible, resumable, stopped where they diverge."""

import dataclasses
import json

import pytest
import torch

from infogan_fast.data import DataError, ImageData
from infogan_fast.finite import NonFiniteError
from infogan_fast.runs import trainer as trainer_module
from infogan_fast.runs.checkpoint import CheckpointError, checkpoints, load_checkpoint, save_checkpoint
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import ConfigError, device
from infogan_fast.training.processor import Processor
from infogan_fast.training.randomness import BatchOrder


def run(config, data, path, stop_at=None):
    trainer = Trainer(config, data, RunFolder(path))
    trainer.run(stop=lambda: trainer.step == stop_at)
    return trainer


def assert_same_bits(first, second):
    for (name, a), b in zip(first.model.state_dict().items(), second.model.state_dict().values(), strict=True):
        assert torch.equal(a, b), name


def metrics(path):
    lines = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k not in ("seconds", "images_per_second")} for line in lines]


@pytest.fixture(autouse=True)
def _folders(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()


def test_same_seed_same_bits(make_config, data, tmp_path):
    first = run(make_config(), data, tmp_path / "a")
    torch.manual_seed(99)  # the global generator has no say
    second = run(make_config(), data, tmp_path / "b")
    assert_same_bits(first, second)
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_another_seed_other_weights(make_config, data, tmp_path):
    first, second = run(make_config(), data, tmp_path / "a"), run(make_config(seed=1), data, tmp_path / "b")
    assert not torch.equal(first.model.discriminator_head.weight, second.model.discriminator_head.weight)


@pytest.mark.parametrize("every", [2, 5])  # stopped in the middle of a log interval
def test_resume_gives_the_bits_of_an_uninterrupted_run(make_config, data, tmp_path, every):
    config = make_config(log_every=every, checkpoint_every=every)
    whole = run(config, data, tmp_path / "a")
    run(config, data, tmp_path / "b", stop_at=3)
    continued = run(config, data, tmp_path / "b")
    assert continued.step == 6
    assert continued.resumed_from.name == "step_00000003.safetensors"
    assert_same_bits(whole, continued)
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_steps_lost_with_a_crash_are_not_logged_twice(make_config, data, tmp_path):
    config = make_config(log_every=1, checkpoint_every=4)
    run(config, data, tmp_path / "a")
    (tmp_path / "a" / "checkpoints" / "step_00000006.safetensors").unlink()
    with open(tmp_path / "a" / "metrics.jsonl", "a") as file:
        file.write('\0\xff\n[]\n{"epoch": 3}\n')  # a damaged disk
        file.write('{"step": 7, "disc')  # cut off by the crash
    run(config, data, tmp_path / "a")
    assert [line["step"] for line in metrics(tmp_path / "a")] == [1, 2, 3, 4, 5, 6]


def test_metrics(make_config, data, tmp_path):
    run(make_config(steps=5), data, tmp_path / "a")
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 4, 5]
    assert len(lines[0]["mi_bound_nats"]) == 3
    assert all(line["images_per_second"] > 0 for line in lines)


def test_a_run_that_diverges_stops_and_keeps_the_last_good_checkpoint(make_config, data, tmp_path):
    trainer = run(make_config(steps=100), data, tmp_path / "a", stop_at=4)
    with torch.no_grad():
        trainer.model.q_head.layers[-1].bias[0] = float("nan")
    with pytest.raises(NonFiniteError) as error:
        trainer.run()
    message = str(error.value)
    assert message.startswith("step 5: not finite:")
    for term in ("discriminator_loss =", "discriminator_information_loss = nan", "head_abs_max = nan", "nll of cat"):
        assert term in message
    assert [path.name for path in checkpoints(tmp_path / "a" / "checkpoints")] == [
        "step_00000002.safetensors",
        "step_00000004.safetensors",
    ]


def test_weights_that_the_last_update_ruined_are_not_saved(make_config, data, tmp_path):
    trainer = run(make_config(steps=100), data, tmp_path / "a", stop_at=4)
    with torch.no_grad():
        trainer.model.generator.layers[0].weight[0, 0] = float("inf")
    with pytest.raises(NonFiniteError, match=r"step 4: not finite: model\.generator\.layers\.0\.weight$"):
        trainer._state.save()


def test_batch_larger_than_the_data(make_config, data, tmp_path):
    with pytest.raises(ConfigError, match=r"batch_size: got 31, allowed: at most 30"):
        Trainer(make_config(batch_size=31), data, RunFolder(tmp_path / "a"))


def test_images_that_the_networks_cannot_halve_twice(make_config, tmp_path):
    data = ImageData("odd", torch.zeros(10, 1, 10, 8, dtype=torch.uint8))
    with pytest.raises(ConfigError, match=r"sides must be multiples of 4 .*, got 1x10x8"):
        Trainer(make_config(), data, RunFolder(tmp_path / "a"))


def test_finish(make_config, data, tmp_path):
    evaluation, pictures = run(make_config(), data, tmp_path / "a").evaluate()
    figures = evaluation.to_json()
    assert 0.0 <= figures["accuracy"] <= 1.0
    assert len(figures["mi_bound_nats"]) == len(figures["entropy_nats"]) == 3
    assert len(figures["r2"]) == 2
    assert all(path.is_file() for path in pictures)


@pytest.mark.parametrize(
    "changes",
    [
        {"categorical": ()},
        {"continuous": 0},
        {"noise": 0},
        {"categorical": (3, 5), "variance": "learned"},
        {"variance": "learned_std", "continuous_prior": "normal", "noise_prior": "uniform"},
        {"instance_noise": 0.0},
        {"picture_every": 1},
    ],
)
def test_other_codes_and_settings(make_config, data, tmp_path, changes):
    evaluation, pictures = run(make_config(steps=2, **changes), data, tmp_path / "a").evaluate()
    assert all(torch.isfinite(torch.tensor(evaluation.recovery.mi_bound_nats)))
    assert pictures


def test_held_out_images_and_labels_have_no_part_in_training(make_config, data, tmp_path):
    other = dataclasses.replace(data, heldout_images=255 - data.heldout_images, labels=(data.labels + 1) % 3)
    assert_same_bits(run(make_config(), data, tmp_path / "a"), run(make_config(), other, tmp_path / "b"))


def test_real_images_are_given_to_the_step_in_0_to_1(make_config, data, tmp_path, monkeypatch):
    trainer, seen = Trainer(make_config(), data, RunFolder(tmp_path / "a")), []
    update = trainer.loop.training_step.update
    monkeypatch.setattr(trainer.loop.training_step, "update", lambda inputs: seen.extend(inputs) or update(inputs))
    order = BatchOrder(trainer.config.seed, 30, 8, torch.device("cpu"))
    trainer.loop.advance()
    torch.testing.assert_close(seen[0].real, data.images[order(0)].float() / 255.0)


def test_throughput_is_images_by_the_seconds_that_they_took(make_config, data, tmp_path, monkeypatch):
    clock = 0.0
    monkeypatch.setattr(trainer_module.time, "perf_counter", lambda: clock)
    trainer = Trainer(make_config(steps=5), data, RunFolder(tmp_path / "a"))
    advance = trainer.loop.advance

    def slower_and_slower():
        nonlocal clock
        clock += trainer.step + 1
        return advance()

    trainer.loop.advance = slower_and_slower
    trainer.run()
    lines = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert [line["images_per_second"] for line in lines] == pytest.approx([16 / 3, 16 / 7, 8 / 5])
    summary = trainer.finish()
    assert (summary["seconds"], summary["images_per_second"]) == (15.0, pytest.approx(40 / 15))


def test_resume_on_other_images(make_config, data, tmp_path):
    run(make_config(), data, tmp_path / "a", stop_at=3)
    for images, message in (
        (torch.zeros(30, 1, 12, 8, dtype=torch.uint8), "its images are 1x12x8, the run was trained on 1x8x8"),
        (data.images[:20], "holds 20 training images, the run was trained on 30"),
        (data.images.flip(0), "its training images are not those that the run was trained on"),
    ):
        with pytest.raises(DataError, match=f"other: {message}"):
            run(make_config(), ImageData("other", images), tmp_path / "a")


def test_resume_with_other_settings_than_the_checkpoint_was_written_with(make_config, data, tmp_path):
    run(make_config(), data, tmp_path / "a", stop_at=3)
    with pytest.raises(CheckpointError, match=r"step_00000003.safetensors: was written with seed 0, not 1"):
        run(make_config(seed=1), data, tmp_path / "a")
    assert run(make_config(steps=7), data, tmp_path / "a").step == 7


@pytest.mark.parametrize("lost", ["history", "generator_optimizer.0.exp_avg", "discriminator_optimizer.3.step"])
def test_resume_from_a_checkpoint_that_lacks_a_tensor(make_config, data, tmp_path, lost):
    run(make_config(), data, tmp_path / "a", stop_at=3)
    folder = RunFolder(tmp_path / "a").checkpoints
    tensors, scalars = load_checkpoint(checkpoints(folder)[-1], torch.device("cpu"))
    del tensors[lost]
    save_checkpoint(folder, 3, tensors, scalars)
    with pytest.raises(CheckpointError, match=f"step_00000003.safetensors: .* it lacks {lost}$"):
        run(make_config(), data, tmp_path / "a")


@pytest.mark.parametrize("lost", ["seconds", "last_log", "images_sha256", "settings"])
def test_resume_from_a_checkpoint_that_lacks_a_scalar(make_config, data, tmp_path, lost):
    run(make_config(), data, tmp_path / "a", stop_at=3)
    folder = RunFolder(tmp_path / "a").checkpoints
    tensors, scalars = load_checkpoint(checkpoints(folder)[-1], torch.device("cpu"))
    del scalars[lost]
    save_checkpoint(folder, 3, tensors, scalars)
    with pytest.raises(CheckpointError, match=f"it lacks {lost}$"):
        run(make_config(), data, tmp_path / "a")


def test_terms_of_a_long_interval_take_no_more_than_the_run(make_config, data, tmp_path):
    trainer = Trainer(make_config(log_every=1_000_000), data, RunFolder(tmp_path / "a"))
    assert len(trainer.loop.history._rows) == 6


@pytest.mark.parametrize("stops", [(), (3,), (1, 3, 5)])
def test_the_best_checkpoint_is_kept_whatever_the_stops(make_config, data, tmp_path, monkeypatch, stops):
    bounds = {2: [1.0, 0.5, 0.1], 4: [2.0, 1.0, 0.2], 6: [2.0, 0.9, 0.2], 8: [2.5, 0.1, 0.1], 10: [0.0, 0.0, 0.0]}
    config = make_config(steps=10, checkpoint_every=2, keep_checkpoints=1)
    for stop_at in (*stops, None):
        trainer = Trainer(config, data, RunFolder(tmp_path / "a"))
        # A score at a step where a checkpoint is not due would be the best of all.
        means = lambda trainer=trainer: ({"discriminator_loss": 0.0}, bounds.get(trainer.step, [9.0, 9.0, 9.0]))  # noqa: E731
        monkeypatch.setattr(trainer.loop.history, "means", means)
        trainer.run(stop=lambda trainer=trainer, stop_at=stop_at: trainer.step == stop_at)
    assert trainer.best == (4, pytest.approx(3.2))
    names = [path.stem for path in checkpoints(tmp_path / "a" / "checkpoints")]
    assert names == ["step_00000004", "step_00000010"]


def test_the_best_is_by_the_bound_of_the_steps_since_the_line_before(make_config, data, tmp_path):
    config = make_config(steps=9, log_every=2, checkpoint_every=3, keep_checkpoints=9)
    trainer = run(config, data, tmp_path / "a")
    every_step = run(make_config(steps=9, log_every=1), data, tmp_path / "b")
    assert_same_bits(trainer, every_step)
    sums = {line["step"]: sum(line["mi_bound_nats"]) for line in metrics(tmp_path / "b")}
    scores = {3: sums[3], 6: (sums[5] + sums[6]) / 2, 9: sums[9]}
    best = max(scores, key=scores.get)
    assert trainer.best == (best, pytest.approx(scores[best], rel=1e-5))


def test_the_best_by_accuracy_on_training_images(make_config, data, tmp_path):
    trainer = run(make_config(best_by="accuracy", keep_checkpoints=1), data, tmp_path / "a")
    other = dataclasses.replace(data, heldout_labels=(data.heldout_labels + 1) % 3)
    assert run(make_config(best_by="accuracy"), other, tmp_path / "b").best == trainer.best
    (tmp_path / "c").mkdir()
    accuracies = {
        step: run(make_config(), data, tmp_path / "c", stop_at=step).evaluate()[0].accuracies[0].train
        for step in (2, 4, 6)
    }
    assert trainer.best == (max(accuracies, key=accuracies.get), max(accuracies.values()))


@pytest.mark.parametrize(
    ("changes", "missing"), [({}, "labels in unlabelled"), ({"categorical": ()}, "categorical codes")]
)
def test_the_best_by_accuracy_needs_labels_and_categories(make_config, data, tmp_path, changes, missing):
    unlabelled = data if changes else ImageData("unlabelled", data.images)
    with pytest.raises(ConfigError, match=f"best_by: got 'accuracy', but there are no {missing}; allowed: mi_bound"):
        Trainer(make_config(best_by="accuracy", **changes), unlabelled, RunFolder(tmp_path / "a"))


def test_what_is_left_to_the_processor_is_decided(make_config, data, tmp_path):
    by_name = run(make_config(precision="float32", matrix_product="blas"), data, tmp_path / "a")
    here = Processor("intel", "avx2", has_bfloat16=False, has_onednn=True)
    with pytest.MonkeyPatch.context() as context:
        context.setattr(device, "processor", lambda: here)
        by_auto = run(make_config(precision="auto", matrix_product="auto", compile=None), data, tmp_path / "b")
    assert_same_bits(by_name, by_auto)
    saved = RunFolder(tmp_path / "b").read_config()
    assert (saved.precision, saved.matrix_product, saved.compile) == ("float32", "blas", False)
