"""What a run is told to be wrong: each finding where it is due, on real digits; none of them where all is well."""

import json
import math
import re
from dataclasses import replace

import pytest
import torch
from real_digits import SEED, Good, data_of, digits
from stand_in import stand_in

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.data.stored import HeldImages
from infogan_fast.evaluation import evaluate
from infogan_fast.evaluation.advice import ADVICE, advice
from infogan_fast.evaluation.findings import findings
from infogan_fast.training.overrides import parse_overrides
from infogan_fast.training.presets import PRESETS, preset
from infogan_fast.training.settings import TrainConfig

PLAIN = TrainConfig()
TERM = TrainConfig(real_information=1.0)


@pytest.fixture(scope="module")
def good():
    return Good()


@pytest.fixture(scope="module")
def real():
    return digits()[1]


def summary_of(model, data):
    summary = evaluate(model, data, SEED, 0, 1_000).to_json()
    return {**summary, "training_images": len(data.images)}


def found(model, data, config=PLAIN, lines=()):
    """The findings by name; each has numbers in its sentence, and its advice names a setting."""
    judged = findings(summary_of(model, data), config, lines)
    for finding in judged:
        assert set(finding) == {"name", "sentence", "advice"}
        assert any(character.isdigit() for character in finding["sentence"])
        assert "--" in finding["advice"]
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged
    return {finding["name"]: finding["sentence"] for finding in judged}


def lines_of(*values):
    return [{"step": index + 1, "real_information": value} for index, value in enumerate(values)]


def test_nothing_stands_out_in_real_digits(good, real):
    assert found(good.model(), data_of(*real), TERM, lines_of(0.1, 2.00, 2.04, 2.01)) == {}
    assert found(good.model(), data_of(real[0])) == {}


def test_categories_at_chance(good, real):
    images, labels = real
    shuffled = labels[torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))]
    sentences = found(good.model(), data_of(images, shuffled))
    assert set(sentences) == {"categories_at_chance", "code_not_on_real_images"}
    assert "held-out images" in sentences["categories_at_chance"]
    assert "are classified no better than by chance" in sentences["code_not_on_real_images"]
    in_training = found(good.model(), ImageData("x", images, shuffled))
    assert "training images" in in_training["categories_at_chance"]


def test_categories_that_hold_parts_of_classes_are_not_at_chance(good, real):
    """Ten categories in two classes: only one can be matched to each, but they tell the classes apart."""
    assert found(good.model(), data_of(real[0], real[1] % 2)) == {}


def test_a_category_that_no_image_falls_into(good, real):
    images, labels = real
    sentences = found(good.model(), data_of(images[labels != 3]))
    assert set(sentences) == {"empty_categories"}
    assert "category 3 (0.0%) of the categorical code" in sentences["empty_categories"]


def test_a_category_that_takes_most_images(good, real):
    images, labels = real
    keep = (labels == 7) | (torch.arange(len(labels)) % 16 == 0)
    sentences = found(good.model(), data_of(images[keep]))
    assert "category 7: evenly it would be 10.0%" in sentences["dominant_category"]
    assert "dominant_category" not in found(good.model(), data_of(images[keep], labels[keep]))


def test_a_code_that_real_images_do_not_follow(good, real):
    def unsure(x):
        is_real = torch.isin(good.place(x).round(decimals=6), good.place(real[0] / 255.0).round(decimals=6))
        return torch.where(is_real[:, None], 0.0, good.read(x))

    sentences = found(good.model(read=unsure), data_of(real[0]))
    assert set(sentences) >= {"code_not_on_real_images"}
    assert "leave Q unsure (entropy 2.30 of at most 2.30 nats)" in sentences["code_not_on_real_images"]
    assert "all fall into some 1.0 of 10 categories" in sentences["code_not_on_real_images"]


def test_information_on_real_images(good, real):
    summary = summary_of(good.model(), data_of(*real))
    limit = math.log(10)

    def names(values, config=TERM):
        return [finding["name"] for finding in findings(summary, config, lines_of(*values))]

    assert names([2.0, 2.0, 1.88, 1.90, 1.86]) == ["real_information_behind"]
    assert names([0.868 * limit] * 3) == names([]) == []
    assert names([0.5], PLAIN) == []
    both = TrainConfig(real_information=1.0, categorical=(10, 10))
    assert names([3.0], both) == ["real_information_behind"]
    assert names([4.0], both) == []
    assert names([0.0], TrainConfig(real_information=1.0, categorical=(1,))) == []


def test_images_far_from_real_ones(good, real):
    sentences = found(good.model(lambda latents: 1.0 - good.generate(latents)), data_of(real[0]))
    assert "times the" in sentences["images_far_from_real"]


def test_a_checkerboard(good, real):
    grid = (torch.arange(28)[:, None] + torch.arange(28)) % 2 * 16 / 255.0
    sentences = found(good.model(lambda latents: (good.generate(latents) + grid).clamp(0.0, 1.0)), data_of(real[0]))
    assert "even and odd pixels differ by" in sentences["checkerboard"]


def test_collapse(good, real):
    sentences = found(
        good.model(lambda latents: (good.shown[:1] / 255.0).expand(len(latents), -1, -1, -1)), data_of(real[0])
    )
    assert "two of them differ by 0.0 grey levels" in sentences["collapse"]


def test_a_few_images_shown_again_and_again(good, real):
    """Three of each category, which differ from each other as much as any."""
    few = torch.cat([rows[:3] for rows in good.rows])

    def generate(latents):
        place = torch.special.ndtr(latents[:, 0]) * 3
        return good.shown[few[3 * latents[:, 1:].argmax(1) + place.long().clamp(max=2)]] / 255.0

    sentences = found(good.model(generate), data_of(real[0]))
    assert sentences["collapse"].startswith(
        "Generated images repeat each other: the most similar of 1,000 others differs"
    )
    assert "by 0.0 grey levels on average, of as many real ones by 2" in sentences["collapse"]


def test_collapse_within_one_category(good, real):
    def generate(latents):
        first = torch.where(latents[:, 5:6] > 0.5, -latents.new_full((1, 1), 5.0), latents[:, :1])
        return good.generate(torch.cat((first, latents[:, 1:]), dim=1))

    sentences = found(good.model(generate), data_of(real[0]))
    assert set(sentences) == {"collapse_within_categories"}
    assert "grey levels: 4 (0.0, real 4" in sentences["collapse_within_categories"]


def test_streamed_images_and_the_same_seed_give_the_same(good, real):
    model = good.model()
    held = summary_of(model, ImageData("x", real[0]))
    assert summary_of(model, ImageData("x", HeldImages("x", real[0]))) == held


@pytest.mark.parametrize(
    ("images", "labels"),
    [
        (torch.zeros(1, 1, 8, 8, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64)),
        (torch.full((60, 3, 8, 8), 9, dtype=torch.uint8), torch.zeros(60, dtype=torch.int64)),
        (torch.zeros(50, 1, 3, 5), torch.arange(50)),
        (torch.zeros(50, 7), torch.arange(50) % 2),
        (torch.zeros(50, 1, 16), None),
    ],
)
@pytest.mark.parametrize("categorical", [(1,), (3, 2), ()])
def test_data_that_show_nothing(images, labels, categorical):
    """Constant images, one image, one class, one category, vectors and waveforms: neither errors nor NaN."""
    spec = ig.LatentSpec(noise=1, categorical=categorical, continuous=1)
    head = sum(categorical) + 1

    def generate(latents):
        return torch.zeros(len(latents), *images.shape[1:]) + 0.2 * latents[:, :1].reshape(-1, *[1] * (images.ndim - 1))

    model = stand_in(spec, generate, lambda x: torch.zeros(len(x), head))
    data = ImageData("x", images, labels)
    config = TrainConfig(categorical=categorical, continuous=1, real_information=1.0)
    judged = findings(summary_of(model, data), config, lines_of(0.0))
    assert json.loads(json.dumps(judged, allow_nan=False)) == judged
    image_findings = {"images_far_from_real", "checkerboard", "collapse", "collapse_within_categories"}
    if images.ndim != 4:
        assert not image_findings & {finding["name"] for finding in judged}


@pytest.mark.parametrize("name", ADVICE)
@pytest.mark.parametrize("settings", [*PRESETS.values(), TERM], ids=[*PRESETS, "term"])
def test_advice_names_settings_and_values_that_there_are(name, settings):
    text = advice(name, settings, True)
    for option, value in re.findall(r"--(set|preset|steps) (\S+?)(?=[);,.]*(?:\s|$))", text):
        if option == "preset":
            preset(value)
        elif option == "steps":
            assert int(value) >= 2 * settings.steps
        elif not value.endswith("="):
            parse_overrides([value])
    assert "--" in text


def test_advice_leaves_out_what_the_run_has():
    assert "real_information=1" in advice("categories_at_chance", PLAIN, True)
    assert "real_information=1" not in advice("categories_at_chance", TERM, True)
    assert "--preset images" not in advice("checkerboard", PRESETS["images"], True)
    assert "--preset images" not in advice("categories_at_chance", PLAIN, False)
    assert "such as --set ignore=" not in advice("categories_at_chance", PRESETS["images"], True)
    assert "--set ignore=, now colour" in advice("categories_at_chance", PRESETS["images"], True)
    assert "ignore=" not in advice("categories_at_chance", PRESETS["images"], False)


def test_advice_is_of_settings_that_change_something():
    assert "ignore=" not in advice("categories_at_chance", PLAIN, True)
    assert "such as --set ignore=" in advice("categories_at_chance", TERM, True)
    assert "--set seed=0" in advice("real_information_behind", replace(TERM, seed=2**31 - 1), True)


def test_a_trial_of_the_preset_is_to_become_a_whole_run():
    assert "--steps 3000" in advice("images_far_from_real", replace(PRESETS["images"], steps=120), True)
    assert "--steps 6000" in advice("images_far_from_real", PRESETS["images"], True)
    assert "--steps 240" in advice("images_far_from_real", replace(PLAIN, steps=120), True)
