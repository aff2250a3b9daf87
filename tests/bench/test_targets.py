"""Whether targets count as met, on made-up figures."""

import pytest

from infogan_fast.bench import targets
from infogan_fast.bench.cases import CASES, LARGE
from infogan_fast.bench.names import FORM_A, FORM_A_COMPILED, OURS, PLAIN_JOB
from infogan_fast.bench.targets import Judged, judge


def op(case=CASES[0], threads=1, eager=8.0, compiled=4.0, share=0.5):
    return {
        "case": case.name,
        "op": case.op,
        "batch": case.batch,
        "head_dim": case.spec.head_dim(),
        "device": "cpu",
        "dtype": "float32",
        "threads": threads,
        "speedup": {"eager reference": eager, "compiled reference": compiled, "infogan_fast": 1.0},
        "bytes_per_second_of_copy": {"infogan_fast": share},
    }


def step(setting="paper's net, B=128", device="cpu", **milliseconds):
    times = {OURS: 10.0, FORM_A: 15.0, FORM_A_COMPILED: 13.0, **milliseconds}
    row = {"setting": setting, "device": device, "threads": 2, "milliseconds": times}
    return row | {"images_per_second": {name: 128e3 / value for name, value in times.items()}}


@pytest.mark.parametrize(
    ("measured", "verdict", "failed"),
    [
        (8.0, "met", False),
        (12.0, "met", False),
        (7.6, "missed by 5 %", False),
        (7.2, "missed by 10 %", False),
        (6.8, "missed by 15 %", True),
    ],
)
def test_a_target_that_is_a_least_ratio(measured, verdict, failed):
    (one,) = judge({"rows": [op(eager=measured)]})[:1]
    assert (one.verdict, one.failed) == (verdict, failed)


@pytest.mark.parametrize(
    ("measured", "verdict", "failed"),
    [(1.0, "met", False), (1.26, "missed by 5 %", False), (1.38, "missed by 15 %", True)],
)
def test_a_target_that_is_a_most(measured, verdict, failed):
    one = Judged("op", "empty kernel", None, 1.2, measured, "x its time", at_most=True)
    assert (one.verdict, one.failed) == (verdict, failed)


def test_every_case_of_the_cpu_has_a_target():
    assert set(targets.CPU_OPS) == {case.name for case in targets.cases("cpu")}
    rows = [op(case, threads) for case in targets.cases("cpu") for threads in (1, 2)]
    judged = judge({"rows": rows})
    assert len(judged) == 2 * len(rows) + 1
    (share,) = (one for one in judged if one.unit == "%")
    assert (share.what, share.threads, share.wanted, share.verdict) == (LARGE.name, 2, 50.0, "met")


def test_what_was_not_measured_or_has_no_target_is_not_judged():
    skipped = {key: op()[key] for key in ("case", "device", "dtype", "threads")} | {"skipped": "budget"}
    other = {**op(), "case": "info_loss K=10 C=64 B=4096"}
    half = {**op(), "dtype": "bfloat16"}
    assert judge({"rows": [skipped, other, half], "steps": [step("another")]}) == []
    row = op()
    del row["speedup"]["compiled reference"]
    assert [one.against for one in judge({"rows": [row]})] == ["eager reference"]


def test_steps():
    quarter = step("quarter width, B=64", **{PLAIN_JOB: 20.0, FORM_A: 20.0})
    judged = judge({"steps": [step(), quarter]})
    assert [(one.against, one.wanted, one.verdict) for one in judged] == [
        (FORM_A, 1.5, "met"),
        (FORM_A_COMPILED, 1.3, "met"),
        (FORM_A, 2.0, "met"),
        (FORM_A_COMPILED, 1.8, "missed by 28 %"),
        (FORM_A, 2.0, "missed by 50 %"),
        (FORM_A_COMPILED, 1.8, "missed by 64 %"),
    ]
    assert judged[-1].what == "step, quarter width, B=64, with the plain job's views and noise"


def test_targets_of_a_gpu():
    row = op() | {"device": "cuda", "microseconds": {"infogan_fast, CUDA graph": 2.0}}
    row["speedup"] |= {"eager reference, CUDA graph": 12.0, "compiled reference, CUDA graph": 1.2}
    row["bytes_per_second_of_copy"] = {"infogan_fast, CUDA graph": 0.9}
    large = row | {"case": LARGE.name, "batch": 2 * LARGE.batch}
    baselines = {"empty_kernel_within_a_graph_microseconds": 1.0}
    rows = {"rows": [row, large], "baselines": baselines}
    judged = judge({**rows, "steps": [step(device="cuda")]})
    assert [(one.against, one.verdict) for one in judged] == [
        ("eager reference", "met"),
        ("compiled reference", "missed by 20 %"),
        ("empty kernel", "missed by 67 %"),
        ("eager reference", "met"),
        ("compiled reference", "missed by 20 %"),
        ("large copy", "met"),
        (FORM_A, "missed by 75 %"),
        (FORM_A_COMPILED, "missed by 35 %"),
        ("images/s", "missed by 87 %"),
    ]


def test_the_table_and_the_json():
    judged = judge({"rows": [op(eager=6.8)], "steps": [step()]})
    lines = targets.table(judged).splitlines()
    assert len(lines) == 1 + len(judged)
    assert lines[1].split() == [
        *CASES[0].name.split(),
        "eager",
        "reference",
        "1",
        "8.00x",
        "6.80x",
        *["missed", "by", "15", "%"],
    ]
    assert judged[0].to_json()["verdict"] == "missed by 15 %"
    assert "<= 1.20" in targets.table([Judged("op", "empty kernel", None, 1.2, 1.3, "x its time", at_most=True)])
