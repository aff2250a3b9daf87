"""The GAN games by name. A line here is all that a new one needs beside its file."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping

from infogan_fast.objectives.hinge import hinge
from infogan_fast.objectives.non_saturating import non_saturating
from infogan_fast.objectives.term import Term
from infogan_fast.objectives.wgan_gp import wgan_gp
from infogan_fast.text import short

#: What makes the terms of a game, whose keyword arguments are the game's options.
GAMES: dict[str, Callable[..., tuple[Term, ...]]] = {
    "non-saturating": non_saturating,
    "hinge": hinge,
    "wgan-gp": wgan_gp,
}


def game_terms(name: str, options: Mapping[str, float]) -> tuple[Term, ...]:
    """The terms of a game.

    Args:
        name: one of ``GAMES``.
        options: values of its options other than their defaults.

    Raises:
        ValueError: there is no such option, or its value is not allowed; the message gives what is.
    """
    game = GAMES[name]
    known = inspect.signature(game).parameters
    for option in options:
        if option not in known:
            listed = ", ".join(f"{key} (default {value.default:g})" for key, value in known.items())
            raise ValueError(f"{short(option)}: unknown; allowed of {name}: {listed or 'no options'}")
    return game(**options)
