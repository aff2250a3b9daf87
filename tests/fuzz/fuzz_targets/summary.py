"""``summary.json`` of a run folder, and the figures that the report takes from it."""

import json

from harness import Target
from json_mutator import DEEP, LONG, mutated_json, text_of

from fuzz_targets import tiny_run
from fuzz_targets.placing import write
from infogan_fast.evaluation import headlines
from infogan_fast.runs.folder import RunFolder


def _place(content, folder):
    write(folder / "run" / "config.json", tiny_run.file("config.json"))
    return write(folder / "run" / "summary.json", content)


def _read(path):
    summary = RunFolder(path.parent).read_summary()
    assert isinstance(summary, dict)
    headlines.code_metrics(summary)
    headlines.accuracy_headlines(summary)
    headlines.other_headlines(summary)
    headlines.why_no_accuracy(summary)
    headlines.why_no_image_quality(summary)
    assert all(isinstance(name, str) for name in summary["pictures"]), f"pictures: {summary['pictures']!r}"


def _seeds():
    return {"run.json": tiny_run.file("summary.json")}


def _damaged():
    summary = json.loads(tiny_run.file("summary.json"))
    changes = {
        "a-figure-that-is-a-text": {"mi_bound_nats": ["high", "low"]},
        "a-figure-beyond-floats": {"mi_bound_nats": [10**400, 0.5]},
        "an-interval-of-one-end": {"mi_bound_ci_nats": [[0.5], [0.5]]},
        "figures-fewer-than-codes": {"entropy_nats": []},
        "accuracies-that-are-a-number": {"accuracy_per_code": 1},
        "quality-that-is-a-list": {"image_quality": [0.5]},
        "disentanglement-without-scores": {"disentanglement": {"factors": []}},
        "pictures-that-are-numbers": {"pictures": [1]},
        "pictures-nested-3000-deep": {"pictures": DEEP},
    }
    files = {name: text_of({**summary, **change}).encode() for name, change in changes.items()}
    tops = {"no-figures": {}, "a-list": [summary], "nested-3000-deep": DEEP, "a-number-of-5000-digits": LONG}
    files |= {name: text_of(value).encode() for name, value in tops.items()}
    return {**files, "not-text": b"\xff\xfe\x00{", "empty": b""}


TARGET = Target("summary", _place, _read, _seeds, _damaged, mutated_json, max_length=20_000)
