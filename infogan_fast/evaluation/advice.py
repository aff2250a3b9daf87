"""What to try next where something is wrong with a run: every advice in one place, by the name of the finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from infogan_fast.training.overrides import value_text
from infogan_fast.training.presets import IMAGES_PRESET, preset
from infogan_fast.training.settings import OWN_NETWORKS, TrainConfig

_SEEDS = 2**31  # the largest that is allowed is one less


@dataclass(frozen=True)
class _Hint:
    """One thing to try. Fields in braces are those of ``_fields``."""

    text: str
    fits: Callable[[TrainConfig, bool], bool] = lambda config, images: True
    """Whether it can change anything, by the settings of the run and whether the data are images."""


def _has_no_term(config: TrainConfig, images: bool) -> bool:
    return not config.uses_real_information


def _reads_ignore(config: TrainConfig) -> bool:
    return config.uses_real_information or config.networks == "images"


def _ignores_nothing(config: TrainConfig, images: bool) -> bool:
    return images and not config.ignore and _reads_ignore(config)


def _ignores_something(config: TrainConfig, images: bool) -> bool:
    return images and bool(config.ignore) and _reads_ignore(config)


def _other_networks(config: TrainConfig, images: bool) -> bool:
    return images and config.networks not in ("images", OWN_NETWORKS)


def _augments_less(config: TrainConfig, images: bool) -> bool:
    return images and config.augmentation < 0.7


_LONGER = _Hint("train anew for longer (--steps {more_steps})")
_SLOWER = _Hint("let G learn more slowly (--set learning_rate_generator={half_generator_rate})")
_TERM = _Hint("let real images shape the categories (--set real_information=1)", _has_no_term)
_IGNORE = _Hint("say what the categories are to ignore, such as --set ignore=colour,rotation", _ignores_nothing)
_IGNORE_OTHERS = _Hint(
    "have the categories ignore what they go by now (--set ignore=, now {ignore})", _ignores_something
)
_IGNORE_LESS = _Hint("name less in what is to be ignored, or weaker (--set ignore=, now {ignore})", _ignores_something)
_PRESET = _Hint("use the networks made for images in general (--preset images)", _other_networks)
_AUGMENT = _Hint("where images are few, keep D from learning them by heart (--set augmentation=0.7)", _augments_less)
_CATEGORIES = _Hint("give another number of categories (--set categorical=, now {categorical})")

ADVICE: Mapping[str, tuple[_Hint, ...]] = {
    "categories_at_chance": (_TERM, _IGNORE, _PRESET, _IGNORE_OTHERS, _CATEGORIES, _LONGER),
    "empty_categories": (
        _Hint("give as many categories as there are kinds (--set categorical=, now {categorical})"),
        _TERM,
        _LONGER,
    ),
    "dominant_category": (_TERM, _IGNORE, _PRESET, _LONGER),
    "code_not_on_real_images": (_TERM, _PRESET, _IGNORE, _LONGER),
    "real_information_behind": (
        _LONGER,
        _Hint("another seed (--set seed={next_seed})"),
        _Hint("give the term more weight (--set real_information={twice_real_information})"),
        _IGNORE,
        _IGNORE_LESS,
        _CATEGORIES,
    ),
    "images_far_from_real": (
        _LONGER,
        _SLOWER,
        _PRESET,
        _AUGMENT,
    ),
    "checkerboard": (
        _Hint("use networks that upsample without checkerboards (--preset images)", _other_networks),
        _LONGER,
        _SLOWER,
    ),
    "collapse": (_SLOWER, _AUGMENT, _PRESET, _LONGER),
    "collapse_within_categories": (
        _Hint("let the code weigh less (--set categorical_weight={half_categorical_weight})"),
        _SLOWER,
        _AUGMENT,
        _LONGER,
    ),
}


def advice(name: str, config: TrainConfig, images: bool) -> str:
    """A sentence on what to try next.

    Args:
        name: of the finding, a key of ``ADVICE``.
        config: the settings of the run; what they have already is not advised.
        images: whether the data are images.
    """
    fields = _fields(config)
    hints = [hint.text.format(**fields) for hint in ADVICE[name] if hint.fits(config, images)]
    return f"To try next: {'; '.join(hints)}."


def _fields(config: TrainConfig) -> dict[str, str]:
    return {
        "more_steps": str(max(2 * config.steps, preset(IMAGES_PRESET).steps if config.networks == "images" else 0)),
        "ignore": value_text(config.ignore),
        "next_seed": str((config.seed + 1) % _SEEDS),
        "half_generator_rate": f"{config.learning_rate_generator / 2:g}",
        "twice_real_information": f"{2 * config.real_information:g}",
        "half_categorical_weight": f"{config.categorical_weight / 2:g}",
        "categorical": value_text(config.categorical),
    }
