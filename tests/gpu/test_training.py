"""The trainer on the device: it trains, does not wait for the device in the loop, and continues."""

import json

import numpy as np
import pytest
import torch

from infogan_fast.data import ImageData, load
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import TrainConfig
from infogan_fast.training.batches import StreamedBatches
from infogan_fast.training.schedule import Schedule


def made(path):
    folder = RunFolder(path)
    folder.make()
    return folder


@pytest.fixture
def data():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (300, 1, 28, 28), generator=generator, dtype=torch.uint8)
    labels = torch.arange(300) % 3
    return ImageData("random", images[:256], labels[:256], images[256:], labels[256:])


def make_config(**changes):
    defaults = {
        "device": "cuda",
        "width": 0.25,
        "categorical": (3,),
        "batch_size": 64,
        "steps": 12,
        "log_every": 4,
        "checkpoint_every": 6,
        "picture_every": 0,
        "evaluation_samples": 1000,
    }
    return TrainConfig(**{**defaults, **changes})


def advance(trainer, steps):
    """More steps than there are between two log lines, too."""
    for _ in range(steps):
        trainer.loop.history.clear()
        trainer.loop.advance()


# Where runs are compared step by step: Adam makes whole steps of gradients that are nothing but rounding, so that with
# the usual rates two runs part within some steps.
SMALL_RATES = {f"learning_rate_{part}": 1e-4 for part in ("discriminator", "generator", "head")}


def test_a_run_from_start_to_summary(data, tmp_path):
    folder = made(tmp_path / "run")
    trainer = Trainer(make_config(picture_every=5), data, folder)
    trainer.run()
    summary = trainer.finish()
    assert summary["device"] == "cuda"
    assert summary["steps"] == 12
    lines = [json.loads(line) for line in (folder.path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 8, 12]
    assert (folder.traversals / "step_000005.png").exists()


@pytest.mark.parametrize(
    "changes",
    [{"cuda_graph": False}, {}, {"stream": True}, {"real_information": 1.0, "ema": 0.9}],
)
def test_the_loop_never_waits_for_the_device(data, tmp_path, changes):
    """Three epochs of four steps, so that a new permutation is among them."""
    trainer = Trainer(make_config(**changes), data, made(tmp_path / "run"))

    advance(trainer, 5)  # the fourth captures the graph, which waits
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        advance(trainer, 7)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    trainer.loop.history.check_finite(trainer.step)


def test_a_run_that_is_continued_goes_on_close_to_where_it_would_have(data, tmp_path):
    """Not to the bit: cuDNN and the gradient of the affine views add in an order that is not fixed."""
    config = make_config(steps=8, checkpoint_every=4, log_every=1, shear=0.0, rotation=0.0, **SMALL_RATES)
    whole = Trainer(config, data, made(tmp_path / "whole"))
    whole.run()
    first = Trainer(config, data, made(tmp_path / "parts"))
    first.run(stop=lambda: first.step == 4)
    second = Trainer(config, data, made(tmp_path / "parts"))
    assert second.step == 4
    assert all(p.is_cuda for p in second.model.parameters())
    second.run()
    for name, tensor in whole.model.state_dict().items():
        torch.testing.assert_close(second.model.state_dict()[name], tensor, rtol=0.05, atol=0.01, msg=name)


def histories(data, path, steps, **settings):
    """The terms of the steps of a run for each setting, ``[steps, terms]``."""
    (name, values), *others = settings.items()  # the first one varies
    rows = []
    for value in values:
        still = {"shear": 0.0, "rotation": 0.0, **SMALL_RATES}
        config = make_config(steps=steps, log_every=steps, **still, **dict(others), **{name: value})
        trainer = Trainer(config, data, made(path / str(value)))
        for _ in range(steps):
            trainer.loop.advance()
        rows.append(trainer.loop.history.rows.cpu())
    return rows


def test_the_captured_step_agrees(data, tmp_path):
    """Also beyond the capture: codes, images, noise, schedules and learning rates are read afresh at each replay."""
    plain, captured = histories(data, tmp_path, 10, cuda_graph=(False, True))
    torch.testing.assert_close(captured, plain, rtol=0.02, atol=0.01)
    assert (plain[4:] - plain[4]).abs().amax(dim=1)[1:].min() > 1e-3


def test_the_captured_step_agrees_with_the_term_on_real_images(data, tmp_path):
    plain, captured = histories(data, tmp_path, 10, cuda_graph=(False, True), real_information=1.0)
    term = Trainer(make_config(real_information=1.0), data, made(tmp_path / "names")).loop.training_step.metrics.index(
        "real_information"
    )
    assert plain[:, term].min() > 0.0
    torch.testing.assert_close(captured, plain, rtol=0.02, atol=0.01)


@pytest.mark.parametrize("game", ["hinge", "wgan-gp"])
def test_other_games_are_captured_too(data, tmp_path, game):
    """With several updates of D, each on images of its own."""
    plain, captured = histories(
        data, tmp_path, 10, cuda_graph=(False, True), game=game, discriminator_updates=2, compile=False
    )
    torch.testing.assert_close(captured, plain, rtol=0.05, atol=0.02)


def test_the_average_of_g_is_taken_in_the_captured_step(data, tmp_path):
    averages = []
    for cuda_graph in (False, True):
        config = make_config(cuda_graph=cuda_graph, ema=0.9, shear=0.0, rotation=0.0, **SMALL_RATES)
        trainer = Trainer(config, data, made(tmp_path / str(cuda_graph)))
        advance(trainer, 8)
        averages.append(trainer.loop.ema.module.state_dict())
    for name, tensor in averages[0].items():
        torch.testing.assert_close(averages[1][name], tensor, rtol=0.02, atol=1e-3, msg=name)
    trained = trainer.model.generator.state_dict()
    assert not any(
        torch.equal(trained[name], averages[1][name]) for name, _ in trainer.model.generator.named_parameters()
    )


@pytest.mark.parametrize("workers", [None, 0, 2])
def test_streamed_batches_are_those_of_the_device(data, tmp_path, workers):
    """Read by a captured step, from a tensor (None) and from a file."""
    stored = data
    if workers is not None:
        np.save(tmp_path / "x.npy", data.images.numpy())
        stored = load(str(tmp_path / "x.npy"), stream=True, workers=workers)
    (resident,) = histories(data, tmp_path / "resident", 10, cuda_graph=(True,))
    (streamed,) = histories(stored, tmp_path / "streamed", 10, stream=(True,))
    torch.testing.assert_close(streamed, resident, rtol=0.02, atol=0.01)


def test_images_that_would_fill_the_device_stay_in_memory(data, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (2 * data.images.nbytes - 1, 0))
    trainer = Trainer(make_config(), data, made(tmp_path / "run"))
    assert isinstance(trainer.loop.inputs.batches, StreamedBatches)
    trainer.run()


def test_a_replay_has_the_learning_rates_of_its_step(data, tmp_path):
    trainer = Trainer(make_config(), data, made(tmp_path / "run"))
    advance(trainer, 5)
    before = [p.detach().clone() for p in trainer.model.parameters()]
    trainer.loop.training_step.follow(Schedule(0.0, 1.0))
    trainer.loop._update()
    assert all(torch.equal(p, old) for p, old in zip(trainer.model.parameters(), before, strict=True))
    trainer.loop.training_step.follow(Schedule(1.0, 1.0))
    trainer.loop._update()
    assert not any(torch.equal(p, old) for p, old in zip(trainer.model.parameters(), before, strict=True))


def test_a_captured_step_is_one_graph(data, tmp_path):
    trainer = Trainer(make_config(), data, made(tmp_path / "run"))
    advance(trainer, 5)
    with torch.profiler.profile() as profile:
        trainer.loop.advance()
    launches = [event.count for event in profile.key_averages() if event.key == "cudaGraphLaunch"]
    assert launches == [1]


def test_bfloat16_is_close(data, tmp_path):
    wide, narrow = histories(data, tmp_path, 3, precision=("float32", "bfloat16"))
    torch.testing.assert_close(narrow, wide, rtol=0.1, atol=0.1)
    assert not torch.equal(narrow, wide)


def test_moments_lie_in_memory_as_their_weights_do(data, tmp_path):
    config = make_config(steps=8, checkpoint_every=4)
    first = Trainer(config, data, made(tmp_path / "run"))
    first.run(stop=lambda: first.step == 4)
    second = Trainer(config, data, made(tmp_path / "run"))
    assert second.model.trunk.layers[2].weight.is_contiguous(memory_format=torch.channels_last)
    state = second.loop.training_step.discriminator_optimizer.state
    for parameter, values in state.items():
        for key in ("exp_avg", "exp_avg_sq"):
            assert values[key].stride() == parameter.stride()


@pytest.mark.slow
def test_the_compiled_step_agrees(data, tmp_path):
    torch._dynamo.reset()
    eager, compiled = histories(data, tmp_path, 6, compile=(False, True))
    torch.testing.assert_close(compiled, eager, rtol=0.02, atol=0.01)
