"""The training steps, eager, under pytest-benchmark: `pytest benchmarks`."""

import pytest
import torch

from infogan_fast.bench.steps import jobs, settings
from infogan_fast.data import load

SETTINGS = settings("cpu")


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
@pytest.mark.parametrize("contender", ["infogan_fast", "form A", "form B"])
def test_step(benchmark, setting, contender):
    torch.set_num_threads(1)
    benchmark.group = setting.name
    job = dict(jobs(setting, load("mnist5k"), compiled=False))[contender]
    job()
    benchmark(job)
