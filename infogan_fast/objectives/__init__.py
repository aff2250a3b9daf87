"""What is minimised: one term of a loss per file, and the table of GAN games that are made of them."""

from infogan_fast.objectives.information import (
    DiscriminatorInformation,
    GeneratorInformation,
    nll_names,
)
from infogan_fast.objectives.real_information import RealInformation, invariant_information
from infogan_fast.objectives.table import GAMES, game_terms
from infogan_fast.objectives.term import (
    INPUTS,
    Contribution,
    DiscriminatorPasses,
    DiscriminatorTerm,
    GeneratorPasses,
    GeneratorTerm,
    Term,
)

__all__ = [
    "GAMES",
    "INPUTS",
    "Contribution",
    "DiscriminatorInformation",
    "DiscriminatorPasses",
    "DiscriminatorTerm",
    "GeneratorInformation",
    "GeneratorPasses",
    "GeneratorTerm",
    "RealInformation",
    "Term",
    "game_terms",
    "invariant_information",
    "nll_names",
]
