"""What the categorical codes are to ignore: the setting ``ignore`` as ranges that random views are drawn from."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from infogan_fast.text import short

_NUMBER = re.compile(r"[0-9]+\.?[0-9]*|\.[0-9]+")


class Kind(NamedTuple):
    """A kind of change that views can differ by, and its strength."""

    usual: float
    """The strength where none is given."""
    most: float
    """The largest strength that is allowed; 0, the smallest, is no such change."""
    base: float
    """The strength where the kind is not named: changes that hardly ever make an image one of another category."""
    meaning: str
    """What is changed, and the strength's unit."""


#: The kinds by name. Ranges are symmetric about no change.
KINDS: Mapping[str, Kind] = {
    "rotation": Kind(180.0, 180.0, 15.0, "rotation by up to so many degrees"),
    "shear": Kind(0.3, 1.0, 0.0, "horizontal shear up to that ratio of lengths"),
    "scale": Kind(0.5, 1.0, 0.4, "scaling by up to that logarithm of the ratio of lengths"),
    "shift": Kind(0.25, 0.5, 0.2, "shift by up to that fraction of each side"),
    "colour": Kind(1.0, 1.0, 0.0, "fraction in which colours give way to a random mixture of the channels in grey"),
    "blur": Kind(1.0, 1.0, 0.0, "fraction in which the image gives way to a blurred one"),
    "crop": Kind(0.5, 0.9, 0.0, "cropping of up to that fraction of the image's area"),
    "flip": Kind(0.5, 1.0, 0.0, "probability of a horizontal flip"),
}


@dataclass(frozen=True)
class Ignored:
    """The strength of each kind of change between views; ``KINDS`` has their meaning."""

    rotation: float
    shear: float
    scale: float
    shift: float
    colour: float
    blur: float
    crop: float
    flip: float

    @property
    def forgets_colour(self) -> bool:
        """Whether nothing of the colours is left in a view, so that Q need not look at them at all."""
        return self.colour == 1.0

    @property
    def moves(self) -> bool:
        """Whether pixels are moved."""
        return max(self.rotation, self.shear, self.scale, self.shift, self.crop, self.flip) > 0.0

    def moves_alone(self) -> Ignored:
        """The same, but for what changes the pixels' values."""
        return dataclasses.replace(self, colour=0.0, blur=0.0)

    @property
    def log_zoom(self) -> float:
        """The logarithm of the smallest ratio of lengths that a crop leaves."""
        return 0.5 * math.log1p(-self.crop)


def ignored(names: Sequence[str]) -> Ignored:
    """The strengths that the setting ``ignore`` stands for.

    Args:
        names: ``kind`` or ``kind:strength`` each, such as ``"colour"`` and ``"rotation:30"``; a kind that is not named
            has its base.

    Raises:
        ValueError: a kind is unknown or named twice, or a strength not allowed; the message says which.
    """
    strengths = {name: kind.base for name, kind in KINDS.items()}
    named = set()
    for text in names:
        name, colon, number = (part.strip() for part in text.partition(":"))
        if name not in KINDS:
            raise ValueError(f"got {short(name)}, allowed: {', '.join(KINDS)}")
        if name in named:
            raise ValueError(f"got {name} twice, allowed: once")
        kind = KINDS[name]
        strength = kind.usual
        if colon:
            strength = float(number) if _NUMBER.fullmatch(number) else math.nan
        if not 0.0 <= strength <= kind.most:
            raise ValueError(f"{name}: got {short(number)}, allowed: a number from 0 to {kind.most:g}, {kind.meaning}")
        strengths[name] = strength
        named.add(name)
    return Ignored(**strengths)
