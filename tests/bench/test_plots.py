"""The pictures of a run."""

import pytest

from infogan_fast.bench import plots
from infogan_fast.bench.cases import MNIST, Case

pytest.importorskip("matplotlib")


def row(batch, threads=1, **changes):
    case = Case("info_loss", MNIST, batch)
    times = {"eager reference": 100.0, "infogan_fast": 10.0}
    if batch == 128:
        times["compiled reference"] = 40.0
    return {
        "case": case.name,
        "op": case.op,
        "batch": batch,
        "bytes": case.bytes_moved,
        "device": "cpu",
        "dtype": "float32",
        "threads": threads,
        "microseconds": times,
        "speedup": {name: value / 10.0 for name, value in times.items()},
        "copy_bytes_per_second": 1e10,
        **changes,
    }


def is_png(path):
    return path.read_bytes().startswith(b"\x89PNG")


def test_speedup_and_roofline_per_op_and_threads(tmp_path):
    rows = [row(128), row(8192), row(64), row(128, threads=2), row(4096, dtype="bfloat16")]
    rows.append({"case": "info_loss K=10 C=2 B=9", "device": "cpu", "dtype": "float32", "skipped": "budget"})
    written = plots.write({"rows": rows}, tmp_path / "pictures")
    assert {path.name for path in written} == {
        "speedup_info_loss_1_threads.png",
        "roofline_info_loss_1_threads.png",
        "speedup_info_loss_2_threads.png",
        "roofline_info_loss_2_threads.png",
    }
    assert all(is_png(path) for path in written)


def test_of_a_gpu(tmp_path):
    times = {"eager reference, CUDA graph": 100.0, "infogan_fast, CUDA graph": 10.0}
    rows = [row(128, device="cuda", microseconds=times, speedup={name: value / 10 for name, value in times.items()})]
    del rows[0]["threads"], rows[0]["copy_bytes_per_second"]
    written = plots.write({"rows": rows, "baselines": {"copy_bytes_per_second": 3e12}}, tmp_path)
    assert {path.name for path in written} == {"speedup_info_loss.png", "roofline_info_loss.png"}


def test_time_to_result(tmp_path):
    curve = [
        {"seconds": 1.0, "mi_bound_nats": 1.0, "accuracy": None},
        {"seconds": 2.0, "mi_bound_nats": 2.3, "accuracy": 0.9},
    ]
    runs = [{"trainer": name, "seed": seed, "curve": curve} for seed in (0, 1) for name in ("infogan_fast", "form A")]
    values = {"time_to_result": {"runs": runs, "bound_nats": 2.2, "accuracy": 0.8}}
    (path,) = plots.write(values, tmp_path)
    assert is_png(path)


def test_nothing_measured_is_nothing_drawn(tmp_path):
    assert plots.write({}, tmp_path) == []
