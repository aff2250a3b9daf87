"""Cases of the ops, their measurement on the CPU, and the memory that a contender takes."""

import json
from functools import partial

import pytest
import torch

import infogan_fast as ig
from infogan_fast.bench import cpu_ops, memory, timing
from infogan_fast.bench.cases import CASES, LARGE, Case, contenders, sweep

TINY = Case("info_loss", ig.LatentSpec(2, (3,), 1), 8, compiled=False)


def test_the_sweep_covers_what_it_is_to_cover():
    cases = sweep()
    loss = [case for case in cases if case.op == "info_loss"]
    assert {64, 128, 4096, 65_536, 1_048_576} <= {case.batch for case in cases}
    assert {2, 10, 100, 1000, 32_000} <= {k for case in loss for k in case.spec.categorical}
    assert {1, 3, 10} <= {len(case.spec.categorical) for case in loss}
    assert {0, 2, 16, 64} <= {case.spec.continuous for case in loss}
    assert {case.dtype for case in loss} == {torch.float32, torch.bfloat16, torch.float16}
    assert LARGE.name in {case.name for case in cases}


@pytest.mark.parametrize(
    "case", [case for case in sweep() if case.batch <= 4096 and case.bytes_moved < 2**24], ids=lambda case: case.name
)
def test_every_small_case_runs(case):
    for name, function in contenders(Case(case.op, case.spec, 4, case.dtype, compiled=False)):
        function()
        assert name in ("eager reference", "infogan_fast")


def test_a_row_is_json(capsys):
    sampler = Case("sample_latents", TINY.spec, 8, compiled=False)
    before = torch.get_num_threads()
    values = cpu_ops.measure_and_print([TINY, sampler], [1, 2], 2, 100.0)
    assert torch.get_num_threads() == before
    rows = json.loads(json.dumps(values))["rows"]
    assert [(row["op"], row["threads"]) for row in rows] == [
        ("info_loss", 1),
        ("sample_latents", 1),
        ("info_loss", 2),
        ("sample_latents", 2),
    ]
    for row in rows:
        assert row["rounds"] == 2
        assert row["speedup"]["infogan_fast"] == 1.0
        assert row["copy_bytes_per_second"] > 0
        for key in ("microseconds", "speedup", "bytes_per_second_of_copy", "peak_bytes"):
            assert set(row[key]) == {"eager reference", "infogan_fast"}
            assert all(value > 0 for value in row[key].values())
    printed = capsys.readouterr().out.splitlines()
    assert len([line for line in printed if "(1.00x)" in line]) == 4


def test_what_does_not_fit_or_comes_too_late_is_skipped(monkeypatch, capsys):
    monkeypatch.setattr(cpu_ops, "memory_limit", lambda: 10)
    row = cpu_ops.row_of(TINY, 1, 3)
    assert "skipped" in row
    assert "GiB" in cpu_ops.line_of(row)
    (late,) = cpu_ops.results([1], 3, [TINY], budget=-1.0)
    assert late["skipped"] == "budget"
    assert "skipped: budget" in cpu_ops.line_of(late)


def test_bytes_that_have_to_be_moved():
    head, gradient, codes = 14 * 4, 14 * 4, 8 + 2 * 4
    assert CASES[0].bytes_moved == 128 * (head + gradient + codes) + 4 + 4


def test_peak_memory():
    def function():
        first = torch.empty(1000, dtype=torch.uint8)
        second = torch.empty(5000, dtype=torch.uint8)
        del first, second
        torch.empty(2000, dtype=torch.uint8)

    assert memory.peak_bytes(function, "cpu") == 6000


def test_the_reference_needs_more_memory_than_the_op():
    ours, reference = (dict(contenders(CASES[1]))[name] for name in ("infogan_fast", "eager reference"))
    assert 0 < memory.peak_bytes(ours, "cpu") < memory.peak_bytes(reference, "cpu")


def test_rounds_are_interleaved_and_cut_where_they_take_long():
    order = []
    functions = {"a": lambda: order.append("a"), "b": lambda: order.append("b")}
    seconds, rounds = timing.interleaved(functions, 20, 1e-9, 100.0)
    assert rounds == 20
    each_round = {tuple(order[-80:][begin : begin + 4]) for begin in range(0, 80, 4)}
    assert each_round == {("a", "a", "b", "b"), ("b", "b", "a", "a")}  # not always in the same order
    assert list(seconds) == ["a", "b"]
    assert timing.interleaved(functions, 50, 1e-9, 0.0)[1] == 3


def test_a_sample_begins_with_a_call_that_is_not_timed(monkeypatch):
    def slow_after_another(name):
        clock[0] += 0.001 if last[0] == name else 5.0
        last[0] = name

    clock, last = [0.0], [""]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    functions = {name: partial(slow_after_another, name) for name in ("a", "b")}
    seconds, _ = timing.interleaved(functions, 3, 1e-9, 100.0)
    assert seconds == {"a": pytest.approx(0.001), "b": pytest.approx(0.001)}


def test_the_first_call_does_not_count(monkeypatch):
    took = iter((5.0, 0.001))

    def compiles_first():
        clock[0] += next(took, 0.001)

    clock = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: clock[0])
    assert timing.calls_per_sample(compiles_first, 0.01) == 10
