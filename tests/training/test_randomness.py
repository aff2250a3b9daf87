"""Randomness as a function of (seed, step)."""

import pytest
import torch

from infogan_fast.training.randomness import BatchOrder, InstanceNoise, LatentSeedAtStep

CPU = torch.device("cpu")


def test_an_epoch_shows_every_image_once():
    order = BatchOrder(0, 12, 4, CPU)
    epochs = [torch.cat([order(3 * epoch + batch) for batch in range(3)]) for epoch in range(2)]
    for epoch in epochs:
        assert sorted(epoch.tolist()) == list(range(12))
    assert not torch.equal(*epochs)


def test_order_does_not_depend_on_where_it_starts():
    first, second = BatchOrder(3, 10, 4, CPU), BatchOrder(3, 10, 4, CPU)
    batches = [first(step).clone() for step in range(7)]
    assert torch.equal(second(5), batches[5])
    assert torch.equal(second(1), batches[1])
    assert not torch.equal(BatchOrder(4, 10, 4, CPU)(0), batches[0])


@pytest.mark.parametrize("seed", [0, 2**31 - 1])
def test_noise_differs_by_step_and_seed(seed):
    noise = InstanceNoise(seed, 0.5, CPU)
    first, second = noise(0, (1000,)), noise(1, (1000,))
    assert float(first.std()) == pytest.approx(0.5, rel=0.1)
    assert abs(float(torch.corrcoef(torch.stack((first, second)))[0, 1])) < 0.1
    assert torch.equal(noise(0, (1000,)), first)
    assert not torch.equal(InstanceNoise(seed ^ 1, 0.5, CPU)(0, (1000,)), first)


def test_no_noise():
    assert not InstanceNoise(0, 0.0, CPU)(3, (2, 3)).any()


def test_latent_seeds_of_two_runs_do_not_meet():
    first, second = LatentSeedAtStep(0, CPU), LatentSeedAtStep(1, CPU)
    assert int(first(7)) == 7
    assert int(second(0)) == 2**32
    assert first(1) is first(2)
