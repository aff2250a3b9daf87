"""The same cases under pytest-benchmark: `pytest benchmarks`."""

import pytest
import torch

from infogan_fast.bench.cases import CASES, CONTENDERS, contenders


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("contender", CONTENDERS)
def test_op(benchmark, case, contender):
    torch.compiler.reset()
    torch.set_num_threads(1)
    benchmark.group = case.name
    function = dict(contenders(case))[contender]
    function()
    benchmark(function)
