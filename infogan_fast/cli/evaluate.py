"""``infogan-fast evaluate``."""

from __future__ import annotations

import json

import typer
from rich.console import Console

from infogan_fast.cli import options
from infogan_fast.cli.console import paths_console, print_summary
from infogan_fast.cli.download_progress import download_progress_on
from infogan_fast.runs.evaluate import evaluate_run, report_evaluation
from infogan_fast.runs.folder import RunFolder


def evaluate(
    run: options.Run,
    data: options.OtherData = None,
    device: options.OtherDevice = None,
    checkpoint: options.Checkpoint = "last",
    fid: options.Fid = False,
    as_json: options.AsJson = False,
    report: options.Report = False,
) -> None:
    """Show what the codes of a trained run learned: L_I in nats, R2, and accuracy on real images (0 to 100 %).

    Also how close the images come to real ones and, where the factors of the images are known, whether each code stands
    for one of them (scores from 0 to 1).

    --data gives other images than the run's own: the matching of categories to classes is
    fitted on their training part.
    """
    console = paths_console()
    with download_progress_on(Console(stderr=True) if as_json else console) as download:
        metrics = evaluate_run(RunFolder(run), data, device, checkpoint, download, fid)
    if as_json:
        typer.echo(json.dumps(metrics, indent=2))
    else:
        for note in metrics["data_notes"]:
            console.print(note, soft_wrap=True)
        print_summary(console, metrics)
    if report:
        path = report_evaluation(RunFolder(run), metrics, data, device, checkpoint)
        typer.echo(f"report: {path}", err=as_json)
