"""No metric and no picture is made of networks whose outputs are not finite."""

import numpy as np
import pytest
import torch

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.evaluation import code_accuracies, evaluate, image_quality, recover_codes, write_traversals
from infogan_fast.evaluation.disentanglement.representation import represent
from infogan_fast.finite import NonFiniteError, check_model, not_finite
from infogan_fast.networks import build_model

SPEC = ig.LatentSpec(noise=5, categorical=(3,), continuous=1)
IMAGES = torch.randint(0, 256, (12, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
DATA = ImageData("tiny", IMAGES, torch.arange(12) % 3)
SEED = torch.tensor(3)


def networks(value, part):
    model = build_model(SPEC, (1, 8, 8), variance=1.0, width=0.1).eval()
    weights = dict(model.named_parameters())
    name = next(name for name in weights if name.startswith(part))
    with torch.no_grad():
        weights[name].fill_(value)
    return model


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 3e38])
def test_a_generator_that_is_not_finite(value, tmp_path):
    model = networks(value, "generator")
    for use in (
        lambda: evaluate(model, DATA, SEED, 0, 20),
        lambda: image_quality(model, IMAGES, SEED, 0),
        lambda: recover_codes(model, SEED, 0, 20),
        lambda: write_traversals(model, SEED, 0, tmp_path),
    ):
        with pytest.raises(NonFiniteError, match="outputs of G are not finite"):
            use()
    assert not list(tmp_path.iterdir())


def test_a_head_that_is_not_finite():
    model = networks(float("nan"), "q_head")
    for use in (
        lambda: recover_codes(model, SEED, 0, 20),
        lambda: code_accuracies(model, DATA),
        lambda: represent(model, IMAGES, torch.zeros(12, 1, dtype=torch.int64), np.arange(12)),
    ):
        with pytest.raises(NonFiniteError, match="outputs of Q are not finite"):
            use()


def test_a_variance_too_small_for_its_likelihood():
    model = build_model(SPEC, (1, 8, 8), width=0.1).eval()
    with torch.no_grad():
        model.q_head.layers[-1].weight.zero_()
        model.q_head.layers[-1].bias.fill_(-1e4)  # the log-variance, and all else
    with pytest.raises(NonFiniteError, match="likelihoods that Q gives the codes are not finite"):
        recover_codes(model, SEED, 0, 20)


def test_the_first_tensors_that_are_not_finite_are_named():
    tensors = {name: torch.tensor([1.0, float("nan")]) for name in "abcde"}
    tensors |= {"fine": torch.ones(3), "empty": torch.zeros(0), "count": torch.tensor(7)}
    assert not_finite(tensors) == list("abcde")
    assert not_finite({"fine": torch.full((2,), 3e38)}) == []
    assert not_finite({"count": torch.tensor(7)}) == []
    with pytest.raises(NonFiniteError, match=r"^file: the model is not finite: a, b, c and 2 more$"):
        check_model(tensors, "file")
    check_model({"fine": torch.ones(3)}, "file")
