"""Networks and terms as strangers write them: right, or refused with a reason before training."""

import pytest
import torch
from torch import nn

import infogan_fast as ig
from infogan_fast.data import DataError
from infogan_fast.objectives import Contribution, DiscriminatorTerm
from infogan_fast.runs.checkpoint import CheckpointError, checkpoints, load_checkpoint
from infogan_fast.training import ConfigError
from infogan_fast.training.ema import GeneratorEMA

SPEC = ig.LatentSpec(noise=2, categorical=(3,), continuous=1)
TINY = {"batch_size": 8, "steps": 4, "log_every": 1, "checkpoint_every": 2, "evaluation_samples": 20, "device": "cpu"}
DATA = torch.randn(24, 6, generator=torch.Generator().manual_seed(0))


def networks(**changes):
    torch.manual_seed(0)
    usual = {
        "generator": nn.Sequential(nn.Linear(SPEC.input_dim, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 6)),
        "trunk": nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 8)),
        "discriminator_head": nn.Linear(8, 1),
        "q_head": nn.Linear(8, SPEC.head_dim()),
    }
    return ig.InfoGAN(SPEC, **{**usual, **changes})


def train(path, model, **changes):
    return ig.train(out=path, data=DATA, model=model, **{**TINY, **changes})


def resumed_has_the_bits_of_a_whole_run(tmp_path, make, **changes):
    train(tmp_path / "whole", make(), **changes)
    trainer = ig.Trainer(ig.load(tmp_path / "whole", model=make()).config, DATA, tmp_path / "parts", make())
    trainer.run(stop=lambda: trainer.step == 3)
    ig.train(out=tmp_path / "parts", data=DATA, model=make(), resume=True)
    one, other = (
        load_checkpoint(checkpoints(tmp_path / name / "checkpoints")[-1], torch.device("cpu"))[0]
        for name in ("whole", "parts")
    )
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


class Tied(nn.Module):
    """The same layer twice."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(8, 8)
        self.second = self.first
        self.out = nn.Linear(8, 6)
        self.into = nn.Linear(SPEC.input_dim, 8)

    def forward(self, x):
        return self.out(self.second(self.first(self.into(x)).relu()).relu())


class Unused(nn.Linear):
    """Has a parameter that gets no gradient, and a mask of bools."""

    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.unused = nn.Parameter(torch.ones(3))
        self.register_buffer("mask", torch.tensor([True, False]))


class Last(nn.Module):
    def forward(self, outputs):
        return outputs[0][:, -1]


STRANGE = {
    "tied weights": lambda: networks(generator=Tied()),
    "unused parameters and bools": lambda: networks(q_head=Unused(8, SPEC.head_dim()), generator=Unused(6, 6)),
    "recurrent": lambda: networks(trunk=nn.Sequential(nn.Unflatten(1, (3, 2)), nn.GRU(2, 8, batch_first=True), Last())),
    "no parameters": lambda: networks(discriminator_head=nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Flatten())),
}


@pytest.mark.parametrize("name", STRANGE)
def test_they_train_and_resume(tmp_path, name):
    def make():
        torch.manual_seed(1)
        return STRANGE[name]()

    assert resumed_has_the_bits_of_a_whole_run(tmp_path, make, ema=0.9)


def test_frozen_parameters_stay_frozen(tmp_path):
    model = networks()
    frozen = [model.q_head.weight, model.trunk[0].weight, model.generator[0].bias]
    before = [parameter.requires_grad_(False).clone() for parameter in frozen]
    train(tmp_path / "run", model)
    assert all(torch.equal(a, b) for a, b in zip(before, frozen, strict=True))
    assert not any(parameter.requires_grad for parameter in frozen)


INF = nn.Linear(6, 8)
INF.register_buffer("mask", torch.tensor([0.0, -torch.inf]))
COMPLEX = nn.Linear(6, 8)
COMPLEX.register_buffer("phases", torch.zeros(2, dtype=torch.complex64))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: networks(discriminator_head=nn.Sequential(nn.ReLU(inplace=True), nn.Linear(8, 1))), "discriminator_h"),
        (lambda: networks(trunk=nn.Sequential(nn.Tanh(), nn.Linear(6, 8)).double()), r"torch\.float32, torch\.float64"),
        (lambda: networks().bfloat16(), r"got parameters of torch\.bfloat16, allowed: all float32 or all float64"),
        (lambda: networks(trunk=INF), r"model\.trunk\.mask: got values that are not finite"),
        (lambda: networks(trunk=COMPLEX), r"model\.trunk\.phases: got torch\.complex64, allowed: "),
    ],
    ids=["in place", "two dtypes", "bfloat16", "infinite buffer", "complex buffer"],
)
def test_what_is_refused_before_training(tmp_path, model, message):
    with pytest.raises(ConfigError, match=message):
        train(tmp_path / "run", model())
    assert not (tmp_path / "run").exists()


def test_a_buffer_that_is_replaced_and_spectral_norm_are_followed_by_the_average():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 3))
            self.register_buffer("seen", torch.zeros(3))

        def forward(self, x):
            self.seen = self.seen + x.mean(dim=0)
            return self.layer(x)

    generator = Counting()
    ema = GeneratorEMA(generator, 0.9)
    for step in range(5):
        generator(torch.ones(4, 3))
        with torch.no_grad():
            generator.layer.parametrizations.weight.original.add_(torch.randn(3, 3))
        ema.follow(step)
        ema.update()
    assert torch.equal(ema.module.seen, torch.full((3,), 5.0))
    for name, buffer in ema.module.named_buffers():
        assert torch.equal(buffer, dict(generator.named_buffers())[name])


class Term(DiscriminatorTerm):
    metrics = ("mine",)

    def __call__(self, passes):
        loss = 0.1 * passes.real_logits.square().mean()
        return Contribution(loss, (loss.detach(),))


def term(**changes):
    return type("Changed", (Term,), changes)()


@pytest.mark.parametrize(
    ("terms", "error", "message"),
    [
        ([Term], ConfigError, "terms: got Term, allowed: instances of DiscriminatorTerm or GeneratorTerm"),
        (Term(), ConfigError, "terms: got Term, allowed: a list of terms"),
        (
            [term(inputs=frozenset({"label"}))],
            ConfigError,
            "Changed asks for label, allowed: images, second_view, labels",
        ),
        ([term(metrics="mine")], ConfigError, "metrics: got 'mine', allowed: a tuple of names"),
        ([term(metrics=("seconds",))], ConfigError, "Changed logs seconds, a name that metrics.jsonl has"),
        ([term(metrics=("a", "b"))], TypeError, r"Changed: it logs 1 values, allowed: 2, one for each of \('a', 'b'\)"),
        ([term(__call__=lambda self, passes: None)], TypeError, "Changed: got NoneType, allowed: a Contribution"),
        ([term(__call__=lambda self, passes: Contribution(0.5, (0.5,)))], TypeError, "its loss: got float, allowed"),
    ],
)
def test_terms_that_are_none(tmp_path, terms, error, message):
    with pytest.raises(error, match=message):
        train(tmp_path / "run", networks(), terms=terms)


def test_another_objective_is_another_run(tmp_path):
    labels = torch.arange(24) % 3
    labelled = term(inputs=frozenset({"labels"}))

    def interrupted(metrics):
        if metrics.step == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ig.train(
            out=tmp_path / "run", data=(DATA, labels), model=networks(), terms=[labelled], progress=interrupted, **TINY
        )
    again = {"out": tmp_path / "run", "model": networks(), "resume": True}
    with pytest.raises(CheckpointError, match=r"was written with other terms: they logged .*mine"):
        ig.train(data=(DATA, labels), **again)
    with pytest.raises(DataError, match="its labels, which the objective reads, are not those of the run"):
        ig.train(data=(DATA, labels.flip(0)), terms=[labelled], **again)
    assert ig.train(data=(DATA, labels), terms=[labelled], **again).summary["steps"] == 4


def test_a_callback_that_raises_loses_no_step(tmp_path):
    def fails(metrics):
        if metrics.step == 3:
            raise ArithmeticError("mine")

    with pytest.raises(ArithmeticError, match="mine"):
        train(tmp_path / "run", networks(), progress=fails)
    assert [path.stem for path in checkpoints(tmp_path / "run" / "checkpoints")][-1] == "step_00000003"
    ig.train(out=tmp_path / "run", data=DATA, model=networks(), resume=True)
    train(tmp_path / "whole", networks())
    one, other = (
        load_checkpoint(checkpoints(tmp_path / name / "checkpoints")[-1], torch.device("cpu"))[0]
        for name in ("run", "whole")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_surroundings_of_the_call(tmp_path):
    """Autocast, no_grad and the default dtype are the caller's own affair."""
    expected = train(tmp_path / "plain", networks()).model.state_dict()
    for name, context in (("autocast", torch.autocast("cpu", torch.bfloat16)), ("no_grad", torch.no_grad())):
        model = networks()
        with context:
            found = train(tmp_path / name, model).model.state_dict()
        assert all(torch.equal(found[key], tensor) for key, tensor in expected.items()), name
    model = networks()
    torch.set_default_dtype(torch.float64)
    try:
        found = train(tmp_path / "double", model).model.state_dict()
    finally:
        torch.set_default_dtype(torch.float32)
    assert all(torch.equal(found[key], tensor) for key, tensor in expected.items())


def test_size_and_channels_of_data_of_ones_own(tmp_path):
    images = torch.randint(0, 256, (24, 20, 20), dtype=torch.uint8)
    small = {**TINY, "width": 0.05, "noise": 2, "categorical": (3,), "continuous": 1}
    run = ig.train(out=tmp_path / "run", data=images, image_size=8, channels=3, **small)
    assert run.model.sample(2).shape == (2, 3, 8, 8)
    with pytest.raises(ConfigError, match=r"image_size and channels: got data torch\.float32 of shape 6, allowed"):
        train(tmp_path / "other", networks(), image_size=8)


def test_a_dataset_that_raises_says_at_which_item(tmp_path):
    class Broken(torch.utils.data.Dataset):
        def __len__(self):
            return 24

        def __getitem__(self, index):
            if index == 5:
                raise KeyError("label")
            return DATA[index]

    with pytest.raises(DataError, match="data: item 5: cannot be read: KeyError: 'label'"):
        ig.train(out=tmp_path / "run", data=Broken(), model=networks(), **TINY)


def test_encode_takes_no_other_integers():
    with pytest.raises(TypeError, match=r"got torch\.int64, allowed: uint8, for images from 0 to 255, or floating"):
        networks().encode(torch.zeros(2, 6, dtype=torch.int64))
