"""Plots of a run: speed-up and roofline over the batch size, bound and accuracy over time. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from infogan_fast.bench.cases import CONTENDERS
from infogan_fast.bench.cuda_timing import IN_GRAPH

_OURS = "infogan_fast"
_COLOURS = dict(zip(CONTENDERS, ("tab:grey", "tab:orange", "tab:blue", "tab:cyan"), strict=True))


def library() -> ModuleType:
    """``matplotlib.pyplot`` drawing to files.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt


def write(values: dict[str, Any], folder: Path) -> list[Path]:
    """Draw what the JSON values of a run have results for.

    Args:
        values: of a run.
        folder: for the PNG files; made if missing.

    Returns:
        The files.
    """
    plt = library()
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for (op, threads, device), rows in _series(values.get("rows", [])):
        where = f"{threads} thread{'s' if threads != 1 else ''}" if device == "cpu" else "GPU, in a CUDA graph"
        name = f"{op}_{threads}_threads" if device == "cpu" else op
        ending = "" if device == "cpu" else IN_GRAPH
        for kind, draw in (("speedup", _speedup), ("roofline", _roofline)):
            figure, axes = plt.subplots(figsize=(7.0, 4.5), layout="constrained")
            draw(axes, rows, ending, values.get("baselines"))
            axes.set_title(f"{op}, K=10 C=2, {rows[0]['dtype']}, {where}")
            axes.set_xlabel("batch size")
            axes.legend(fontsize="small")
            axes.grid(True, which="major", alpha=0.3)
            written.append(_save(plt, figure, folder / f"{kind}_{name}.png"))
    if values.get("time_to_result", {}).get("runs"):
        written.append(_time_to_result(plt, values["time_to_result"], folder / "time_to_result.png"))
    return written


def _series(rows: list[dict[str, Any]]) -> Iterator[tuple[tuple[str, int, str], list[dict[str, Any]]]]:
    """The float32 rows of the MNIST codes by op, threads and device, each a series over the batch size."""
    groups: dict[tuple[str, int, str], dict[int, dict[str, Any]]] = {}
    for row in rows:
        if "skipped" not in row and row["dtype"] == "float32" and " K=10 C=2 " in row["case"]:
            groups.setdefault((row["op"], row.get("threads", 0), row["device"]), {})[row["batch"]] = row
    for key, by_batch in groups.items():
        yield key, [by_batch[batch] for batch in sorted(by_batch)]


def _curves(
    rows: list[dict[str, Any]], ending: str, value: Callable[[dict[str, Any], str], float | None]
) -> Iterator[tuple[str, list[int], list[float]]]:
    """For each contender the batch sizes at which it was measured, and the values there."""
    for contender in CONTENDERS:
        points = [(row["batch"], found) for row in rows if (found := value(row, contender + ending)) is not None]
        if points:
            yield contender, [batch for batch, _ in points], [found for _, found in points]


def _speedup(axes: Any, rows: list[dict[str, Any]], ending: str, baselines: dict[str, Any] | None) -> None:
    for contender, batches, ratios in _curves(rows, ending, lambda row, name: row["speedup"].get(name)):
        if contender != _OURS:
            axes.plot(batches, ratios, "o-", color=_COLOURS[contender], label=f"{contender} / infogan_fast")
    axes.axhline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylabel("times as long as infogan_fast")


def _roofline(axes: Any, rows: list[dict[str, Any]], ending: str, baselines: dict[str, Any] | None) -> None:
    def achieved(row: dict[str, Any], name: str) -> float | None:
        microseconds = row["microseconds"].get(name)
        return None if microseconds is None else row["bytes"] / microseconds / 1e3

    for contender, batches, gigabytes in _curves(rows, ending, achieved):
        axes.plot(batches, gigabytes, "o-", color=_COLOURS[contender], label=contender)
    if baselines is not None:
        copy = baselines["copy_bytes_per_second"] / 1e9
        axes.axhline(copy, color="black", linestyle="--", label="large copy")
    else:
        copies = [row["copy_bytes_per_second"] / 1e9 for row in rows]
        axes.plot([row["batch"] for row in rows], copies, "k--", label="copy of as many bytes")
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_ylabel("GB/s of what has to be read and written")


def _time_to_result(plt: ModuleType, results: dict[str, Any], path: Path) -> Path:
    figure, both = plt.subplots(1, 2, figsize=(10.0, 4.5), layout="constrained")
    trainers = list(dict.fromkeys(run["trainer"] for run in results["runs"]))
    for axes, key, level, label in zip(
        both,
        ("mi_bound_nats", "accuracy"),
        (results["bound_nats"], results["accuracy"]),
        ("L_I of the categorical code, nats", "accuracy on held-out images"),
        strict=True,
    ):
        for run in results["runs"]:
            points = [(point["seconds"], point[key]) for point in run["curve"] if point[key] is not None]
            first = all(other["seed"] == run["seed"] for other in results["runs"][: results["runs"].index(run)])
            axes.plot(
                [seconds for seconds, _ in points],
                [value for _, value in points],
                ".-",
                color=f"C{trainers.index(run['trainer'])}",
                label=run["trainer"] if first else None,
                alpha=0.8,
            )
        axes.axhline(level, color="black", linewidth=0.8, linestyle="--")
        axes.set_xlabel("seconds of training")
        axes.set_ylabel(label)
        axes.set_xlim(left=0.0)
        axes.set_ylim(bottom=0.0)
        axes.grid(True, alpha=0.3)
    both[0].legend()
    return _save(plt, figure, path)


def _save(plt: ModuleType, figure: Any, path: Path) -> Path:
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path
