"""What the plots of generated data have in common: the style, the file, the colours of a continuous code's values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

#: Colour of the real data.
REAL = "0.75"


@contextmanager
def own_style() -> Iterator[None]:
    """While it lasts, matplotlib's own style is in effect instead of the user's, so that files are the same."""
    from matplotlib import style  # half a second to import, and not needed for images

    with style.context(["default", {"text.parse_math": False}]):
        yield


def png(figure: Figure) -> bytes:
    """The figure as a PNG file, the same bytes for the same figure."""
    content = BytesIO()
    figure.savefig(content, format="png", dpi=100, metadata={"Software": None})
    return content.getvalue()


def value_colours(low: float, high: float) -> ScalarMappable:
    """Colours of a code's values, for a colour bar."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    return ScalarMappable(Normalize(low, high), "viridis")
