"""Distances between sets of images, on sets whose order of distance is known."""

import sys

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from stand_in import stand_in
from torch import nn

import infogan_fast as ig
from infogan_fast.data.stored import HeldImages
from infogan_fast.evaluation import SlicedWasserstein, image_quality
from infogan_fast.evaluation.fid import frechet_distance, weights_file, why_not
from infogan_fast.evaluation.quality import NOT_ASKED
from infogan_fast.evaluation.reading import generated
from infogan_fast.evaluation.sliced_wasserstein import laplacian_pyramid


def pictures(seed, count=300, channels=1, side=16):
    """Bright discs of random place and size on a dark ground."""
    generator = torch.Generator().manual_seed(seed)
    x, y, radius = (torch.rand(3, count, 1, 1, 1, generator=generator) * side / 2 + side / 4).unbind()
    at = torch.arange(side) + 0.5
    inside = (at - x) ** 2 + (at[:, None] - y) ** 2 < (radius / 2) ** 2
    return (inside * 180 + 40).to(torch.uint8).expand(-1, channels, -1, -1).contiguous()


REFERENCE, OTHERS = pictures(0), pictures(1)
FLOOR = SlicedWasserstein(REFERENCE, 0).distances(OTHERS)


def mean(distances):
    return sum(distances.values()) / len(distances)


def distance(images):
    return mean(SlicedWasserstein(REFERENCE, 0).distances(images))


def blurred(images, times):
    images = images.float()
    for _ in range(times):
        images = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, 1)
    return images.round().to(torch.uint8)


def test_levels_go_from_the_details_to_the_whole_image():
    assert list(FLOOR) == ["16x16", "8x8"]
    odd = [tuple(level.shape[2:]) for level in laplacian_pyramid(torch.zeros(1, 1, 27, 53))]
    assert odd == [(27, 53), (14, 27), (7, 14)]
    assert list(SlicedWasserstein(pictures(0, 4, side=5), 0).distances(pictures(1, 4, side=5))) == ["5x5"]


def test_the_pyramid_loses_nothing():
    """What a level lacks of the image before it is what the next one spreads to."""
    images = torch.rand(2, 3, 28, 28, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    finest, middle, coarsest = laplacian_pyramid(images)
    assert coarsest.shape == (2, 3, 7, 7)
    # A constant image has no details, and the same value on the coarsest level.
    constant = laplacian_pyramid(torch.full((1, 1, 28, 28), 0.7, dtype=torch.float64))
    assert float(constant[0].abs().max()) < 1e-12
    torch.testing.assert_close(constant[-1], torch.full((1, 1, 7, 7), 0.7, dtype=torch.float64))
    # Halving is linear, so the levels of a sum are the sums of the levels.
    twice = laplacian_pyramid(2.0 * images + 0.7)
    torch.testing.assert_close(twice[1], 2.0 * middle)
    torch.testing.assert_close(twice[0], 2.0 * finest)
    torch.testing.assert_close(twice[2], 2.0 * coarsest + 0.7)


def test_the_same_images_have_no_distance_and_the_same_seed_the_same_one():
    assert distance(REFERENCE) == 0.0
    assert SlicedWasserstein(REFERENCE, 0).distances(OTHERS) == FLOOR
    assert SlicedWasserstein(REFERENCE, 1).distances(OTHERS) != FLOOR


def test_samples_of_one_distribution_are_at_the_floor():
    floors = [distance(pictures(seed)) for seed in range(2, 12)]
    deviation = np.std(floors, ddof=1)
    assert abs(distance(pictures(20)) - np.mean(floors)) < 5 * deviation
    assert min(floors) > 0.0


@pytest.mark.parametrize(
    "changed",
    [
        lambda images, strength: images + 12 * strength,
        lambda images, strength: images.float().mul(1.0 - 0.2 * strength).to(torch.uint8),
        lambda images, strength: blurred(images, 2 * strength),
        lambda images, strength: images.roll(2 * strength, -1),
        lambda images, strength: (images + 15 * strength * torch.randn(images.shape)).clamp(0, 255).to(torch.uint8),
    ],
    ids=["brighter", "fainter", "blurred", "moved", "noisy"],
)
def test_the_more_images_are_changed_the_farther_they_are(changed):
    torch.manual_seed(0)
    distances = [mean(FLOOR), *(distance(changed(OTHERS, strength)) for strength in (1, 2, 3))]
    assert distances == sorted(distances)
    assert distances[1] > 1.2 * distances[0]


def test_the_fewer_different_images_the_farther_they_are():
    distances = [mean(FLOOR), *(distance(OTHERS[:kinds].repeat(300 // kinds, 1, 1, 1)) for kinds in (20, 5, 1))]
    assert distances == sorted(distances)
    assert distances[-1] > 5 * distances[0]


def test_the_distance_of_a_shift_is_known():
    """Of one pixel that is N(m, s): a shift of all by d, in s, moves every projection, 1 or -1, by d / s."""
    values = torch.arange(100, 200, dtype=torch.uint8)[:, None, None, None]
    moved = SlicedWasserstein(values, 0).distances(values + 20)
    assert moved == {"1x1": pytest.approx(20.0 / values.float().std().item(), rel=1e-5)}


def test_black_images_can_be_compared():
    black = torch.zeros(4, 3, 8, 8, dtype=torch.uint8)
    assert SlicedWasserstein(black, 0).distances(black) == {"8x8": 0.0}


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"reference's shape \[300, 1, 16, 16\], got \[299, 1, 16, 16\]"):
        SlicedWasserstein(REFERENCE, 0).distances(OTHERS[1:])


SPEC, SEED = ig.LatentSpec(noise=1, categorical=(3,)), torch.tensor(4)


def copies(images, low=0.0, high=1.0):
    """G shows one of the images that it has seen, by its first noise variable, with values from low to high."""

    def generate(latents):
        index = (latents[:, 0].sigmoid() * len(images)).long()
        return low + images[index].float() / 255.0 * (high - low)

    return stand_in(SPEC, generate)


def test_of_a_generator_that_draws_from_the_data():
    real = pictures(5, 600)
    result = image_quality(copies(pictures(6, 600)), real, SEED, 1)
    assert result["images"] == 300
    assert result["swd"] < 2.0 * result["swd_floor"]
    assert result["swd"] == pytest.approx(mean(result["swd_per_level"]))
    assert list(result["swd_per_level"]) == list(result["swd_floor_per_level"]) == ["16x16", "8x8"]
    assert image_quality(copies(pictures(6, 600)), HeldImages("x", real), SEED, 1) == result
    collapsed = image_quality(copies(real[:1]), real, SEED, 1)
    assert collapsed["swd_floor"] == result["swd_floor"]
    assert collapsed["swd"] > 5.0 * collapsed["swd_floor"]
    assert (result["fid"], result["fid_floor"], result["fid_note"]) == (None, None, NOT_ASKED)


def test_generated_samples_are_all_different():
    model = stand_in(ig.LatentSpec(noise=2), lambda latents: latents[:, :2])
    parts = [x for _, x in generated(model, SEED, 1, 1200)]
    assert [len(x) for x in parts] == [500, 500, 200]
    assert len(torch.cat(parts).unique(dim=0)) == 1200


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-1.0, 1.0), (3.0, 11.0)])
def test_images_of_floats_are_compared_as_pixels(low, high):
    """The range of the real ones is from the darkest pixel to the brightest: here from 0 to 255."""
    seen = (pictures(6, 600) - 40) // 180 * 255
    wanted = image_quality(copies(seen), seen, SEED, 1)
    floats = low + seen.double() / 255.0 * (high - low)
    result = image_quality(copies(seen, low, high), floats, SEED, 1)
    assert (result["swd"], result["swd_floor"]) == (wanted["swd"], wanted["swd_floor"])


def test_the_real_sets_are_disjoint():
    distinct = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(-1, 1, 4, 4).contiguous()
    seen = []

    class Spy(SlicedWasserstein):
        def __init__(self, reference, seed):
            super().__init__(reference, seed)
            seen.append(reference)

        def distances(self, images):
            seen.append(images)
            return super().distances(images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("infogan_fast.evaluation.quality.SlicedWasserstein", Spy)
        image_quality(copies(distinct), distinct, SEED, 1)
    first, generated, second = ({int(image[0, 0, 0]) for image in images} for images in seen)
    assert (len(first), len(second), first & second) == (20, 20, set())
    assert generated <= set(range(40))


def test_no_distance_with_one_real_image():
    result = image_quality(copies(REFERENCE[:1]), REFERENCE[:1], SEED, 1)
    assert result["images"] == 0
    assert result["swd"] is result["swd_floor"] is None


def test_why_there_is_no_fid(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch_fidelity", None)
    assert "install what it needs with: pip install torch-fidelity" in why_not()
    result = image_quality(copies(REFERENCE), REFERENCE, SEED, 1, with_fid=True)
    assert result["fid"] is None
    assert result["fid_note"] == why_not()


def test_weights_of_the_fid_are_looked_for_where_torch_keeps_them(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch_fidelity", sys)
    for name in ("torchmetrics", "torchmetrics.image", "torchmetrics.image.fid"):
        monkeypatch.setitem(sys.modules, name, sys)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    assert str(weights_file()) in why_not()
    weights_file().parent.mkdir()
    weights_file().touch()
    assert why_not() is None


def test_fid_is_that_of_the_gaussians_of_the_features():
    pytest.importorskip("torchmetrics.image.fid", exc_type=(ImportError, RuntimeError))

    class Pixels(nn.Module):
        def forward(self, images):
            return images[:, 0, 4, 4:8].double() / 255.0

    first, second = (Pixels()(images).numpy() for images in (REFERENCE, OTHERS))
    shift = np.square(first.mean(0) - second.mean(0)).sum()
    one, two = np.cov(first.T), np.cov(second.T)
    roots = np.sqrt(np.maximum(np.linalg.eigvals(one @ two).real, 0.0)).sum()
    wanted = shift + np.trace(one) + np.trace(two) - 2.0 * roots
    assert frechet_distance(REFERENCE, OTHERS, Pixels()) == pytest.approx(wanted, rel=1e-6)
