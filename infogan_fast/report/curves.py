"""The curves of a run's report: lines of ``metrics.jsonl`` as SVG to be put into a page."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

from infogan_fast.training.settings import TrainConfig

#: More lines than these cannot be told apart, and more points cannot be seen.
MAX_CURVES, MAX_POINTS = 20, 500

_INK = "#000000"  # replaced by the colour of the page's text


@dataclass(frozen=True)
class Plot:
    """One picture of curves."""

    svg: str
    """An ``<svg>`` element, of this package's making: it may go into a page as it is."""
    caption: str


@dataclass(frozen=True)
class _Curves:
    """What a plot shows."""

    title: str
    lines: dict[str, list[float]]
    """Values over the steps by name; at most ``MAX_CURVES`` of them are drawn."""
    limits: dict[str, float]
    """Dashed horizontal lines by name."""


def plots(config: TrainConfig, metrics: Sequence[dict[str, Any]]) -> list[Plot]:
    """L_I per code, the players' losses and, where it is not 0, the information on real images, over the run.

    Args:
        config: of the run.
        metrics: the lines of ``metrics.jsonl``.

    Returns:
        The plots; none if there are no lines. The same lines give the same bytes.
    """
    if not metrics:
        return []
    from matplotlib import style  # half a second to import, and needed nowhere else

    stride = math.ceil(len(metrics) / MAX_POINTS)
    shown = [*metrics[stride - 1 :: stride]]
    thinned = f" Every {stride}th line of metrics.jsonl." if stride > 1 else ""
    steps = [line["step"] for line in shown]
    drawn = []
    # The user's own style of matplotlib stays out of it, and is as it was afterwards.
    with style.context(["default", {"svg.hashsalt": "infogan-fast", "svg.fonttype": "none"}]):
        for number, curves in enumerate(_curves(config, shown), start=1):
            left_out = len(curves.lines) - MAX_CURVES
            more = f" The first {MAX_CURVES} codes; {left_out} more are in metrics.jsonl." if left_out > 0 else ""
            svg = _standing_alone(_draw(curves, steps), f"plot{number}-", curves.title)
            drawn.append(Plot(svg, f"{curves.title}.{more}{thinned}"))
    return drawn


def _curves(config: TrainConfig, metrics: Sequence[dict[str, Any]]) -> list[_Curves]:
    names = list(config.spec.code_names)
    bounds = dict(zip(names, map(list, zip(*(line["mi_bound_nats"] for line in metrics), strict=True)), strict=True))
    categorical = names[: len(config.categorical)]
    found = []
    if categorical:
        limits = {f"H(c), K={size}": math.log(size) for size in dict.fromkeys(config.categorical[:MAX_CURVES])}
        found.append(
            _Curves(
                "L_I of each categorical code in nats, as Q sees it in training; dashed: H(c), the most that it can be",
                {name: bounds[name] for name in categorical},
                limits,
            )
        )
    if config.continuous:
        found.append(
            _Curves(
                "L_I of each continuous code in nats, as Q sees it in training",
                {name: bounds[name] for name in names[len(categorical) :]},
                {},
            )
        )
    losses = {name: [line[key] for line in metrics] for name, key in _LOSSES.items()}
    found.append(_Curves("Losses of D and G in the GAN game, in nats; they need not fall", losses, {}))
    if config.uses_real_information:
        title = "Information between Q's categories for two views of a real image, summed over the codes, in nats"
        found.append(_Curves(title, {"real images": [line["real_information"] for line in metrics]}, {}))
    return found


_LOSSES = {"D": "discriminator_loss", "G": "generator_loss"}


def _draw(curves: _Curves, steps: Sequence[int]) -> str:
    """An SVG file. Its ink is black, its ground transparent."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    entries = min(len(curves.lines), MAX_CURVES) + len(curves.limits)
    figure = Figure(figsize=(5.6, max(2.8, 0.14 * entries)), layout="constrained")
    axes = figure.subplots()
    colours = colormaps["tab10" if len(curves.lines) <= 10 else "tab20"]
    marker = "." if len(steps) <= 30 else ""
    for index, (name, values) in enumerate(list(curves.lines.items())[:MAX_CURVES]):
        axes.plot(steps, values, marker=marker, color=colours(index), label=name, linewidth=1.3)
    for name, value in curves.limits.items():
        axes.axhline(value, color=_INK, linestyle="--", linewidth=0.9, label=name)
    axes.set_xlabel("step")
    axes.grid(True, color="#888888", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside right upper", frameon=False, fontsize=8 if entries <= 12 else 6)
    file = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return file.getvalue()


def _standing_alone(svg: str, prefix: str, title: str) -> str:
    """An SVG file as an element of a page: in its colours, with ids of its own and nothing that names an address."""
    start = re.search(r"<svg\b.*?viewBox=\"([^\"]*)\"[^>]*>", svg, flags=re.DOTALL)
    assert start is not None
    body = re.sub(r"<style\b.*?</style>", "", svg[start.end() :], flags=re.DOTALL)
    body = body.replace("xlink:href=", "href=").replace(_INK, "currentColor")
    body = re.sub(r"font-family: [^;\"]*", "font-family: inherit", body)
    body = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{prefix}", body)
    return f'<svg role="img" aria-label="{title}" viewBox="{start[1]}">{body.strip()}'
