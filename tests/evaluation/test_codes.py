"""L_I and R2 on networks whose answer is known."""

import math

import pytest
import torch
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.evaluation import bound_note, recover_codes
from infogan_fast.evaluation.codes import code_nll

SPEC = ig.LatentSpec(noise=3, categorical=(4, 2), continuous=2)


def recovered(gain, samples=2000, offset=0):
    """G passes its input on; Q reads the codes off it: logits 30 times the one-hot, means ``gain`` times the code."""
    model = stand_in(SPEC, lambda latents: latents, lambda x: torch.cat((30.0 * x[:, 3:9], gain * x[:, 9:]), dim=1))
    return recover_codes(model, torch.tensor(7), offset, samples)


def test_perfect_recovery():
    result = recovered(1.0)
    assert result.mi_bound_nats[0] == pytest.approx(math.log(4), abs=1e-5)
    assert result.mi_bound_nats[1] == pytest.approx(math.log(2), abs=1e-5)
    assert result.mi_bound_nats[2] == pytest.approx(math.log(2) - 0.5 * math.log(2 * math.pi), abs=1e-5)
    assert result.r2 == pytest.approx((1.0, 1.0))
    assert result.categories_recovered == (1.0, 1.0)


def test_categories_that_q_mistakes():
    """Q takes category 0 of the first code for category 1, and sees nothing of the second."""

    def q(x):
        mistaken = torch.cat((torch.zeros(len(x), 1), x[:, 3:4] + x[:, 4:5], x[:, 5:7]), dim=1)
        return torch.cat((30.0 * mistaken, torch.zeros(len(x), 2), x[:, 9:]), dim=1)

    first, second = recover_codes(
        stand_in(SPEC, lambda latents: latents, q), torch.tensor(7), 0, 4000
    ).categories_recovered
    assert first == pytest.approx(0.75, abs=0.03)
    assert second == pytest.approx(0.5, abs=0.03)


def test_half_the_code_explains_three_quarters_of_its_variance():
    assert recovered(0.5).r2 == pytest.approx((0.75, 0.75), abs=0.02)


def test_no_recovery_is_an_r2_of_zero():
    assert recovered(0.0).r2 == pytest.approx((0.0, 0.0), abs=0.01)


@pytest.mark.parametrize("variance", ["learned", "learned_std", 0.3])
def test_each_image_has_its_own_likelihood_of_which_the_loss_is_the_mean(variance):
    latents = ig.sample_latents(SPEC, 50, torch.tensor(5), 0)
    head = torch.randn(50, SPEC.head_dim(variance), generator=torch.Generator().manual_seed(0))
    _, means = ig.info_loss(head, latents, SPEC, variance=variance, return_terms=True)
    nll = code_nll(head, latents, SPEC, variance)
    assert nll.shape == (50, 4)
    torch.testing.assert_close(nll.mean(0).float(), means)


def test_samples_beyond_a_batch_are_fresh_and_reproducible():
    assert recovered(0.5, 501) == recovered(0.5, 501)
    assert recovered(0.5, 501) != recovered(0.5, 500)
    assert recovered(0.5, offset=1) != recovered(0.5)


def test_note_on_the_bound_of_a_fixed_variance():
    assert "cannot exceed -0.226 nats" in bound_note(SPEC, 1.0)
    assert "cannot exceed 0.121 nats; R2" in bound_note(SPEC, 0.5)
    assert "cannot exceed 0.926 nats; R2" in bound_note(SPEC, 0.1)
    assert bound_note(SPEC, "learned") is None
    assert bound_note(ig.LatentSpec(categorical=(3,)), 1.0) is None
