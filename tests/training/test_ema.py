"""The running average of G's weights, and that pictures and figures are made with it."""

import pytest
import torch

from infogan_fast.model import evaluation_mode
from infogan_fast.networks import build_model
from infogan_fast.runs.checkpoint import checkpoints, find_checkpoint, load_checkpoint
from infogan_fast.runs.evaluate import draw_run, evaluate_run
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.start import start
from infogan_fast.runs.trainer import Trainer
from infogan_fast.spec import LatentSpec
from infogan_fast.training.ema import GeneratorEMA


def train(config, data, path, stop_at=None):
    path.mkdir(exist_ok=True)
    trainer = Trainer(config, data, RunFolder(path))
    trainer.run(stop=lambda: trainer.step == stop_at)
    return trainer


def test_is_the_exponential_average_of_weights_and_statistics():
    generator = build_model(LatentSpec(2, (4,)), (1, 8, 8), width=0.05).generator
    average = GeneratorEMA(generator, 0.5)
    expected = {name: tensor.double() for name, tensor in generator.state_dict().items()}
    for step in range(8):
        with torch.no_grad():
            for tensor in (*generator.parameters(), *generator.buffers()):
                tensor.add_(1) if tensor.dtype == torch.int64 else tensor.normal_()
        average.follow(step)
        average.update()
        decay = min(0.5, (1 + step) / (10 + step))
        for name, tensor in generator.state_dict().items():
            kept = 0.0 if tensor.dtype == torch.int64 else decay
            expected[name] = kept * expected[name] + (1.0 - kept) * tensor.double()
    found = average.module.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-5, atol=1e-6, msg=name)


def test_decays_by_the_setting_once_the_beginning_is_over():
    generator = torch.nn.Linear(1, 1, bias=False)
    average = GeneratorEMA(generator, 0.9)
    with torch.no_grad():
        average.module.weight.fill_(0.0)
        generator.weight.fill_(1.0)
    average.follow(10_000)
    average.update()
    assert average.module.weight.item() == pytest.approx(0.1, rel=1e-6)


def test_does_not_change_what_is_trained(make_config, data, tmp_path):
    plain = train(make_config(), data, tmp_path / "a").model.state_dict()
    averaged = train(make_config(ema=0.9), data, tmp_path / "b").model.state_dict()
    assert all(torch.equal(plain[name], averaged[name]) for name in plain)


def test_continues_with_the_same_bits(make_config, data, tmp_path):
    config = make_config(ema=0.9)
    whole = train(config, data, tmp_path / "a")
    train(config, data, tmp_path / "b", stop_at=3)
    continued = train(config, data, tmp_path / "b")
    states = whole.loop.ema.module.state_dict(), continued.loop.ema.module.state_dict()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    trained = whole.model.generator.state_dict()
    assert any(not torch.equal(trained[name], states[0][name]) for name in trained)


def test_takes_the_generators_place_while_it_is_evaluated(make_config, data, tmp_path):
    trainer = train(make_config(ema=0.9), data, tmp_path / "a")
    trained = trainer.model.generator
    with evaluation_mode(trainer.model, trainer.loop.ema.module):
        assert trainer.model.generator is trainer.loop.ema.module
        assert not any(module.training for module in trainer.model.modules())
        assert trained.training
    assert trainer.model.generator is trained
    assert all(module.training for module in trainer.model.modules())


@pytest.mark.parametrize("ema", [0.0, 0.9])
def test_a_run_is_evaluated_with_what_its_summary_was_made_with(make_config, data, tmp_path, monkeypatch, ema):
    monkeypatch.setattr("infogan_fast.data.load", lambda *_, **__: data)
    folder = RunFolder(tmp_path)
    trainer = start(make_config(ema=ema), folder)
    trainer.run()
    summary, figures = trainer.finish(), evaluate_run(folder)
    assert figures["mi_bound_nats"] == summary["mi_bound_nats"]
    pictures = {path.name: path.read_bytes() for path in folder.traversals.iterdir()}
    assert {path.name: path.read_bytes() for path in draw_run(folder, tmp_path / "again")} == pictures
    tensors, _ = load_checkpoint(checkpoints(folder.checkpoints)[-1], torch.device("cpu"))
    assert any(name.startswith("ema.") for name in tensors) == (ema > 0.0)


def test_the_best_checkpoint_is_drawn_beside_the_last(make_config, data, tmp_path, monkeypatch):
    monkeypatch.setattr("infogan_fast.data.load", lambda *_, **__: data)
    folder = RunFolder(tmp_path)
    start(make_config(), folder).run()
    assert draw_run(folder, which="best")[0].parent == tmp_path / "traversals-best"
    assert draw_run(folder, seed=5, which="best")[0].parent == tmp_path / "traversals-seed5-best"
    assert find_checkpoint(folder.checkpoints, "best").is_file()
