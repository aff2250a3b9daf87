"""``colour-sprites``: the white sprites in one of six hues."""

import hashlib

import pytest
import torch

from infogan_fast.data import DataError, load
from infogan_fast.data.sprites import MOST_TRAINING_IMAGES
from infogan_fast.data.sprites.coloured import FACTOR_NAMES, FACTOR_SIZES, load_coloured_sprites, render


@pytest.fixture(scope="module")
def data():
    return load("colour-sprites:600")


def test_they_are_the_white_ones_in_a_hue(data):
    white = load("sprites:600")
    assert data.images.shape == (600, 3, 64, 64)
    assert data.heldout_images.shape == (5000, 3, 64, 64)
    for coloured, plain in ((data.images, white.images), (data.heldout_images, white.heldout_images)):
        assert torch.equal(coloured.amax(dim=1, keepdim=True), plain)
        assert ((coloured == 0) | (coloured == plain)).all()
    assert torch.equal(data.factors[:, :5], white.factors)
    assert torch.equal(data.heldout_factors[:, :5], white.heldout_factors)
    assert torch.equal(data.labels, white.labels)
    assert torch.equal(data.heldout_labels, white.heldout_labels)


def test_hues(data):
    assert FACTOR_NAMES == data.factor_names == ("shape", "scale", "rotation", "x", "y", "hue")
    assert FACTOR_SIZES == data.factor_sizes == (3, 6, 40, 32, 32, 6)
    channels = (data.images.flatten(2).amax(dim=2) > 0).long()
    expected = torch.tensor([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1]])
    assert torch.equal(channels, expected[data.factors[:, 5]])
    assert torch.equal(data.images, render(data.factors))
    for factors in (data.factors, data.heldout_factors):
        counts = factors[:, 5].bincount(minlength=6) * 6 / len(factors)
        assert 0.75 < counts.min() <= counts.max() < 1.25
        correlation = torch.corrcoef(factors.T.double())[5, :5]
        assert correlation.abs().max() < 0.15


def test_which_hues_they_are(data):
    """Part of every figure that is published: they must not move."""
    hues = torch.cat([data.factors[:, 5], data.heldout_factors[:, 5]]).numpy().astype("<i8")
    assert (
        hashlib.sha256(hues.tobytes()).hexdigest() == "ad46f23a6696cd20cdc4d67e12707b89e5881c07f9f35646f60157dc1ed8ce1c"
    )


def test_a_smaller_number_is_the_start_of_a_larger_one(data):
    smaller = load_coloured_sprites(10)
    assert smaller.name == "colour-sprites:10"
    assert torch.equal(smaller.images, data.images[:10])
    assert torch.equal(smaller.heldout_images, data.heldout_images)


def test_by_default(monkeypatch):
    empty = torch.zeros(1, 3, 64, 64, dtype=torch.uint8)
    monkeypatch.setattr("infogan_fast.data.sprites.coloured.render", lambda f: empty.expand(len(f), 3, 64, 64))
    data = load("colour-sprites")
    assert data.name == "colour-sprites"
    assert len(data.images) == 50_000


def test_too_many(monkeypatch):
    with pytest.raises(DataError, match=rf"data colour-sprites:N: .* got '0', allowed: .* 1 to {MOST_TRAINING_IMAGES}"):
        load("colour-sprites:0")
    with pytest.raises(DataError, match=rf"colour-sprites:N: .* got '{MOST_TRAINING_IMAGES + 1}'"):
        load_coloured_sprites(MOST_TRAINING_IMAGES + 1)
    monkeypatch.setattr("infogan_fast.data.memory.free_memory", lambda: 10**8)
    with pytest.raises(DataError, match="colour-sprites:200000: its images need"):
        load("colour-sprites:200000")


def test_wrong_indices():
    with pytest.raises(DataError, match=r"int64 \[N, 6\] \(shape, .*, hue\), got torch.int64 \[1, 5\]"):
        render(torch.zeros(1, 5, dtype=torch.int64))
    with pytest.raises(DataError, match="hue of row 0: got 6, allowed: 0 to 5"):
        render(torch.tensor([[0, 0, 0, 0, 0, 6]]))
