"""Vectors of two numbers as scatter plots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from infogan_fast.evaluation.pictures.grids import FIRST, LAST
from infogan_fast.evaluation.pictures.style import REAL, own_style, png, value_colours

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_categories(points: Tensor, rows: Sequence[str], title: str, real: Tensor | None) -> bytes:
    """A PNG file of generated points, with a colour for each row, and real ones in grey.

    Args:
        points: floating point ``[rows, columns, 2]`` on the CPU.
        rows: what the rows are, for the legend.
        title: of the picture.
        real: ``[N, 2]``, or None.
    """
    from matplotlib import colormaps

    with own_style():
        figure, axes = _figure(title, real)
        colours = colormaps["tab10" if len(rows) <= 10 else "tab20"]
        for index, (name, row) in enumerate(zip(rows, points.numpy(), strict=True)):
            axes.scatter(row[:, 0], row[:, 1], s=9, color=colours(index), linewidths=0, alpha=0.8, label=name)
        figure.legend(loc="outside right upper", markerscale=2.0)
        return png(figure)


def draw_values(points: Tensor, code_name: str, title: str, real: Tensor | None) -> bytes:
    """A PNG file of the paths that points take as a continuous code goes from ``FIRST`` to ``LAST``.

    Args:
        points: floating point ``[paths, steps, 2]`` on the CPU.
        code_name: of the code, for the colour bar.
        title: of the picture.
        real: ``[N, 2]``, or None.
    """
    with own_style():
        figure, axes = _figure(title, real)
        colours = value_colours(FIRST, LAST)
        values = np.linspace(FIRST, LAST, points.shape[1])
        for path in points.numpy():
            axes.plot(path[:, 0], path[:, 1], color="0.4", linewidth=0.5, alpha=0.5)
            axes.scatter(path[:, 0], path[:, 1], s=9, color=colours.to_rgba(values), linewidths=0, zorder=3)
        figure.colorbar(colours, ax=axes, label=code_name)
        if real is not None:
            figure.legend(loc="outside lower right", markerscale=2.0)
        return png(figure)


def _figure(title: str, real: Tensor | None) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 5.2), layout="constrained")
    axes = figure.subplots()
    if real is not None:
        axes.scatter(real[:, 0].numpy(), real[:, 1].numpy(), s=6, color=REAL, linewidths=0, label="real data")
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_title(title)
    axes.set_xlabel("x[0]")
    axes.set_ylabel("x[1]")
    axes.grid(True, alpha=0.3)
    return figure, axes
