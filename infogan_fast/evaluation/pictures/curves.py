"""Waveforms and vectors as curves, a panel for each row of a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from torch import Tensor

from infogan_fast.evaluation.pictures.grids import FIRST, LAST
from infogan_fast.evaluation.pictures.style import own_style, png, value_colours

#: More channels than these are left out.
MAX_CHANNELS = 4

_MOST_BESIDE = 4  # panels beside each other
_POINTS = 30  # up to so many values are marked one by one


def draw_curves(curves: Tensor, rows: Sequence[str], title: str, code_name: str | None) -> bytes:
    """A PNG file with one panel per row, and per channel, in which the curves of the row lie over each other.

    Args:
        curves: floating point ``[rows, columns, channels, length]`` on the CPU.
        rows: what the rows are, as titles of their panels.
        title: of the picture.
        code_name: of the continuous code whose values, from ``FIRST`` to ``LAST``, the columns are: they are told by
            the curves' colours, with a colour bar. None where columns are samples.
    """
    from matplotlib.figure import Figure

    all_channels, length = curves.shape[2:]
    channels = min(all_channels, MAX_CHANNELS)
    panels = [(row, channel) for row in range(len(rows)) for channel in range(channels)]
    beside = channels if channels > 1 else min(math.ceil(math.sqrt(len(rows))), _MOST_BESIDE)
    below = math.ceil(len(panels) / beside)
    with own_style():
        figure = Figure(figsize=(max(5.0, 2.6 * beside + 1.0), 1.7 * below + 1.2), layout="constrained")
        grid = list(figure.subplots(below, beside, sharex=True, sharey=True, squeeze=False).flat)
        colours = value_colours(FIRST, LAST)
        of_columns = colours.to_rgba(np.linspace(FIRST, LAST, curves.shape[1]))
        for axes, (row, channel) in zip(grid, panels, strict=False):
            for column, curve in enumerate(curves[row, :, channel].numpy()):
                colour = ("tab:blue", 0.5) if code_name is None else of_columns[column]
                axes.plot(curve, linewidth=1.0, marker="." if length <= _POINTS else "", color=colour)
            of_channels = f", channel {channel} of {all_channels}" if all_channels > 1 else ""
            axes.set_title(rows[row] + of_channels, fontsize="medium")
            axes.grid(True, alpha=0.3)
        for axes in grid[len(panels) :]:
            axes.remove()
        for axes in grid[: len(panels)][-beside:]:  # the lowest of each column
            axes.tick_params(labelbottom=True)
        if code_name is not None:
            figure.colorbar(colours, ax=figure.axes, label=code_name, aspect=30)
        figure.suptitle(title)
        figure.supxlabel("index")
        figure.supylabel("value")
        return png(figure)
