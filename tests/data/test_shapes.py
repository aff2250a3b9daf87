"""``shapes``: what is drawn where, which images there are, and that they can be told apart and trained on."""

import hashlib
import math

import numpy as np
import pytest
import torch

from infogan_fast.data import DataError, load, shapes
from infogan_fast.data.shapes import FACTOR_NAMES, FACTOR_SIZES, FACTORS, MOST_TRAINING_IMAGES, load_shapes, render
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.start import start
from infogan_fast.training import TrainConfig

DISC, CROSS, TRIANGLE = range(3)
WHITE_ON_BLACK = (13, 13, 13, 0, 0, 0)


@pytest.fixture(scope="module")
def data():
    return load("shapes")


def at(shape, size=5, rotation=0, x=15, y=15, colours=WHITE_ON_BLACK):
    return render(torch.tensor([[shape, size, rotation, x, y, *colours]]))[0]


def brute_force(shape, size, rotation, x, y, samples=16):
    """The fraction of each pixel that is covered, in the complex plane, in float64."""
    radius = 64 * FACTORS[1].values[size]
    place = [1 + radius + (62 - 2 * radius) * k / 31 for k in (x, y)]
    points = (np.arange(64 * samples) + 0.5) / samples
    z = (points[None, :] - 1j * points[:, None]) - (place[0] - 1j * place[1])
    z = z * np.exp(-2j * math.pi * rotation / 40) / radius
    if shape == DISC:
        inside = abs(z) <= 1
    elif shape == CROSS:
        u, v = abs(z.real), abs(z.imag)
        inside = ((u <= 0.96) & (v <= 0.28)) | ((u <= 0.28) & (v <= 0.96))
    else:  # within the angle of 60 degrees below its upper corner, and above its base
        below = 1j - z
        inside = (abs(np.angle(below / 1j)) <= math.pi / 6) & (z.imag >= -0.5)
    return inside.reshape(64, samples, 64, samples).mean(axis=(1, 3))


@pytest.mark.parametrize("shape", [DISC, CROSS, TRIANGLE])
@pytest.mark.parametrize(("size", "rotation", "x", "y"), [(5, 0, 15, 15), (0, 7, 0, 31), (3, 23, 31, 4)])
def test_against_the_shapes_definitions(shape, size, rotation, x, y):
    difference = at(shape, size, rotation, x, y)[0].double().numpy() / 255 - brute_force(shape, size, rotation, x, y)
    assert abs(difference).max() < 0.3  # an edge along the four rows of samples, one of which may be missed
    assert abs(difference).mean() < 0.005


def test_colours_are_those_of_the_factors_and_edges_lie_between():
    image = at(TRIANGLE, rotation=3, colours=(0, 4, 13, 6, 2, 0))
    light, dark = torch.tensor([60, 120, 255]), torch.tensor([60, 20, 0])
    middle, corner = image[:, 32, 32], image[:, 0, 0]
    assert torch.equal(middle.long(), light)
    assert torch.equal(corner.long(), dark)
    values = image[1].unique()
    assert len(values) > 10
    assert (values.min(), values.max()) == (20, 120)


def test_factors():
    assert FACTOR_NAMES[:5] == ("shape", "size", "rotation", "x", "y")
    assert FACTOR_NAMES[5:] == ("red", "green", "blue", "ground red", "ground green", "ground blue")
    assert FACTOR_SIZES == (3, 6, 40, 32, 32, 14, 14, 14, 7, 7, 7)
    assert (FACTORS[5].values[0], FACTORS[5].values[-1]) == (60, 255)
    assert (FACTORS[8].values[0], FACTORS[8].values[-1]) == (0, 60)
    assert (FACTORS[1].values[0], FACTORS[1].values[-1]) == (0.2, 0.38)


@pytest.mark.parametrize("shape", [DISC, CROSS, TRIANGLE])
def test_no_shape_touches_the_border(shape):
    corners = torch.tensor([[x, y] for x in (0, 31) for y in (0, 31)])
    for size in range(6):
        rows = [[shape, size, rotation, *xy, *WHITE_ON_BLACK] for rotation in range(40) for xy in corners.tolist()]
        images = render(torch.tensor(rows))
        border = torch.ones(64, 64, dtype=torch.bool)
        border[1:-1, 1:-1] = False
        assert images[:, :, border].max() == 0


def test_images_labels_and_factors_agree(data):
    assert data.name == "shapes"
    assert data.images.shape == (600, 3, 64, 64)
    assert data.heldout_images.shape == (1000, 3, 64, 64)
    assert torch.equal(data.images, render(data.factors))
    assert torch.equal(data.heldout_images, render(data.heldout_factors))
    assert torch.equal(data.labels, data.factors[:, 0])
    assert data.labels.bincount().tolist() == [200, 200, 200]
    assert data.heldout_labels.bincount().tolist() == [334, 333, 333]


def test_factors_are_independent_and_even():
    data = shapes._drawn(30_000, part=0)
    for column, size in zip(data.T[:5], FACTOR_SIZES[:5], strict=True):
        counts = column.bincount(minlength=size) * size / len(data)
        assert 0.85 < counts.min() <= counts.max() < 1.15
    for column, size in zip(data.T[5:], FACTOR_SIZES[5:], strict=True):  # of colours some are drawn again
        counts = column.bincount(minlength=size) * size / len(data)
        assert 0.6 < counts.min() <= counts.max() < 1.2
    correlations = torch.corrcoef(data.T.double())[:5]
    correlations[torch.arange(5), torch.arange(5)] = 0
    assert correlations.abs().max() < 0.03


def test_every_shape_differs_from_its_ground(data):
    for factors in (data.factors, data.heldout_factors, shapes._drawn(20_000, part=0)):
        light, dark = 60 + 15 * factors[:, 5:8], 10 * factors[:, 8:]
        assert (light - dark).sum(dim=1).min() >= 180


def test_which_images_they_are(data):
    """Part of every figure that is published: they must not move, and have the same bits everywhere."""
    digest = hashlib.sha256(data.images.numpy().tobytes() + data.heldout_images.numpy().tobytes()).hexdigest()
    assert digest == "65dcd45645cfe5d5212144dae4769751049562bff80cf12a697395958f8fd4aa"


def test_a_smaller_number_is_the_start_of_a_larger_one(data):
    smaller = load("shapes:7")
    assert smaller.name == "shapes:7"
    assert torch.equal(smaller.images, data.images[:7])
    assert torch.equal(smaller.heldout_images, data.heldout_images)
    assert load("shapes:600").name == "shapes"


def test_no_training_image_of_any_number_is_held_out():
    """As shown: the rotation of a disc is not seen, that of a cross up to a quarter turn."""
    periods = torch.tensor([1, 10, 40])

    def shown(factors):
        factors = factors.clone()
        factors[:, 2] %= periods[factors[:, 0]]
        return factors

    trained = {tuple(row) for row in shown(shapes._drawn(MOST_TRAINING_IMAGES, 0)).tolist()}
    assert trained.isdisjoint(map(tuple, shown(shapes._drawn(1000, 1)).tolist()))


def test_shapes_are_told_apart_at_half_the_size():
    """By how much of the disc's circle is covered: the areas are pi, 1.84 and 1.30 squared radii."""
    pytest.importorskip("PIL")
    data = load("shapes:300", image_size=32)
    assert data.images.shape == (300, 3, 32, 32)
    ground = data.images[:, :, :1, :1].float()
    light = (60 + 15 * data.factors[:, 5:8]).float()[:, :, None, None]
    covered = ((data.images.float() - ground) / (light - ground).clamp(min=1)).clamp(0, 1).amax(dim=1).sum(dim=(1, 2))
    radii = 32 * torch.tensor(FACTORS[1].values)[data.factors[:, 1]]
    areas = covered / radii**2
    nearest = (areas[:, None] - torch.tensor([math.pi, 1.837, 1.299])).abs().argmin(dim=1)
    assert (nearest == data.labels).float().mean() > 0.97


@pytest.mark.parametrize("number", ["", "0", "-5", "abc", "1e5", "05", str(MOST_TRAINING_IMAGES + 1), "9" * 30])
def test_wrong_number(number):
    with pytest.raises(DataError, match=rf"shapes:N: .* got '{number}', allowed: a whole number from 1 to 100000"):
        load(f"shapes:{number}")


def test_more_than_fits_is_told_before_rendering(monkeypatch):
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 10**9)
    monkeypatch.setattr("infogan_fast.data.shapes.render", lambda _: pytest.fail("was rendered"))
    with pytest.raises(DataError, match=r"shapes:100000: its images need .* allowed: half of what is free"):
        load_shapes(100_000)


@pytest.mark.parametrize(
    ("indices", "message"),
    [
        (torch.zeros(2, 5, dtype=torch.int64), r"int64 \[N, 11\] \(shape, size, .*got torch.int64 \[2, 5\]"),
        (torch.full((1, 11), 3), "shape of row 0: got 3, allowed: 0 to 2"),
    ],
)
def test_wrong_indices(indices, message):
    with pytest.raises(DataError, match=message):
        render(indices)


def test_no_image():
    assert render(torch.zeros(0, 11, dtype=torch.int64)).shape == (0, 3, 64, 64)


def test_trains(tmp_path):
    config = TrainConfig(
        data="shapes:16",
        image_size=32,
        device="cpu",
        width=0.05,
        noise=4,
        categorical=(3,),
        batch_size=8,
        steps=2,
        picture_every=0,
        evaluation_samples=20,
    )
    trainer = start(config, RunFolder(tmp_path))
    trainer.run()
    figures = trainer.evaluate()[0].to_json()
    assert figures["accuracy"] is not None
    assert figures["disentanglement"]["factors"] == list(FACTOR_NAMES)
