"""The objective of a run: the terms that its settings name."""

from __future__ import annotations

from collections.abc import Sequence

from infogan_fast.objectives import (
    DiscriminatorInformation,
    GeneratorInformation,
    InformationLoss,
    RealInformation,
    Term,
    game_terms,
)
from infogan_fast.training.settings import ConfigError, TrainConfig


def objective_of(config: TrainConfig, more: Sequence[Term] = ()) -> tuple[Term, ...]:
    """The terms in the order in which they are added up.

    Args:
        config: the settings.
        more: terms of the user's own, beside those of the settings.

    Raises:
        ConfigError: two terms log a value under the same name.
    """
    information = InformationLoss(config.spec, config.variance, config.categorical_weight, config.continuous_weight)
    terms = [*game_terms(config.game, config.options_of_game), DiscriminatorInformation(information)]
    if "generator" in config.information_gradient:
        terms.append(GeneratorInformation(information))
    if config.uses_real_information:
        terms.append(RealInformation(config.spec, config.variance, config.real_information))
    terms += more
    names = [name for term in terms for name in term.metrics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"terms: two of them log {', '.join(twice)}; each value needs a name of its own")
    return tuple(terms)
