"""Training from Python: what is made of it, what is resumed, and what the command line sees of it."""

import json
import math
import os
import signal
import threading

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import softplus
from torch.utils.data import TensorDataset

import infogan_fast as ig
from infogan_fast.data import DataError, from_python, load
from infogan_fast.objectives import Contribution, DiscriminatorTerm
from infogan_fast.runs.checkpoint import checkpoints, load_checkpoint
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.training import ConfigError
from infogan_fast.training.randomness import BatchOrder

SPEC = ig.LatentSpec(noise=4, categorical=(3,), continuous=1)
TINY = {"batch_size": 8, "steps": 6, "log_every": 1, "checkpoint_every": 2, "evaluation_samples": 40, "device": "cpu"}


class Residual(nn.Module):
    """A residual block with batch normalisation inside, as a user writes it."""

    def __init__(self, channels):
        super().__init__()
        self.main = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)),
        )

    def forward(self, x):
        return x + self.main(x)


class Generator(nn.Module):
    def __init__(self, spec=SPEC, width=6):
        super().__init__()
        self.start = nn.Linear(spec.input_dim, width * 16)
        self.blocks = nn.ModuleList([Residual(width), Residual(width)])
        self.end = nn.Sequential(nn.BatchNorm2d(width), nn.ReLU(), nn.ConvTranspose2d(width, 1, 4, 2, 1), nn.Sigmoid())
        self.width = width

    def forward(self, latents):
        x = self.start(latents).view(-1, self.width, 4, 4)
        for block in self.blocks:
            x = block(x)
        return self.end(x)


def trunk(width=6):
    return nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1), nn.LeakyReLU(0.2), Residual(width), nn.Flatten(), nn.Linear(16 * width, 10)
    )


def dcgan(seed=0, variance="learned"):
    torch.manual_seed(seed)
    return ig.InfoGAN(
        SPEC,
        generator=Generator(),
        trunk=trunk(),
        discriminator_head=nn.Linear(10, 1),
        q_head=nn.Sequential(nn.Linear(10, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, SPEC.head_dim(variance))),
        variance=variance,
    )


def photos(count=40, dtype=torch.float32):
    return torch.rand(count, 1, 8, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


def lines(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def tensors(folder):
    return load_checkpoint(checkpoints(folder / "checkpoints")[-1], torch.device("cpu"))[0]


def assert_same_bits(first, second):
    one, other = tensors(first), tensors(second)
    assert one.keys() == other.keys()
    assert [name for name in one if not torch.equal(one[name], other[name])] == []


def by_hand(model, data, steps, rates, weight):
    """The losses of a plain loop, in which every batch has a pass of its own."""
    G, T, D, Q = model.generator, model.trunk, model.discriminator_head, model.q_head
    of_d = torch.optim.Adam([*T.parameters(), *D.parameters(), *Q.parameters()], rates[0], (0.5, 0.999))
    of_g = torch.optim.Adam(G.parameters(), rates[1], (0.5, 0.999))
    order = BatchOrder(0, len(data), 8, torch.device("cpu"))
    for step in range(steps):
        latents = ig.sample_latents(SPEC, 8, torch.tensor(step), dtype=torch.float64)
        fake = G(latents.input)
        real_features, fake_features = T(data[order(step)]), T(fake.detach())
        game = softplus(-D(real_features)).mean() + softplus(D(fake_features)).mean()
        information = ig.reference.info_loss(Q(fake_features), latents, SPEC, 1.0, weight)
        of_d.zero_grad()
        (game + information).backward()
        of_d.step()
        features = T(fake)
        for_g = softplus(-D(features)).mean()
        for_code = ig.reference.info_loss(Q(features), latents, SPEC, 1.0, weight)
        of_g.zero_grad()
        (for_g + for_code).backward()
        of_g.step()
        yield {
            "discriminator_loss": float(game.detach()),
            "discriminator_information_loss": float(information.detach()),
            "generator_loss": float(for_g.detach()),
            "generator_information_loss": float(for_code.detach()),
        }


def test_networks_of_ones_own_train_as_in_a_plain_loop(tmp_path):
    data = photos(dtype=torch.float64)
    settings = {**TINY, "steps": 20, "learning_rate_discriminator": 2e-3, "learning_rate_head": 2e-3}
    settings |= {"learning_rate_generator": 5e-3, "continuous_weight": 0.3}
    model, reference = dcgan().double(), dcgan().double()
    run = ig.train(out=tmp_path / "run", data=data, model=model, **settings)
    expected = list(by_hand(reference, data, 20, (2e-3, 5e-3), 0.3))
    found = lines(run.folder)
    assert len(found) == len(expected) == 20
    assert abs(expected[0]["discriminator_loss"] - expected[-1]["discriminator_loss"]) > 0.05  # something is learned
    for line, losses in zip(found, expected, strict=True):
        for name, value in losses.items():
            assert line[name] == pytest.approx(value, abs=1e-9), (line["step"], name)
    assert run.model is model
    for (name, one), other in zip(model.state_dict().items(), reference.state_dict().values(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-7, msg=name)


def test_a_run_of_python_is_a_whole_run(tmp_path):
    labels = torch.arange(40) % 3
    heldout = TensorDataset(photos(12), torch.arange(12) % 3)
    seen = []
    run = ig.train(
        out=tmp_path / "run", data=(photos(), labels), heldout=heldout, model=dcgan(), progress=seen.append, **TINY
    )
    assert [metrics.step for metrics in seen] == [1, 2, 3, 4, 5, 6]
    assert run.folder == tmp_path / "run"
    names = {path.name for path in run.folder.iterdir()}
    assert {"config.json", "metrics.jsonl", "summary.json", "report.html", "checkpoints", "traversals"} <= names
    assert 0.0 <= run.summary["accuracy"] <= 1.0
    assert (run.summary["training_images"], run.summary["heldout_images"], run.summary["data"]) == (40, 12, "own")
    assert (run.config.noise, run.config.categorical, run.config.networks) == (4, (3,), "own")
    assert not run.model.training
    about = json.loads((run.folder / "config.json").read_text())
    assert about["networks"]["generator"].endswith("test_train.Generator")
    with pytest.raises(ConfigError, match=r"needs networks of your own \(generator .*Generator, .*ig\.load"):
        ig.load(run.folder)
    again = ig.load(run.folder, model=dcgan(seed=5))
    assert again.summary == json.loads((run.folder / "summary.json").read_text())
    assert again.summary.keys() == run.summary.keys()
    assert again.summary["accuracy"] == run.summary["accuracy"]
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(again.model.state_dict()[name], tensor)
    with pytest.raises(ConfigError, match=r"model: got LatentSpec.* allowed: those of the run"):
        ig.load(run.folder, model=dcgan(variance=1.0))


def test_loaded_networks_read_real_images_as_the_summary_says(finished):
    run = ig.load(finished / "run")
    data = load(str(finished / "images"))
    (probabilities,) = run.model.encode(data.heldout_images).categorical
    classes = torch.tensor(run.summary["accuracy_per_code"][0]["class_of_category"])
    correct = classes[probabilities.argmax(dim=1)] == data.heldout_labels
    assert correct.double().mean().item() == run.summary["accuracy"]
    steps = [ig.load(finished / "run", checkpoint).model.state_dict() for checkpoint in ("last", 6, 4)]
    same = [all(torch.equal(a, b) for a, b in zip(steps[0].values(), other.values(), strict=True)) for other in steps]
    assert same == [True, True, False]
    with pytest.raises(ValueError, match="checkpoint: got 5, allowed: last, best, or a step of 4, 6"):
        ig.load(finished / "run", 5)
    with pytest.raises(ConfigError, match="model: got networks of your own, allowed: None"):
        ig.load(finished / "run", model=dcgan())


class Noisy(nn.Module):
    """Draws from torch's generator."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout(0.3)

    def forward(self, x):
        return self.drop(x) + 0.01 * torch.randn_like(x)


def noisy():
    model = dcgan()
    model.trunk = nn.Sequential(model.trunk, Noisy())
    return model


@pytest.mark.parametrize("data", ["tensor", "bytes", "dataset", "streamed"])
def test_interrupted_and_resumed_gives_the_same_bits(tmp_path, data):
    """Also with networks that draw random numbers, whatever torch's generator was at."""
    given = {
        "tensor": photos(),
        "bytes": (photos() * 255).to(torch.uint8),
        "dataset": TensorDataset(photos()),
        "streamed": TensorDataset(photos()),
    }[data]
    settings = {**TINY, "ema": 0.9, "stream": True, "workers": 0} if data == "streamed" else {**TINY, "ema": 0.9}
    ig.train(out=tmp_path / "whole", data=given, model=noisy(), **settings)

    def interrupt(metrics):
        if metrics.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    model = noisy()
    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt, match=r"after step 4, saved in .*; resume=True goes on"):
        ig.train(out=tmp_path / "parts", data=given, model=model, progress=interrupt, **settings)
    assert torch.equal(torch.get_rng_state(), state)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    torch.manual_seed(11)
    run = ig.train(out=tmp_path / "parts", data=given, model=noisy(), resume=True)
    assert run.summary["steps"] == 6
    assert_same_bits(tmp_path / "whole", tmp_path / "parts")


def small(shape):
    """Networks for data of any shape."""
    size = math.prod(shape)
    torch.manual_seed(0)
    return ig.InfoGAN(
        SPEC,
        generator=nn.Sequential(nn.Linear(SPEC.input_dim, size), nn.BatchNorm1d(size), nn.Unflatten(1, shape)),
        trunk=nn.Sequential(nn.Flatten(), nn.Linear(size, 10), nn.BatchNorm1d(10), nn.LeakyReLU(0.2)),
        discriminator_head=nn.Linear(10, 1),
        q_network=nn.Sequential(nn.Flatten(), nn.Linear(size, 10), nn.ReLU(), nn.Linear(10, SPEC.head_dim())),
    )


@pytest.mark.parametrize(
    ("shape", "pictures"), [((2, 16), True), ((2,), True), ((5,), True), ((2, 3, 4, 4), False)], ids=str
)
def test_data_of_any_shape(tmp_path, shape, pictures):
    """Waveforms, vectors and volumes, as they are: also resumed, and with the terms of the default job."""
    data = 3.0 * torch.randn(40, *shape, generator=torch.Generator().manual_seed(0))
    settings = {**TINY, "instance_noise": 0.1, "real_information": 1.0}
    run = ig.train(out=tmp_path / "whole", data=data, model=small(shape), **settings)
    assert run.summary["image_quality"] is None
    assert bool(run.summary["pictures"]) == pictures
    assert all((run.folder / name).stat().st_size > 1000 for name in run.summary["pictures"])
    assert (run.folder / "report.html").stat().st_size > 1000
    assert run.model.sample(3).shape == (3, *shape)
    trainer = ig.Trainer(run.config, from_python(data), tmp_path / "parts", small(shape))
    trainer.run(stop=lambda: trainer.step == 3)
    ig.train(out=tmp_path / "parts", data=data, model=small(shape), resume=True)
    assert_same_bits(tmp_path / "whole", tmp_path / "parts")


def test_in_another_thread_too(tmp_path):
    runs = []
    arguments = {"out": tmp_path / "run", "data": photos(), "model": dcgan(), **TINY}
    thread = threading.Thread(target=lambda: runs.append(ig.train(**arguments)))
    thread.start()
    thread.join()
    assert runs[0].summary["steps"] == 6


def test_presets_and_settings_are_those_of_the_command_line(command, finished, tmp_path):
    """The same folder, whoever made it; each goes on with the other's."""
    images = finished / "images"
    small = {"width": 0.05, "noise": 4, "categorical": [3], "continuous": 1, "seed": 3}
    run = ig.train("mnist5k", out=tmp_path / "python", data=images, **TINY, **small)
    words = [f"--set={key}={value}" for key, value in {**TINY, **small, "categorical": "3"}.items()]
    code, _, error = command("train", "--preset", "mnist5k", "--out", tmp_path / "line", "--data", images, *words)
    assert code == 0, error
    assert_same_bits(tmp_path / "python", tmp_path / "line")
    assert run.config == ig.load(tmp_path / "line").config
    for arguments in (["evaluate", run.folder], ["traverse", run.folder], ["evaluate", run.folder, "--report"]):
        code, _, error = command(*arguments)
        assert code == 0, error
    code, _, error = command("train", "--resume", "--out", run.folder, "--steps", 8)
    assert code == 0, error
    assert ig.train(out=tmp_path / "line", resume=True, steps=8).summary["steps"] == 8
    assert_same_bits(tmp_path / "python", tmp_path / "line")


def test_what_the_command_line_says_of_networks_and_data_of_ones_own(command, tmp_path):
    folder = ig.train(out=tmp_path / "run", data=photos(), model=dcgan(), **TINY).folder
    code, _, error = command("evaluate", folder)
    assert code == 2
    assert "needs networks of your own" in error
    code, _, error = command("train", "--resume", "--out", folder)
    assert code == 2
    assert "needs networks of your own" in error
    images = (photos() * 255).to(torch.uint8)
    settings = {**TINY, "width": 0.05, "noise": 4, "categorical": (3,), "continuous": 1}
    folder = ig.train(out=tmp_path / "images", data=images, **settings).folder
    code, _, error = command("evaluate", folder)
    assert code == 2
    assert "name the same images with --data" in error
    code, _, error = command("train", "--resume", "--out", folder)
    assert code == 2
    assert "data: got own, data that were given from Python" in error
    code, _, error = command("traverse", folder)
    assert code == 0, error
    np.save(tmp_path / "x.npy", images.numpy())
    code, _, error = command("train", "--resume", "--out", folder, "--data", tmp_path / "x.npy", "--steps", 8)
    assert code == 0, error


class Labelled(DiscriminatorTerm):
    """The distance of D's outputs to the labels."""

    inputs = frozenset({"labels"})
    metrics = ("distance_to_labels",)

    def __call__(self, passes):
        loss = 0.1 * (passes.real_logits[:, 0] - passes.labels).square().mean()
        return Contribution(loss, (loss.detach(),))


@pytest.mark.parametrize("stream", [False, True])
def test_terms_of_ones_own_get_labels(tmp_path, stream):
    data = TensorDataset(photos(), torch.arange(40) % 3)
    settings = {**TINY, "stream": stream, "workers": 0}
    run = ig.train(out=tmp_path / "run", data=data, model=dcgan(), terms=[Labelled()], **settings)
    assert all(line["distance_to_labels"] > 0.0 for line in lines(run.folder))
    assert "distance" in (run.folder / "report.html").read_text()
    with pytest.raises(DataError, match="data: has no labels, which the objective needs"):
        ig.train(out=tmp_path / "other", data=photos(), model=dcgan(), terms=[Labelled()], **TINY)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"stepz": 3}, ConfigError, "unknown setting 'stepz'; did you mean steps"),
        ({"steps": 0}, ConfigError, "steps: got 0, allowed: an integer"),
        ({"noise": 5}, ConfigError, "noise: got 5, allowed: 4, which is that of model="),
        ({"networks": "mnist"}, ConfigError, "networks: got 'mnist', allowed: 'own', which is that of model="),
        ({"model": None, "networks": "own"}, ConfigError, "networks: got own, which needs networks of your own"),
        ({"model": None, "preset_name": "plain"}, ConfigError, "networks: got own, which needs networks of your own"),
        ({"preset_name": torch.zeros(2)}, ConfigError, "preset: got Tensor, allowed: a name; data are given as data="),
        ({"model": nn.Linear(2, 2)}, ConfigError, "model: got Linear, allowed: an InfoGAN"),
        ({"data": torch.rand(40, 1, 6, 6)}, ConfigError, r"model: generator: got \[2, 1, 8, 8\] for two rows, allowed"),
        ({"data": torch.rand(4, 1, 8, 8)}, DataError, "holds 4 training images, allowed: at least batch_size, 8"),
        ({"model": None, "data": torch.rand(40, 5)}, ConfigError, r"items of shape \[5\]; the built-in .* model="),
        ({"data": None, "heldout": torch.rand(4, 1, 8, 8)}, ConfigError, "heldout: got data, allowed only where"),
        ({"data": 3}, DataError, "got int"),
        ({"data": torch.full((40, 1, 8, 8), torch.nan)}, DataError, "NaN"),
        ({"resume": True}, RunFolderError, "there is no run in"),
        ({"preset_name": "nothing"}, ConfigError, "preset 'nothing' is unknown"),
    ],
)
def test_mistakes_are_told_and_leave_nothing_behind(tmp_path, changes, error, message):
    arguments = {"out": tmp_path / "run", "data": photos(), "model": dcgan(), **TINY, **changes}
    with pytest.raises(error, match=message):
        ig.train(**arguments)
    assert not (tmp_path / "run").exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "precious").touch()
    with pytest.raises(RunFolderError, match="is not empty"):
        ig.train(out=tmp_path / "run", data=photos(), model=dcgan(), **TINY)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["precious"]


def test_numbers_of_numpy_and_options_by_name(tmp_path):
    settings = {**TINY, "steps": np.int64(2), "game": "wgan-gp", "game_options": {"penalty": 3}}
    run = ig.train(out=tmp_path / "run", data=photos(), model=dcgan(), **settings)
    assert (run.config.steps, run.config.options_of_game) == (2, {"penalty": 3.0})


def test_run_folders_make_themselves(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folders = [ig.train(data=photos(), model=dcgan(), **TINY).folder for _ in range(2)]
    assert [str(folder) for folder in folders] == ["runs/plain", "runs/plain-2"]
