"""``metrics.jsonl`` of a run folder."""

import math

from harness import Target
from json_mutator import DEEP, LONG, mutated_json, text_of

from fuzz_targets import tiny_run
from fuzz_targets.placing import write
from infogan_fast.runs.folder import RunFolder


def _place(content, folder):
    write(folder / "run" / "config.json", _config())
    return write(folder / "run" / "metrics.jsonl", content)


def _config():
    return tiny_run.file("config.json")


def _read(path):
    for line in RunFolder(path.parent).read_metrics(tiny_run.CONFIG.spec.num_codes):
        assert isinstance(line, dict)
        assert math.isfinite(line["step"]), f"step: {line['step']!r}"


def _seeds():
    lines = tiny_run.file("metrics.jsonl")
    return {"run.jsonl": lines, "line.jsonl": lines.splitlines(keepends=True)[0]}


def _mutate(content, random, raw):
    lines = content.splitlines(keepends=True)
    if not lines or random.random() < 0.2:
        return raw(content)
    at = random.randrange(len(lines))
    match random.randrange(8):
        case 0:
            del lines[at]
        case 1:
            lines.insert(at, random.choice(lines))
        case 2:
            lines[at] = lines[at].rstrip(b"\n")
        case _:
            lines[at] = mutated_json(lines[at], random, raw) + b"\n"
    return b"".join(lines)


def _damaged():
    lines = {
        "step-that-is-a-text": {"step": "1"},
        "step-that-is-a-list": {"step": [1]},
        "step-that-is-an-object": {"step": {}},
        "step-beyond-floats": {"step": 10**400},
        "step-without-end": {"step": float("inf")},
        "step-that-is-not-a-number": {"step": float("nan")},
        "step-of-5000-digits": {"step": LONG},
        "nested-3000-deep": {"step": 1, "loss": DEEP},
        "a-list": [1],
        "a-number": 1,
    }
    files = {name: text_of(line).encode() + b"\n" for name, line in lines.items()}
    return {
        **files,
        "not-text": b"\xff\xfe\x00{\n",
        "no-end": b'{"step": 1}',
        "two-on-a-line": b'{"step": 1}{"step": 2}\n',
    }


TARGET = Target("metrics", _place, _read, _seeds, _damaged, _mutate, max_length=20_000)
