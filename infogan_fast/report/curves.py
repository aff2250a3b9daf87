"""The curves of a run's report: lines of ``metrics.jsonl`` as SVG files."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from infogan_fast.evaluation.pictures.style import own_style
from infogan_fast.spec import LatentSpec
from infogan_fast.training.history import OTHER_METRICS

#: More lines than these cannot be told apart, more points cannot be seen, and more plots are not looked at.
MAX_CURVES, MAX_POINTS, MAX_PLOTS = 20, 500, 20

_MOST_CHARACTERS = 60  # of the name of a metric
_LARGEST = 1e100  # beyond it the axis would overflow
_PLAYERS = ("discriminator", "generator")


@dataclass(frozen=True)
class Plot:
    """Curves over the steps of a run."""

    svg: str
    """An SVG file with black ink on a transparent ground."""
    caption: str


@dataclass(frozen=True)
class _Curves:
    """What a plot shows."""

    title: str
    axis: str
    """What the values are."""
    lines: dict[str, list[float]]
    """Values over the steps by name; at most ``MAX_CURVES`` of them are drawn."""
    limits: dict[str, float] = field(default_factory=dict)
    """Dashed horizontal lines by name."""


def plots(spec: LatentSpec, lines: Sequence[dict[str, Any]]) -> list[Plot]:
    """L_I per code, and whatever the terms of the objective log, over the run.

    Values of D and of G under one name, such as ``discriminator_loss`` and ``generator_loss``, have a plot together,
    others one each.

    Args:
        spec: the latent variables.
        lines: those of ``metrics.jsonl``.

    Returns:
        The plots; none if there are no lines. The same lines give the same bytes.
    """
    if not lines:
        return []
    stride = math.ceil(len(lines) / MAX_POINTS)
    shown = [*lines[stride - 1 :: stride]]
    thinned = f" Every {stride}th line of metrics.jsonl." if stride > 1 else ""
    all_curves = [*_of_codes(spec, shown), *_of_terms(shown)]
    drawn = []
    for curves in all_curves[:MAX_PLOTS]:
        left_out = len(curves.lines) - MAX_CURVES
        more = f" The first {MAX_CURVES}; {left_out} more are in metrics.jsonl." if left_out > 0 else ""
        drawn.append(Plot(_draw(curves, [line["step"] for line in shown]), f"{curves.title}.{more}{thinned}"))
    if len(all_curves) > MAX_PLOTS:
        last = drawn[-1]
        more = f" Further metrics, {len(all_curves) - MAX_PLOTS}, are in metrics.jsonl."
        drawn[-1] = Plot(last.svg, last.caption + more)
    return drawn


def _of_codes(spec: LatentSpec, lines: Sequence[dict[str, Any]]) -> list[_Curves]:
    bounds = {name: [line["mi_bound_nats"][code] for line in lines] for code, name in enumerate(spec.code_names)}
    categorical, continuous = spec.code_names[: len(spec.categorical)], spec.code_names[len(spec.categorical) :]
    found = []
    if categorical:
        limits = {f"H(c), K={size}": math.log(size) for size in dict.fromkeys(spec.categorical[:MAX_CURVES])}
        most = ", ".join(f"{name} {value:.3f}" for name, value in limits.items())
        title = (
            f"L_I of each categorical code in nats, as Q sees it in training; dashed: the most that it can be, {most}"
        )
        found.append(_Curves(title, "L_I, nats", {name: bounds[name] for name in categorical}, limits))
    if continuous:
        title = "L_I of each continuous code in nats, as Q sees it in training"
        found.append(_Curves(title, "L_I, nats", {name: bounds[name] for name in continuous}))
    return found


def _of_terms(lines: Sequence[dict[str, Any]]) -> list[_Curves]:
    groups: dict[str, dict[str, list[float]]] = {}
    for name in dict.fromkeys(name for line in lines for name in line if name not in OTHER_METRICS):
        player, _, rest = name.partition("_")
        group = rest if player in _PLAYERS and rest else name
        groups.setdefault(_shown(group), {})[_shown(name)] = [line.get(name, math.nan) for line in lines]
    return [_Curves(" and ".join(values), axis, values) for axis, values in groups.items()]


def _shown(name: str) -> str:
    """The name of a metric as text; it may come from the file of a stranger."""
    text = "".join(character if character.isprintable() else "?" for character in name[:_MOST_CHARACTERS])
    return text.replace("_", " ").strip() or "?"


def _draw(curves: _Curves, steps: Sequence[int]) -> str:
    """An SVG file, in which text is text."""
    from matplotlib import colormaps, rc_context
    from matplotlib.figure import Figure

    entries = min(len(curves.lines), MAX_CURVES) + len(curves.limits)
    file = StringIO()
    with own_style(), rc_context({"svg.hashsalt": "infogan-fast", "svg.fonttype": "none"}):
        figure = Figure(figsize=(5.6, max(2.8, 0.14 * entries)), layout="constrained")
        axes = figure.subplots()
        colours = colormaps["tab10" if len(curves.lines) <= 10 else "tab20"]
        marker = "." if len(steps) <= 30 else ""
        for index, (name, values) in enumerate(list(curves.lines.items())[:MAX_CURVES]):
            drawn = [value if abs(value) < _LARGEST else math.nan for value in values]
            axes.plot(steps, drawn, marker=marker, color=colours(index), label=name, linewidth=1.3)
        for name, value in curves.limits.items():
            axes.axhline(value, color="black", linestyle="--", linewidth=0.9, label=name)
        axes.set_xlabel("step")
        axes.set_ylabel(curves.axis)
        axes.grid(True, color="#888888", alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        if entries > 1:
            figure.legend(loc="outside right upper", frameon=False, fontsize=8 if entries <= 12 else 6)
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(file, format="svg", transparent=True, metadata=nothing)
    return file.getvalue()
