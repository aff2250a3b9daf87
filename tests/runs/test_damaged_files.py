"""Damaged files of a run, and weights that are not finite: each ends in one line that names the file and the key."""

import json

import pytest
import torch
from hostile import CONTENTS, VALUES, with_values
from tiny_run import SHORT, files_of, train_command

from infogan_fast.report import curves as report_curves
from infogan_fast.runs.checkpoint import checkpoints, load_checkpoint, save_checkpoint
from infogan_fast.runs.errors import RunFolderError
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.report import write_report
from infogan_fast.training import ConfigError, TrainConfig


@pytest.fixture(autouse=True)
def _no_time_for_drawing(monkeypatch):
    monkeypatch.setattr(report_curves, "_draw", lambda *_: '<svg viewBox="0 0 1 1"></svg>')


def resume(out, images):
    return train_command(out, images, *SHORT, "--steps=8")[3:]


def one_line(path, use):
    """The message of a file that is refused, or None."""
    try:
        use()
    except RunFolderError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "\n" not in message
        assert len(message) < 1500
        message.encode()  # it can be printed
        return message
    return None


@pytest.mark.parametrize("name", ["config.json", "summary.json", "metrics.jsonl"])
def test_files_that_are_wrong_as_a_whole(out, name):
    folder = RunFolder(out)
    read = {
        "config.json": folder.read_config,
        "summary.json": folder.read_summary,
        "metrics.jsonl": lambda: folder.read_metrics(2),
    }[name]
    for content in CONTENTS:
        (out / name).write_bytes(content)
        message = one_line(out / name, read)
        assert (message is None) == (name == "metrics.jsonl"), content[:30]  # there it is a line that was cut off
        if name == "metrics.jsonl" and content:
            (out / name).write_bytes(content + b"\n")
            assert one_line(f"{out / name}, line 1: ", read) is not None


def test_every_value_of_the_settings_is_looked_at(out):
    folder, path = RunFolder(out), out / "config.json"
    config = json.loads(path.read_text())
    for _, text in with_values(config):
        path.write_text(text)
        for use in (folder.read_config, folder.read_about, folder.read_threads):
            one_line(path, use)
    for key in config["settings"]:
        for hostile in VALUES:
            text = json.dumps({**config, "settings": {**config["settings"], key: "HERE"}})
            path.write_text(text.replace('"HERE"', hostile))
            message = one_line(path, folder.read_config)
            if message is not None and "not JSON" not in message and "deeply" not in message:
                assert f"settings: {key}" in message or "at least one code" in message or "continuous_" in message


def test_every_value_of_the_summary_is_looked_at(out):
    folder, path = RunFolder(out), out / "summary.json"
    summary = json.loads(path.read_text())
    for _, text in with_values(summary):
        path.write_text(text)
        if one_line(path, folder.read_summary) is None:
            write_report(folder)
    for part in ("image_quality", "accuracy_per_code", "real_codes", "findings"):
        inner = summary[part][0] if isinstance(summary[part], list) else summary[part]
        for _, text in with_values(inner):
            value = f"[{text}]" if isinstance(summary[part], list) else text
            path.write_text(json.dumps({**summary, part: "HERE"}).replace('"HERE"', value))
            if one_line(path, folder.read_summary) is None:
                write_report(folder)


def test_every_value_of_a_line_of_metrics_is_looked_at(out, images, command):
    folder, path = RunFolder(out), out / "metrics.jsonl"
    first = path.read_text().splitlines()[0]
    for _, text in with_values(json.loads(first)):
        path.write_text(f"{first}\n{text}\n")
        message = one_line(f"{path}, line 2: ", lambda: folder.read_metrics(2))
        if message is None:
            write_report(folder)
    longer = json.dumps({**json.loads(first), "mi_bound_nats": [0.5] * 3})
    path.write_text(f"{first}\n{longer}\n")
    assert "line 2: mi_bound_nats: got 3 values, allowed: 2" in one_line(path, lambda: folder.read_metrics(2))
    path.write_text(f"{first}\n{'[' * 1000}\n")
    code, _, error = command(*resume(out, images))  # which drops what cannot be read
    assert code == 0, error
    assert len(folder.read_metrics(2)) == 3


@pytest.mark.parametrize("data", ["", "a\0b", "\ud800", 3, None])
def test_a_name_of_data_that_no_system_takes(data):
    with pytest.raises(ConfigError, match=r"^data: got .*, allowed: a name, or a path$"):
        TrainConfig(data=data)


def test_settings_of_networks_that_no_memory_holds(command, out):
    config = json.loads((out / "config.json").read_text())
    config["settings"]["width"] = 64.0
    config["settings"]["categorical"] = [65536] * 1000
    (out / "config.json").write_text(json.dumps(config))
    code, _, error = command("evaluate", out)
    assert code == 2
    assert "its weights are not those of the configured networks" in error


def spoil(out, value, part=""):
    """Put a value into the last checkpoint, behind a right checksum."""
    path = checkpoints(out / "checkpoints")[-1]
    tensors, scalars = load_checkpoint(path, torch.device("cpu"))
    for name, tensor in tensors.items():
        if name.startswith(part) and tensor.is_floating_point() and tensor.numel():
            tensor.view(-1)[-1] = value
    path.unlink()
    save_checkpoint(path.parent, scalars.pop("step"), tensors, scalars)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("part", ["model.", "generator_optimizer."])
def test_weights_that_are_not_finite(command, out, images, value, part):
    spoil(out, value, part)
    last = checkpoints(out / "checkpoints")[-1]
    uses = [resume(out, images)] + ([["evaluate", out], ["traverse", out]] if part == "model." else [])
    before = files_of(out)
    for words in uses:
        code, printed, error = command(*words)
        assert code == 1
        assert error.startswith(f"error: {last}: the model is not finite: {part}")
        assert error.count("\n") == 1
        assert "nan" not in printed
    assert files_of(out) == before
