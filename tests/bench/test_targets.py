"""Whether targets count as met, on made-up figures."""

import pytest

from infogan_fast.bench import targets
from infogan_fast.bench.cases import CASES, LARGE
from infogan_fast.bench.names import CONVOLUTIONS, FORM_A, FORM_A_COMPILED, OURS, PLAIN_JOB
from infogan_fast.bench.targets import Judged, judge


def op(case=CASES[0], threads=1, eager=8.0, compiled=4.0, share=0.1):
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


PAPER, QUARTER = "paper's net, B=128", "quarter width, B=64"
INTEL, AMD = ({"cpu": "A processor", "build": {"cpu_vendor": vendor}} for vendor in ("intel", "amd"))


def step(setting=PAPER, device="cpu", limit=1.0, **milliseconds):
    """A row in which our step takes 10 ms, of which its products take ``limit`` at the least."""
    times = {OURS: 10.0, FORM_A: 15.0, FORM_A_COMPILED: 13.0, **milliseconds}
    row = {"setting": setting, "device": device, "threads": 2, "milliseconds": times, "precision": "float32"}
    row |= {"flop": dict.fromkeys(times, 1e6), "matrix_product_flop_per_second": 1e9 / limit}
    row["matrix_dtype"] = "float32"
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
    rows = [op(case, threads, share=0.1) for case in targets.cases("cpu") for threads in (1, 2)]
    judged = judge({"rows": rows})
    assert len(judged) == 2 * len(rows) + 1
    (share,) = (one for one in judged if one.unit == "%")
    assert (share.what, share.threads, share.wanted, share.verdict) == (LARGE.name, 2, 50.0, "missed by 80 %")


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        (0.3, [("eager reference", 10.0, "missed by 60 %"), ("compiled reference", 5.0, "missed by 42 %")]),
        (0.5, [("compiled reference", 5.0, "missed by 42 %"), (targets.LIMIT_OF_BYTES, 1.3, "missed by 54 %")]),
        (0.8, [(targets.LIMIT_OF_BYTES, 1.3, "met")]),
    ],
)
def test_ratios_of_an_op_that_its_bytes_rule_out(share, expected):
    judged = judge({"rows": [op(CASES[2], eager=4.0, compiled=2.9, share=share)]})
    assert [(one.against, one.wanted, one.verdict) for one in judged] == expected


def test_what_was_not_measured_or_has_no_target_is_not_judged():
    skipped = {key: op()[key] for key in ("case", "device", "dtype", "threads")} | {"skipped": "budget"}
    other = {**op(), "case": "info_loss K=10 C=64 B=4096"}
    half = {**op(), "dtype": "bfloat16"}
    assert judge({"rows": [skipped, other, half], "steps": [step("another")]}) == []
    row = op()
    del row["speedup"]["compiled reference"]
    assert [one.against for one in judge({"rows": [row]})] == ["eager reference"]


def outcome(row, machine=INTEL):
    return [(one.against, one.wanted, one.verdict) for one in judge({"steps": [row], "machine": machine})]


def test_steps():
    quarter = step(QUARTER, **{PLAIN_JOB: 20.0, FORM_A: 20.0})
    assert outcome(step(**{CONVOLUTIONS: 16.0})) == [
        (FORM_A, 1.5, "met"),
        (CONVOLUTIONS, 1.5, "met"),
        (FORM_A_COMPILED, 1.3, "met"),
    ]
    assert outcome(quarter) == [
        (FORM_A, 1.9, "met"),
        (FORM_A_COMPILED, 1.8, "missed by 28 %"),
        (FORM_A, 1.9, "missed by 47 %"),
        (FORM_A_COMPILED, 1.8, "missed by 64 %"),
    ]
    judged = judge({"steps": [quarter], "machine": INTEL})
    assert judged[-1].what == "step, quarter width, B=64, with the plain job's views and noise"


def test_steps_on_an_amd_processor():
    expected = [(FORM_A, 1.8, "missed by 17 %"), (CONVOLUTIONS, 1.6, "met"), (FORM_A_COMPILED, 1.3, "met")]
    assert outcome(step(**{CONVOLUTIONS: 16.0}), AMD) == expected
    assert outcome(step(QUARTER, **{FORM_A: 19.0}), AMD)[0] == (FORM_A, 1.9, "met")


@pytest.mark.parametrize(
    ("machine", "wanted"),
    [
        ({"cpu": "AMD EPYC 7B13"}, 1.8),
        ({"cpu": "AMD EPYC 7B13", "build": {"cpu_simd": ["avx2"]}}, 1.8),
        ({"cpu": "Intel(R) Xeon(R) Processor", "build": {}}, 1.5),
        ({"cpu": "AMD EPYC 7B13", "build": {"cpu_vendor": "intel"}}, 1.5),
        ({"cpu": "A processor", "build": {"cpu_vendor": "other"}}, 1.5),
        ({}, 1.5),
    ],
)
def test_the_vendor_decides_and_results_without_it_have_it_in_the_name(machine, wanted):
    assert outcome(step(), machine)[0][:2] == (FORM_A, wanted)


def test_steps_in_bfloat16():
    row = step(**{FORM_A: 30.0, CONVOLUTIONS: 19.0}) | {"precision": "bfloat16", "matrix_dtype": "bfloat16"}
    assert outcome(row) == outcome(row, AMD) == [(FORM_A, 3.0, "met"), (CONVOLUTIONS, 2.0, "missed by 5 %")]
    assert judge({"steps": [row], "machine": INTEL})[0].what == "step, paper's net, B=128, bfloat16"
    assert outcome(row | {"setting": QUARTER}) == []
    assert outcome(row | {"matrix_dtype": "float32"}) == []  # the processor has no instructions for it
    assert outcome(row | {"device": "cuda"}) == []


def test_rows_from_before_precision_was_recorded_are_of_float32():
    row = {key: value for key, value in step().items() if key not in ("precision", "matrix_dtype")}
    assert outcome(row) == outcome(step()) != []


@pytest.mark.parametrize(
    ("limit", "against", "wanted", "verdict"),
    [
        (8.0, FORM_A, 1.5, "met"),  # 15 ms are 1.88 limits, and 1.1 * 1.5 = 1.65
        (9.0, FORM_A, 1.5, "met"),
        (9.2, targets.LIMIT_OF_PRODUCTS, 1.3, "met"),  # 15 ms are 1.63 limits
        (10.0, targets.LIMIT_OF_PRODUCTS, 1.3, "met"),
    ],
)
def test_a_ratio_that_the_products_rule_out(limit, against, wanted, verdict):
    row = step(limit=limit)
    del row["milliseconds"][FORM_A_COMPILED]
    assert outcome(row) == [(against, wanted, verdict)]


@pytest.mark.parametrize(
    ("ours", "verdict", "failed"),
    [(12.9, "met", False), (13.65, "missed by 5 %", False), (15.0, "missed by 15 %", True)],
)
def test_how_near_the_limit_a_step_shall_come_instead(ours, verdict, failed):
    row = step(limit=10.0, **{OURS: ours, CONVOLUTIONS: 15.5, FORM_A_COMPILED: 20.0})
    compiled, limit = judge({"steps": [row], "machine": INTEL})
    assert (compiled.against, compiled.wanted) == (FORM_A_COMPILED, 1.3)  # one of three ratios remains
    assert (limit.against, limit.wanted, limit.at_most) == (targets.LIMIT_OF_PRODUCTS, 1.3, True)
    assert limit.measured == pytest.approx(ours / 10.0)
    assert (limit.verdict, limit.failed) == (verdict, failed)
    assert limit.instead_of == ("form A 1.50x", "form A, convolutions only 1.50x")
    assert limit.to_json()["instead_of"] == list(limit.instead_of)
    assert "instead_of" not in compiled.to_json()
    line = targets.table([limit]).splitlines()[1]
    assert line.endswith(f"{verdict}; instead of form A 1.50x, form A, convolutions only 1.50x")


def test_the_limit_is_that_of_each_step_of_ours():
    row = step(QUARTER, **{PLAIN_JOB: 12.0, FORM_A: 20.0, FORM_A_COMPILED: 40.0})
    row["flop"] |= {OURS: 9e6, PLAIN_JOB: 10e6}
    judged = [(one.against, one.measured) for one in judge({"steps": [row], "machine": INTEL})]
    assert judged == [
        (FORM_A, pytest.approx(2.0)),  # 20 ms are 2.2 limits of our step, and 2.0 of the plain job's
        (FORM_A_COMPILED, pytest.approx(4.0)),
        (FORM_A_COMPILED, pytest.approx(40 / 12)),
        (targets.LIMIT_OF_PRODUCTS, pytest.approx(1.2)),
    ]


def test_on_a_gpu_no_ratio_is_ruled_out():
    assert targets.LIMIT_OF_PRODUCTS not in [one[0] for one in outcome(step(device="cuda", limit=10.0))]


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
