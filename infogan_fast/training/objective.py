"""The objective of a run: the terms that its settings name."""

from __future__ import annotations

from collections.abc import Sequence

from infogan_fast.loss import InfoLoss
from infogan_fast.objectives import (
    INPUTS,
    DiscriminatorInformation,
    DiscriminatorTerm,
    GeneratorInformation,
    GeneratorTerm,
    RealInformation,
    Term,
    game_terms,
)
from infogan_fast.training.history import OTHER_METRICS
from infogan_fast.training.settings import ConfigError, TrainConfig


def objective_of(config: TrainConfig, more: Sequence[Term] = ()) -> tuple[Term, ...]:
    """The terms in the order in which they are added up.

    Args:
        config: the settings.
        more: terms of the user's own, beside those of the settings.

    Raises:
        ConfigError: one is not a term, asks for what there is not, or logs a value under a name that is taken.
    """
    if not isinstance(more, Sequence):
        raise ConfigError(f"terms: got {type(more).__name__}, allowed: a list of terms")
    weights = config.categorical_weight, config.continuous_weight
    information = InfoLoss(config.spec, *weights, config.variance, return_terms=True)
    terms = [*game_terms(config.game, config.options_of_game), DiscriminatorInformation(information)]
    if "generator" in config.information_gradient:
        terms.append(GeneratorInformation(information))
    if config.uses_real_information:
        terms.append(
            RealInformation(config.spec, config.variance, config.real_information, config.real_information_entropy)
        )
    for term in more:
        _check_term(term)
    terms += more
    names = [name for term in terms for name in term.metrics]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"terms: two of them log {', '.join(twice)}; each value needs a name of its own")
    return tuple(terms)


def _check_term(term: object) -> None:
    name = getattr(term, "__name__", type(term).__name__)
    if not isinstance(term, (DiscriminatorTerm, GeneratorTerm)):
        raise ConfigError(f"terms: got {name}, allowed: instances of DiscriminatorTerm or GeneratorTerm")
    unknown = sorted(set(term.inputs) - set(INPUTS))
    if unknown:
        raise ConfigError(f"terms: {name} asks for {', '.join(unknown)}, allowed: {', '.join(INPUTS)}")
    metrics: object = term.metrics
    if not isinstance(metrics, tuple) or not all(isinstance(metric, str) for metric in metrics):
        raise ConfigError(f"terms: {name}.metrics: got {metrics!r}, allowed: a tuple of names")
    taken = sorted(set(metrics) & set(OTHER_METRICS))
    if taken:
        raise ConfigError(f"terms: {name} logs {', '.join(taken)}, a name that metrics.jsonl has for something else")
