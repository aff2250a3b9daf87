"""What is wrong with a run, judged from its figures: each finding is a sentence with its evidence, and an advice.

Where nothing is wrong there is no finding. The thresholds are set so that good runs on the 5,000 digits
have none; docs/evaluation.md says what each rests on.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from infogan_fast.evaluation.advice import advice
from infogan_fast.evaluation.intervals import fraction_interval
from infogan_fast.text import listing
from infogan_fast.training.settings import TrainConfig

#: An accuracy is near chance below this fraction of the way from chance to 1. Digits are at 0.6 and above after 300
#: of 7,000 steps, and 0.97 at the end.
NEAR_CHANCE = 0.1

#: NMI is near 0 below this, 0 being what shuffled labels give. Ten categories that each hold part of one of two
#: classes are below chance in accuracy, as only one can be matched to each, but have NMI 0.46.
NMI_NEAR_0 = 0.2

#: A category is all but empty below this fraction of 1/K. On digits the least has 0.87/K, 0.33/K after 300 steps.
EMPTY = 0.1

#: How many images must be expected in each category before an empty one means anything: without one by chance in
#: one of e^20 cases.
EXPECTED_IN_CATEGORY = 20

#: A category takes most images where its share is beyond this fraction of the way from 1/K to 1: 55 % of 10 categories,
#: 75 % of two. On digits the largest has 11 %.
DOMINANT = 0.5

#: Categories that are the classes, whatever their shares, have an accuracy this fraction of the way from chance to 1.
CLEARLY_CLASSES = 0.5

#: Q reads generated images back nearly perfectly where L_I is at least this fraction of H(c): 0.9993 on digits.
READ_BACK = 0.9

#: Real images follow a code where they use at least this fraction of the log of its categories, and Q's categories of
#: a real image have at most this fraction of it as entropy. Digits use 0.998, and have 0.003, 0.13 after 300 steps.
FOLLOWING = 0.5

#: Information on real images as a fraction of the log of the number of categories. Good runs on digits end at 0.868 to
#: 0.886, one that got stuck at 0.816.
INFORMATION = 0.85

#: Lines of metrics.jsonl that the information is the mean of: one alone is of 50 steps, and differs by 0.03 nats.
LINES = 3

#: How many times the floor a distance may be. On digits it is 2.1 times (0.040 beside 0.020), 8 times after 300 steps.
FLOORS = 3.0

#: How many times as strong as in real images the alternation of pixels may be, in amplitude. Digits of the transposed
#: convolutions have 1.7 times, 3.1 times after 300 steps, when the grid can be seen.
CHECKERBOARD = 2.5

#: Grey levels of 255 below which an alternation cannot be seen, whatever real images have.
VISIBLE = 1.0

#: Fraction of the real images' diversity that generated ones must have. Digits have 1.00, two halves of real ones 0.99.
DIVERSE = 0.7

#: Fraction that the distance of a generated image to the most similar other one must have of that of real ones. Digits
#: have 0.87, 0.86 after 300 steps; 1,000 images that are copies of 30 have 0.
REPEATED = 0.3

#: What ``DIVERSE`` is, within a category, where the real images that Q puts into it may be a mixture. Digits have 0.90
#: and above, 0.60 where the images are still bad.
DIVERSE_WITHIN = 0.5


def findings(
    summary: dict[str, Any], config: TrainConfig, lines: Sequence[dict[str, Any]] = ()
) -> list[dict[str, str]]:
    """Judge the figures of a run.

    Args:
        summary: its figures under the names of ``summary.json``, ``training_images`` and ``heldout_images`` included.
        config: its settings, by which the advice goes.
        lines: of its ``metrics.jsonl``, until the step that is judged.

    Returns:
        For each finding its ``name``, a ``sentence`` with the evidence, and an ``advice``; none where all is well.
    """
    judges = (
        _categories_at_chance(summary),
        _shares(summary),
        _not_on_real_images(summary),
        _real_information(config, lines),
        *(
            (_distance(quality), _checkerboard(quality), _collapse(quality))
            if (quality := summary["image_quality"])
            else ()
        ),
    )
    images = summary["image_quality"] is not None
    return [
        {"name": name, "sentence": sentence, "advice": advice(name, config, images)}
        for found in judges
        for name, sentence in found
    ]


def _categories_at_chance(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of the code that is best on the training images: other codes need not be about the classes."""
    for entry in summary["accuracy_per_code"][:1]:
        if _at_chance(entry, summary):
            low, high = _interval(entry, summary)
            where = "training" if entry["accuracy"] is None else "held-out"
            yield (
                "categories_at_chance",
                f"{_code(entry, summary)} tells the classes apart hardly better than chance: accuracy on {where} "
                f"images {_judged(entry):.1%} (95 % interval {low:.1%} to {high:.1%}), by chance "
                f"{entry['chance']:.1%}; NMI {entry['nmi']:.3f}, by chance {entry['nmi_by_chance']:.3f}.",
            )


def _shares(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for entry in summary["real_codes"]:
        shares, images = entry["category_shares"], entry["images"]
        count = len(shares)
        if count < 2 or images < EXPECTED_IN_CATEGORY * count:
            continue
        empty = [f"{index} ({share:.1%})" for index, share in enumerate(shares) if share < EMPTY / count]
        if empty:
            which = "category" if len(empty) == 1 else "categories"
            yield (
                "empty_categories",
                f"Hardly any real image falls into {which} {listing(empty, 10)} of "
                f"{_code(entry, summary, True)}: evenly it would be {1 / count:.1%} of {images:,}.",
            )
        share = max(shares)
        if _beyond(share, 1 / count) > DOMINANT and not _is_the_classes(entry, summary):
            yield (
                "dominant_category",
                f"{_code(entry, summary)} puts {share:.1%} of {images:,} real images into category "
                f"{shares.index(share)}: evenly it would be {1 / count:.1%}.",
            )


def _not_on_real_images(summary: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Categorical codes come first among the codes, in the order of ``real_codes``."""
    for entry in summary["real_codes"]:
        index, count = entry["categorical_code"] - 1, len(entry["category_shares"])
        bound, entropy = summary["mi_bound_nats"][index], summary["entropy_nats"][index]
        if count < 2 or bound < READ_BACK * entropy:
            continue
        most = math.log(min(count, entry["images"]))
        used = -sum(share * math.log(share) for share in entry["category_shares"] if share > 0.0)
        unsure = entry["real_posterior_entropy_nats"]
        reasons = []
        if used < FOLLOWING * most and not _is_the_classes(entry, summary):
            reasons.append(f"all fall into some {math.exp(used):.1f} of {count} categories")
        if unsure > FOLLOWING * math.log(count):
            reasons.append(f"leave Q unsure (entropy {unsure:.2f} of at most {math.log(count):.2f} nats)")
        best = summary["accuracy_per_code"][:1]
        if best and best[0]["categorical_code"] == index + 1 and _at_chance(best[0], summary):
            reasons.append(f"are classified no better than by chance ({_judged(best[0]):.1%})")
        if reasons:
            yield (
                "code_not_on_real_images",
                f"Q reads {_code(entry, summary, True)} off generated images (L_I {bound:.2f} of {entropy:.2f} nats), "
                f"but real images do not follow it: they {' and '.join(reasons)}.",
            )


def _real_information(config: TrainConfig, lines: Sequence[dict[str, Any]]) -> Iterator[tuple[str, str]]:
    """The term is summed over the categorical codes, and so is its limit."""
    values = [line["real_information"] for line in lines[-LINES:] if "real_information" in line]
    limit = sum(math.log(count) for count in config.categorical)
    if not config.uses_real_information or not values or limit == 0.0:
        return
    value = max(sum(values) / len(values), 0.0)  # rounding can leave it below
    if value < INFORMATION * limit:
        yield (
            "real_information_behind",
            f"The categories of two views of a real image share {value:.2f} of at most {limit:.2f} nats, the mean "
            f"of the last lines of metrics ({value / limit:.0%}; "
            f"runs that worked have {INFORMATION:.0%} or more): some categories are mixed up, or split.",
        )


def _distance(quality: dict[str, Any]) -> Iterator[tuple[str, str]]:
    distance, floor = quality["swd"], quality["swd_floor"]
    if distance is not None and distance > FLOORS * floor:
        times = f"{distance / floor:.1f} times the" if floor > 0.0 else "beside a"
        yield (
            "images_far_from_real",
            f"Generated images are far from real ones: distance {distance:.3f}, {times} {floor:.3f} between real ones.",
        )


def _checkerboard(quality: dict[str, Any]) -> Iterator[tuple[str, str]]:
    made, real = quality.get("checkerboard"), quality.get("checkerboard_real")
    if made is not None and real is not None and made > max(VISIBLE, CHECKERBOARD * real):
        yield (
            "checkerboard",
            f"Generated images have a checkerboard: even and odd pixels differ by {made:.2f} of 255 grey levels, "
            f"those of real images by {real:.2f}.",
        )


def _collapse(quality: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if _is_less(quality.get("diversity"), DIVERSE, quality.get("diversity_real")):
        made, real = quality["diversity"], quality["diversity_real"]
        yield (
            "collapse",
            f"Generated images are too much alike: two of them differ by {made:.1f} grey levels on average, two real "
            f"ones by {real:.1f} ({made / real:.0%}).",
        )
    elif _is_less(quality.get("nearest"), REPEATED, quality.get("nearest_real")):
        made, real = quality["nearest"], quality["nearest_real"]
        yield (
            "collapse",
            f"Generated images repeat each other: the most similar of {quality['images']:,} others differs by "
            f"{made:.1f} grey levels on average, of as many real ones by {real:.1f} ({made / real:.0%}).",
        )
    pairs = zip(quality.get("category_diversity") or (), quality.get("category_diversity_real") or (), strict=True)
    for code, (of_made, of_real) in enumerate(pairs):
        alike = [
            f"{category} ({inside:.1f}, real {outside:.1f})"
            for category, (inside, outside) in enumerate(zip(of_made, of_real, strict=True))
            if _is_less(inside, DIVERSE_WITHIN, outside)
        ]
        if alike:
            which = f" of categorical code {code + 1}" if len(quality["category_diversity"]) > 1 else ""
            yield (
                "collapse_within_categories",
                f"Generated images of one category{which} are too much alike, by the mean difference of two of them "
                f"in grey levels: {listing(alike, 10)}.",
            )


def _is_less(made: float | None, fraction: float, real: float | None) -> bool:
    """Whether there are both figures and the first is below a fraction of the second."""
    return made is not None and real is not None and made < fraction * real


def _at_chance(entry: dict[str, Any], summary: dict[str, Any]) -> bool:
    """Whether a code is, by accuracy and by NMI, at chance or near it; False where chance is certainty."""
    chance, nmi_by_chance = entry.get("chance"), entry.get("nmi_by_chance")
    if chance is None or nmi_by_chance is None or chance >= 1.0 or len(entry["class_of_category"]) < 2:
        return False
    near = _interval(entry, summary)[0] <= chance or _beyond(_judged(entry), chance) < NEAR_CHANCE
    return near and (nmi_by_chance >= 1.0 or _beyond(entry["nmi"], nmi_by_chance) < NMI_NEAR_0)


def _is_the_classes(code: dict[str, Any], summary: dict[str, Any]) -> bool:
    """Whether the categories of a code are the classes of the labels, so that their shares are right."""
    return any(
        entry["categorical_code"] == code["categorical_code"]
        and entry.get("chance") is not None
        and entry["chance"] < 1.0
        and _beyond(_judged(entry), entry["chance"]) >= CLEARLY_CLASSES
        for entry in summary["accuracy_per_code"]
    )


def _beyond(value: float, least: float) -> float:
    """How far a value is on the way from ``least``, below 1, to 1."""
    return (value - least) / (1.0 - least)


def _judged(entry: dict[str, Any]) -> float:
    """The accuracy on held-out images, or where there are none on the training images."""
    accuracy: float = entry["accuracy_train"] if entry["accuracy"] is None else entry["accuracy"]
    return accuracy


def _interval(entry: dict[str, Any], summary: dict[str, Any]) -> tuple[float, float]:
    if entry["accuracy_ci"] is not None:
        low, high = entry["accuracy_ci"]
        return low, high
    images = summary["training_images"]
    return fraction_interval(round(entry["accuracy_train"] * images), images)


def _code(entry: dict[str, Any], summary: dict[str, Any], inside: bool = False) -> str:
    """What a sentence calls a code, at its beginning or inside."""
    if len(summary["mi_bound_nats"]) - len(summary["r2"]) > 1:
        return f"{'c' if inside else 'C'}ategorical code {entry['categorical_code']}"
    return "the categorical code" if inside else "The categorical code"
