"""Whole runs, tiny: reproducible, resumable, stopped where they diverge."""

import json

import pytest
import torch

from infogan_fast.data import ImageData
from infogan_fast.training import ConfigError, NonFiniteError
from infogan_fast.training.checkpoint import checkpoints
from infogan_fast.training.run_folder import RunFolder
from infogan_fast.training.trainer import Trainer


class Silent:
    def update(self, metrics):
        pass


def run(config, data, path, stop_at=None):
    trainer = Trainer(config, data, RunFolder(path))
    trainer.run(Silent(), stop_at)
    return trainer


def assert_same_bits(first, second):
    for (name, a), b in zip(first.nets.state_dict().items(), second.nets.state_dict().values(), strict=True):
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
    assert not torch.equal(first.nets.real_or_fake.weight, second.nets.real_or_fake.weight)


@pytest.mark.parametrize("every", [2, 5])  # stopped in the middle of a log interval
def test_resume_gives_the_bits_of_an_uninterrupted_run(make_config, data, tmp_path, every):
    config = make_config(log_every=every, checkpoint_every=every)
    whole = run(config, data, tmp_path / "a")
    run(config, data, tmp_path / "b", stop_at=3)
    continued = run(config, data, tmp_path / "b")
    assert continued.step == 6
    assert continued.continued_from.name == "step_00000003.safetensors"
    assert_same_bits(whole, continued)
    assert metrics(tmp_path / "a") == metrics(tmp_path / "b")


def test_steps_lost_with_a_crash_are_not_logged_twice(make_config, data, tmp_path):
    config = make_config(log_every=1, checkpoint_every=4)
    run(config, data, tmp_path / "a")
    (tmp_path / "a" / "checkpoints" / "step_00000006.safetensors").unlink()
    with open(tmp_path / "a" / "metrics.jsonl", "a") as file:
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
        trainer.nets.head.layers[-1].bias[0] = float("nan")
    with pytest.raises(NonFiniteError) as error:
        trainer.run(Silent())
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
        trainer.nets.generator.layers[0].weight[0, 0] = float("inf")
    with pytest.raises(NonFiniteError, match=r"step 4: not finite: nets\.generator\.layers\.0\.weight$"):
        trainer._save()


def test_batch_larger_than_the_data(make_config, data, tmp_path):
    with pytest.raises(ConfigError, match=r"batch_size: got 31, allowed: at most 30"):
        Trainer(make_config(batch_size=31), data, RunFolder(tmp_path / "a"))


def test_images_that_the_networks_cannot_halve_twice(make_config, tmp_path):
    data = ImageData("odd", torch.zeros(10, 1, 10, 8, dtype=torch.uint8))
    with pytest.raises(ConfigError, match=r"sides must be multiples of 4 .*, got 1x10x8"):
        Trainer(make_config(), data, RunFolder(tmp_path / "a"))


def test_finish(make_config, data, tmp_path):
    evaluation, pictures = run(make_config(), data, tmp_path / "a").finish()
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
    evaluation, pictures = run(make_config(steps=2, **changes), data, tmp_path / "a").finish()
    assert all(torch.isfinite(torch.tensor(evaluation.recovery.mi_bound_nats)))
    assert pictures
