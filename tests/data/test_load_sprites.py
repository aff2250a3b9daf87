"""``sprites`` as a data set: which images, and that they can be trained on."""

import hashlib

import pytest
import torch

from infogan_fast.data import NAMES, DataError, canonical, load
from infogan_fast.data.sprites import FACTOR_NAMES, FACTOR_SIZES, MOST_TRAINING_IMAGES, load_sprites, render
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.resume import resumed_config
from infogan_fast.runs.start import start
from infogan_fast.training import TrainConfig


@pytest.fixture(scope="module")
def data():
    return load("sprites:2000")


def test_images_labels_and_factors_agree(data):
    assert data.images.shape == (2000, 1, 64, 64)
    assert data.heldout_images.shape == (5000, 1, 64, 64)
    assert data.factor_names == FACTOR_NAMES
    assert data.factor_sizes == FACTOR_SIZES
    assert torch.equal(data.images, render(data.factors))
    assert torch.equal(data.heldout_images, render(data.heldout_factors))
    assert torch.equal(data.labels, data.factors[:, 0])
    assert torch.equal(data.heldout_labels, data.heldout_factors[:, 0])
    for factors in (data.factors, data.heldout_factors):
        assert len(factors.unique(dim=0)) == len(factors)
        for column, size in zip(factors.T, FACTOR_SIZES, strict=True):
            counts = column.bincount(minlength=size) * size / len(factors)
            assert 0.5 < counts.min() <= counts.max() < 1.5


def test_which_images_they_are(data):
    """Part of every figure that is published: it must not move."""
    factors = torch.cat([data.factors, data.heldout_factors]).numpy().astype("<i8")
    assert (
        hashlib.sha256(factors.tobytes()).hexdigest()
        == "892d675e590097368acc2c9328558ab6e9df069992aeec81c53c6b182af86759"
    )


def test_by_default():
    data = load("sprites")
    assert data.name == "sprites"
    assert len(data.images) == 50_000
    shown = {image.tobytes() for image in data.images.numpy()}
    assert not any(image.tobytes() in shown for image in data.heldout_images.numpy())


def test_a_smaller_number_is_the_start_of_a_larger_one(data):
    smaller = load_sprites(10)
    assert smaller.name == "sprites:10"
    assert torch.equal(smaller.factors, data.factors[:10])
    assert torch.equal(smaller.heldout_factors, data.heldout_factors)


def test_the_most_images_there_can_be(monkeypatch):
    """All combinations save those that look like a held-out one; the images themselves would be 3 GB."""
    drawn = []
    empty = torch.zeros(1, 1, 64, 64, dtype=torch.uint8)
    monkeypatch.setattr(
        "infogan_fast.data.sprites.render", lambda f: drawn.append(f) or empty.expand(len(f), 1, 64, 64)
    )
    data = load(f"sprites:{MOST_TRAINING_IMAGES}")
    assert len(data.factors) == MOST_TRAINING_IMAGES
    periods = torch.tensor([10, 20, 40])

    def of_image(factors):
        shape, scale, rotation, x, y = factors.T
        return (((shape * 6 + scale) * 40 + rotation % periods[shape]) * 32 + x) * 32 + y

    trained, heldout = of_image(data.factors).unique(), of_image(data.heldout_factors).unique()
    assert not torch.isin(trained, heldout).any()
    assert len(trained) + len(heldout) == 6 * (10 + 20 + 40) * 32 * 32
    with pytest.raises(DataError, match=f"got '{MOST_TRAINING_IMAGES + 1}', allowed: a whole number from 1 to"):
        load_sprites(MOST_TRAINING_IMAGES + 1)


@pytest.mark.parametrize("number", ["", "0", "-5", "abc", "1e5", "1_000", " 5", "05", "9999999999999", "٣"])
def test_wrong_number(number):
    with pytest.raises(DataError, match=rf"sprites:N: .* got '{number}', allowed: a whole number from 1 to \d+"):
        load(f"sprites:{number}")


def test_names(tmp_path, monkeypatch):
    assert "sprites" in NAMES
    with pytest.raises(DataError, match=r"'sprite': neither a known name .*did you mean sprites\?"):
        load("sprite")
    (tmp_path / "sprites:7").mkdir()
    monkeypatch.chdir(tmp_path)
    assert canonical("sprites:7") == "sprites:7"  # as load understands it


def test_three_steps_and_a_continuation(tmp_path):
    config = TrainConfig(
        data="sprites:64",
        device="cpu",
        width=0.05,
        noise=4,
        categorical=(3,),
        continuous=4,
        batch_size=8,
        steps=3,
        log_every=1,
        picture_every=0,
        evaluation_samples=20,
    )
    folder = RunFolder(tmp_path)
    trainer = start(config, folder)
    trainer.run(stop=lambda: trainer.step == 2)
    asked, _ = resumed_config(folder, None, {"data": canonical("sprites:64")})
    continued = start(asked, folder)
    assert continued.step == 2
    continued.run()
    assert continued.step == 3
    figures, _ = continued.evaluate()
    assert figures.to_json()
