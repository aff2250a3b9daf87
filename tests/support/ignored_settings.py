"""A pytest plugin under which the setting that a test is named after is ignored, and the test has to fail.

``pytest -p ignored_settings tests/training/test_every_setting*.py`` passes if every one of them notices.
"""

import dataclasses

import pytest

from infogan_fast.training import TrainConfig


@pytest.fixture(autouse=True)
def _ignored(request, monkeypatch, make_config):
    name = request.function.__name__.removeprefix("test_")
    if name not in {field.name for field in dataclasses.fields(TrainConfig)}:
        pytest.skip("is not about one setting")
    usual = getattr(make_config(), name)
    monkeypatch.setattr(TrainConfig, name, property(lambda _: usual, lambda *_: None), raising=False)
    request.node.add_marker(pytest.mark.xfail(strict=True, reason="the setting is ignored"))
