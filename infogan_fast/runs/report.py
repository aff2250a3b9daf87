"""Writing the reports of a run into its folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from infogan_fast.files import write_atomically
from infogan_fast.report.page import MAX_PICTURES, Checkpoint, RunRecord, report_page
from infogan_fast.runs.files import read_picture
from infogan_fast.runs.folder import RunFolder


def write_report(folder: RunFolder) -> Path:
    """Write ``report.html`` of a finished run.

    Args:
        folder: of the run.

    Returns:
        The file.

    Raises:
        RunFolderError: ``config.json`` or ``summary.json`` is missing, or one of the run's files is damaged.
        WriteError: the file cannot be written, as on a full disk.
    """
    summary = folder.read_summary()
    names = summary["pictures"]
    pictures = {Path(name).name: folder.read_picture(name) for name in names[:MAX_PICTURES]}
    path = folder.path / "report.html"
    write_atomically(path, report_page(_read(folder, summary), summary, pictures, len(names[MAX_PICTURES:])))
    return path


def write_evaluation_report(
    folder: RunFolder, results: dict[str, Any], pictures: Sequence[Path], checkpoint: Checkpoint
) -> Path:
    """Write a report of a checkpoint beside the run's own.

    Args:
        folder: of the run.
        results: as ``evaluate_run`` gives them.
        pictures: of the same weights, named as ``write_traversals`` names them.
        checkpoint: which.

    Returns:
        The file: ``report-last.html`` or ``report-best.html``, or with other data ``report-last-on-NAME.html``.

    Raises:
        RunFolderError, WriteError: as ``write_report``; a run that has not finished needs no ``summary.json``.
    """
    run = _read(folder, folder.read_summary() if folder.has_summary else None)
    shown = {picture.name: read_picture(picture) for picture in pictures[:MAX_PICTURES]}
    on_data = "" if checkpoint.data is None else f"-on-{_short_name(checkpoint.data)}"
    path = folder.path / f"report-{checkpoint.which}{on_data}.html"
    write_atomically(path, report_page(run, results, shown, len(pictures[MAX_PICTURES:]), checkpoint))
    return path


def _read(folder: RunFolder, summary: dict[str, Any] | None) -> RunRecord:
    config = folder.read_config()
    return RunRecord(folder.path, config, folder.read_about(), folder.read_metrics(config.spec.num_codes), summary)


def _short_name(data: str) -> str:
    """A name for files about some data: of a path its last part and a hash, as folders of one name are many."""
    name = re.sub(r"[^A-Za-z0-9._]+", "-", Path(data).name).strip("-.")[:40]
    if Path(data).name == data:
        return name
    digest = hashlib.sha256(data.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return f"{name}-{digest}" if name else digest
