"""Checkpoints: as ``evaluate`` reads them, and as a run that is continued checks them before it restores anything."""

import functools
import hashlib
import json
import math
import re
import tempfile
from pathlib import Path

import torch
from harness import Target
from json_mutator import DEEP, LONG, mutated_json, text_of

from fuzz_targets import tiny_run
from fuzz_targets.placing import write
from infogan_fast.runs.checkpoint import (
    Best,
    best_of,
    entry,
    load_checkpoint,
    load_networks,
    save_checkpoint,
)
from infogan_fast.runs.resume import check_same_run
from infogan_fast.training.networks import build_networks

_NAME, _STEP = "step_00000002.safetensors", 2
_KEY = "infogan_fast"
_CPU = torch.device("cpu")
_CHECKSUM = re.compile(rb'"sha256":"[0-9a-f]{64}"')


def _place(content, folder):
    return write(folder / "checkpoints" / _NAME, content)


def _read(path):
    tensors, scalars = load_checkpoint(path, _CPU)
    assert all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    assert isinstance(scalars, dict)
    step = entry(scalars, "step", path)
    assert type(step) is int, f"step: {step!r}"
    assert 0 <= step < 2**63, f"step: {step!r}"
    best = best_of(scalars)
    assert best is None or (type(best.step) is int and best.step >= 0 and math.isfinite(best.score)), f"best: {best}"
    if scalars["settings"]:  # else it is not of a run
        check_same_run(scalars, path, tiny_run.CONFIG, tiny_run.images(), _sha256())
        load_networks(_networks(), "model", tensors, path)


@functools.cache
def _sha256():
    return tiny_run.images().sha256()


@functools.cache
def _networks():
    return build_networks(tiny_run.CONFIG, tiny_run.images().image_shape)


def _seeds():
    tensors = {
        "a": torch.arange(6.0).reshape(2, 3),
        "whole": torch.tensor([1, -1]),
        "half": torch.ones(2, dtype=torch.bfloat16),
        "empty": torch.zeros(0, 4),
        "scalar": torch.tensor(3.5),
    }
    scalars = {
        "seconds": 1.5,
        "last_log": [2, 1.5],
        "shape": [1, 4, 4],
        "networks": {},
        "value_range": [0.0, 1.0],
        "labels_sha256": None,
        "metrics": ["a_loss"],
        "images": 12,
        "images_sha256": "0" * 64,
        "settings": {},
    }
    seeds = {"run": tiny_run.file(_NAME)}
    with tempfile.TemporaryDirectory() as folder:
        for name, held, best in (("few", tensors, None), ("best", tensors, Best(1, 0.5)), ("none", {}, None)):
            seeds[name] = save_checkpoint(Path(folder) / name, _STEP, held, scalars, best=best).read_bytes()
    return {f"{name}.safetensors": content for name, content in seeds.items()}


def _damaged():
    run, no_tensors = tiny_run.file(_NAME), _seeds()["none.safetensors"]
    scalars = {
        "step-of-minus-5": {"step": -5},
        "step-that-is-a-text": {"step": "two"},
        "step-beyond-64-bits": {"step": 2**70},
        "step-of-5000-digits": {"step": LONG},
        "step-that-is-a-truth-value": {"step": True},
        "best-that-is-an-object": {"best": {}},
        "best-at-minus-5": {"best": [-5, 0.5]},
        "best-without-end": {"best": [float("inf"), 0.5]},
        "best-that-is-not-a-number": {"best": [2, float("nan")]},
        "best-beyond-floats": {"best": [2, 10**400]},
        "shape-that-is-a-number": {"shape": 4},
        "shape-of-texts": {"shape": ["a", "b", "c"]},
        "shape-beyond-64-bits": {"shape": [1, 2**70, 4]},
        "number-of-images-that-is-a-text": {"images": "many"},
        "settings-that-are-a-list": {"settings": []},
        "settings-that-are-a-number": {"settings": 5},
        "settings-nested-3000-deep": {"settings": DEEP},
        "format-that-is-a-list": {"format": [3]},
        "format-of-two-lines": {"format": "two\nlines"},
    }
    files = {name: with_scalars(run, lambda old, c=change: text_of({**old, **c})) for name, change in scalars.items()}
    texts = {"scalars-nested-3000-deep": DEEP, "scalars-that-are-a-list": [1], "scalars-that-are-a-text": "format"}
    files |= {name: with_scalars(no_tensors, lambda old, v=value: text_of(v)) for name, value in texts.items()}
    renamed = run.replace(
        b"model.generator.layers.1.num_batches_tracked", b"model.generator.\\n\\u001b[2J.num_batch_trackd", 1
    )
    few = _seeds()["few.safetensors"]
    few = (int.from_bytes(few[:8], "little") + 18).to_bytes(8, "little") + few[8:]  # what the next change adds
    return {
        **files,
        "tensor-with-a-side-beyond-64-bits": sealed(
            few.replace(b'"shape":[0,4]', b'"shape":[0,9223372036854775808]', 1)
        ),
        "header-longer-than-the-file": (2**40).to_bytes(8, "little") + run[8:],
        "header-of-2-to-the-64": b"\xff" * 8 + run[8:],
        "name-of-a-tensor-of-two-lines": sealed(renamed),
        "cut-off": run[:-9],
        "empty": b"",
    }


def with_scalars(content, change):
    """A checkpoint whose scalars, which are JSON in its header's JSON, are ``change(scalars)``, a text."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    header["__metadata__"][_KEY] = change(json.loads(header["__metadata__"][_KEY]))
    text = json.dumps(header, separators=(",", ":")).encode()
    return sealed(len(text).to_bytes(8, "little") + text + content[8 + length :])


def sealed(content):
    """A checkpoint with the checksum of its content, if there is a place for it: damage that was done on purpose."""
    return _CHECKSUM.sub(
        b'"sha256":"%s"' % hashlib.sha256(_CHECKSUM.sub(b'"sha256":"%s"' % (b"0" * 64), content)).hexdigest().encode(),
        content,
    )


def _mutate(content, random, raw):
    """The header changed and its length mended: the scalars, the tensors' names, types, shapes and places, or bytes."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 8 + length or random.random() < 0.1:
        return raw(content)
    text, body = content[8 : 8 + length], content[8 + length :]
    header = json.loads(text)
    scalars = header["__metadata__"][_KEY]
    match random.randrange(6):
        case 0:
            text = raw(text)
        case 1 if len(header) > 1:
            name = random.choice([name for name in header if name != "__metadata__"])
            changed = mutated_json(json.dumps(header[name]).encode(), random, raw)
            text = json.dumps({**header, name: 0}, separators=(",", ":")).encode()
            text = text.replace(json.dumps(name).encode() + b":0", json.dumps(name).encode() + b":" + changed)
        case 2:
            body = raw(body) if body else b"\0"
        case _:
            changed = mutated_json(scalars.encode("utf-8", "surrogatepass"), random, raw)
            header["__metadata__"][_KEY] = changed.decode("utf-8", "replace")
            text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    content = len(text).to_bytes(8, "little") + text + body
    return content if random.random() < 0.1 else sealed(content)


TARGET = Target(
    "checkpoint", _place, _read, _seeds, _damaged, _mutate, max_length=64_000, also_named=(tiny_run.images().name,)
)
