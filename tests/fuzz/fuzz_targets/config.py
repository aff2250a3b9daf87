"""``config.json`` of a run folder."""

import dataclasses
import json

from harness import Target
from json_mutator import DEEP, LONG, mutated_json, text_of

from fuzz_targets import tiny_run
from fuzz_targets.placing import write
from infogan_fast.runs.folder import RunFolder
from infogan_fast.training import PRESETS, TrainConfig, preset


def _place(content, folder):
    return write(folder / "run" / "config.json", content)


def _read(path):
    folder = RunFolder(path.parent)
    config = folder.read_config()
    assert isinstance(config, TrainConfig)
    assert TrainConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    about, threads = folder.read_about(), folder.read_threads()
    assert isinstance(about, dict)
    assert "settings" not in about
    assert threads is None or type(threads) is int


def _seeds():
    seeds = {"tiny.json": (tiny_run.CONFIG, tiny_run.ABOUT), "no-more.json": (TrainConfig(), {})}
    for name in PRESETS:
        seeds[f"{name}.json"] = (preset(name), tiny_run.ABOUT)
    seeds["learned.json"] = (dataclasses.replace(TrainConfig(), variance="learned", categorical=()), {})
    return {
        name: json.dumps({"settings": config.to_json(), **about}).encode() for name, (config, about) in seeds.items()
    }


def _damaged():
    settings = tiny_run.CONFIG.to_json()
    changes = {
        "a-number-beyond-floats": {"width": 10**400},
        "a-number-of-5000-digits": {"seed": LONG},
        "lists-nested-3000-deep": {"categorical": DEEP},
        "categories-of-lists": {"categorical": [[2]]},
        "data-with-a-zero-byte": {"data": "x\0y"},
        "data-that-is-no-text": {"data": "\ud800"},
        "networks-that-are-a-list": {"networks": []},
        "betas-that-are-an-object": {"betas": {"0": 0.5, "1": 0.9}},
        "parts-that-are-lists": {"information_gradient": [["head"], {}]},
        "a-setting-of-two-lines": {"two\nlines": 1},
        "a-value-of-two-lines": {"device": "two\x1b[2J\nlines"},
        "not-a-number": {"learning_rate_head": float("nan")},
    }
    files = {
        name: text_of({"settings": {**settings, **change}}).encode("utf-8", "surrogatepass")
        for name, change in changes.items()
    }
    tops = {
        "threads-that-are-a-text": {"settings": settings, "threads": "2"},
        "settings-that-are-a-list": {"settings": list(settings.items())},
        "a-list": [settings],
        "nested-3000-deep": DEEP,
    }
    files |= {name: text_of(value).encode() for name, value in tops.items()}
    return {
        **files,
        "not-text": b"\xff\xfe\x00{",
        "utf-16": text_of({"settings": settings}).encode("utf-16"),
        "empty": b"",
    }


TARGET = Target("config", _place, _read, _seeds, _damaged, mutated_json, max_length=20_000)
