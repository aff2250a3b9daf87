"""results.json of gpu_check as a short table."""

from __future__ import annotations

from typing import Any

_SHOWN = ("eager reference", "compiled reference", "infogan_fast", "infogan_fast, compiled")
_IN_GRAPH = ", CUDA graph"


def table(results: dict[str, Any]) -> str:
    """Markdown: where, how each part ended, the times of the ops, the training's throughput."""
    parts = {part["name"]: part for part in results["parts"]}
    lines = [
        f"# {results['device'] or 'No GPU'}",
        "",
        f"Driver {results['driver']}, torch {results['torch']}, CUDA {results['cuda']}, Python {results['python']}, "
        f"{results['seconds']:.0f} s in all.",
        "",
        "| part | commit | status | seconds | |",
        "|---|---|---|---|---|",
        *(
            f"| {part['name']} | {part['commit']} | {part['status']} | {part['seconds']:.0f} | {_remark(part)} |"
            for part in parts.values()
        ),
    ]
    details = parts.get("operations", {}).get("details", {})
    if details.get("rows"):
        lines += ["", *_operations(details)]
    details = parts.get("training", {}).get("details", {})
    if details:
        lines += ["", *_training(details)]
    details = parts.get("steps", {}).get("details", {})
    if details.get("steps"):
        lines += ["", *_steps(details)]
    return "\n".join(lines) + "\n"


def _remark(part: dict[str, Any]) -> str:
    details = part.get("details", {})
    if part["name"] == "tests" and "passed" in details:
        counts = f"{details['passed']} passed, {details['failed']} failed, {details['skipped']} skipped"
        return counts if part["reason"] is None else f"{counts}; {_cell(part['reason'])}"
    if part["reason"] is None and part["name"] == "sanitizers":
        return "; ".join(f"{name}: {tool['summary']}" for name, tool in details.items())
    return _cell(part["reason"] or "")


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("\n", " ")[:200]


def _operations(details: dict[str, Any]) -> list[str]:
    best = details["baselines"]
    lines = [
        f"Microseconds per call, by itself / within a CUDA graph; forward and backward for the loss. A copy moves "
        f"{best['copy_bytes_per_second'] / 1e12:.2f} TB/s (read and written); an empty kernel takes "
        f"{best['empty_kernel_microseconds']:.1f} by itself, {best['empty_kernel_within_a_graph_microseconds']:.1f} "
        "within a graph. Of copy: the bytes that the op has to move, per second of infogan_fast within a graph, as a "
        "share of the copy's; L2 where they fit the cache.",
        "",
        f"| case | {' | '.join(_SHOWN)} | of copy |",
        "|---" * (len(_SHOWN) + 2) + "|",
    ]
    for row in details["rows"]:
        if "skipped" in row:
            lines.append(f"| {row['case']} | {_cell(row['skipped'])} |" + " |" * len(_SHOWN))
            continue
        times = row["microseconds"]
        cells = [f"{_number(times.get(name))} / {_number(times.get(name + _IN_GRAPH))}" for name in _SHOWN]
        share = row["bytes_per_second_of_copy"].get("infogan_fast" + _IN_GRAPH)
        of_copy = "-" if share is None else "L2" if row["fits_l2"] else f"{share:.0%}"
        lines.append(f"| {row['case']} | {' | '.join(cells)} | {of_copy} |")
    return lines


def _training(details: dict[str, Any]) -> list[str]:
    speeds = [
        f"{kind} {details[kind]['images_per_second']:.0f} images/s" for kind in ("eager", "compiled") if kind in details
    ]
    note = f" ({details['note']})" if details.get("note") else ""
    return [f"Training, width {details['width']:g}, batch {details['batch_size']}: {', '.join(speeds)}{note}."]


def _steps(details: dict[str, Any]) -> list[str]:
    """A line per contender: images per second, and how many times as long as ours."""
    lines = ["| step | images/s | times as long |", "|---|---|---|"]
    for row in details["steps"]:
        for name, speed in row["images_per_second"].items():
            lines.append(f"| {row['setting']}: {name} | {speed:,.0f} | {row['speedup'][name]:.2f}x |")
    return lines


def _number(microseconds: float | None) -> str:
    return "-" if microseconds is None else f"{microseconds:.1f}"
