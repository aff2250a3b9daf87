"""`infogan-fast evaluate` and `traverse`."""

import html
import json

import numpy as np
from tiny_run import TINY, write_idx


def test_reports_of_a_checkpoint_and_of_other_images(infogan_fast, images, photos, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 2, "--set=checkpoint_every=1", *TINY)
    files = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    code, printed, _ = infogan_fast("evaluate", out, "--checkpoint", "best", "--report", "--data", "images")
    assert code == 0
    assert printed.endswith(f"report: {out / 'report-best.html'}\n")  # the run's own images by another name
    code, printed, error = infogan_fast("evaluate", out, "--report", "--json", "--data", photos)
    assert code == 0
    evaluated = json.loads(printed)
    assert (evaluated["training_images"], evaluated["heldout_images"]) == (8, 2)  # as the run's setting says
    assert evaluated["accuracy"] is not None
    (other,) = out.glob("report-last-on-photos-*.html")
    assert error.endswith(f"report: {other}\n")
    assert {path: path.read_bytes() for path in files} == files
    (out / "summary.json").unlink()  # as if it had been stopped
    assert infogan_fast("evaluate", out, "--report")[0] == 0
    assert "30 training images of 1x8x8, 10 held out" in (out / "report-last.html").read_text().replace("\n", " ")


def test_the_best_checkpoint_and_tensorboard(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    arguments = ["--data", images, "--steps", 4, "--set=checkpoint_every=1", "--set=keep_checkpoints=1", *TINY]
    code, _, error = infogan_fast("train", "--out", out, "--tensorboard", *arguments)
    assert code == 0, error
    assert any((out / "tensorboard").iterdir())
    kept = list((out / "checkpoints").iterdir())
    assert 1 <= len(kept) <= 2
    for which in ("last", "best"):
        assert infogan_fast("evaluate", out, "--checkpoint", which)[0] == 0
    assert str(out / "traversals-best") in infogan_fast("traverse", out, "--checkpoint", "best")[1]
    assert infogan_fast("evaluate", out, "--checkpoint", "worst")[0] == 2


def test_the_seed_of_traverse(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 1, "--seed", 3, *TINY)
    first = out / "traversals" / "categorical1_samples.png"
    before = first.read_bytes()
    assert infogan_fast("traverse", out, "--seed", 4)[0] == 0
    assert first.read_bytes() == before
    assert (out / "traversals-seed4" / first.name).read_bytes() != before
    assert str(first) in infogan_fast("traverse", out, "--seed", 3)[1]
    for seed in (-1, 2**31):
        assert infogan_fast("traverse", out, "--seed", seed)[0] == 2


def test_evaluate_and_traverse(infogan_fast, images, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 2, *TINY)
    summary = json.loads((out / "summary.json").read_text())
    code, printed, _ = infogan_fast("evaluate", out)
    assert code == 0
    assert f"Accuracy on held-out real images: {summary['accuracy']:.1%}" in printed
    assert f"{summary['mi_bound_nats'][0]:.3f}" in printed
    code, printed, _ = infogan_fast("evaluate", out, "--json")
    assert code == 0
    figures = json.loads(printed)
    assert {"mi_bound_ci_nats", "accuracy_ci", "disentanglement", "image_quality"} <= figures.keys()
    assert {key: summary[key] for key in figures} == figures
    code, printed, _ = infogan_fast("traverse", out, "--out", tmp_path / "pictures")
    assert code == 0
    first = "categorical1_samples.png"
    assert (tmp_path / "pictures" / first).read_bytes() == (out / "traversals" / first).read_bytes()
    (tmp_path / "larger").mkdir()
    write_idx(tmp_path / "larger" / "train-images-idx3-ubyte", np.zeros((3, 12, 8), dtype=np.uint8))
    code, _, error = infogan_fast("evaluate", out, "--data", tmp_path / "larger")
    assert code == 2
    assert "its images are 1x12x8, the run was trained on 1x8x8" in error
    code, _, error = infogan_fast("evaluate", tmp_path)
    assert code == 2
    assert "not the folder of a run" in error


def test_other_images_are_evaluated_at_the_size_of_the_run(infogan_fast, images, photos, tmp_path):
    out = tmp_path / "run"
    infogan_fast("train", "--out", out, "--data", images, "--steps", 1, *TINY)
    code, printed, _ = infogan_fast("evaluate", out, "--data", photos)
    assert code == 0
    assert "skipped 2 of 12 files" in printed


def test_train_evaluate_and_the_report_tell_the_same_of_what_is_wrong(infogan_fast, images, tmp_path):
    """A run of two steps on noise, in which the term on real images has learned nothing."""
    out = tmp_path / "run"
    arguments = ["--data", images, "--steps", 2, *TINY, "--set", "real_information=1"]
    code, trained, error = infogan_fast("train", "--out", out, *arguments)
    assert code == 0, error
    summary = json.loads((out / "summary.json").read_text())
    found = summary["findings"]
    assert "real_information_behind" in {finding["name"] for finding in found}
    assert "--steps 4" in found[0]["advice"] + found[-1]["advice"]
    assert sum(summary["real_codes"][0]["category_shares"]) == 1.0
    assert summary["image_quality"]["diversity_real"] > 0.0
    code, evaluated, _ = infogan_fast("evaluate", out)
    assert code == 0
    page = html.unescape((out / "report.html").read_text())
    for finding in found:
        line = f"Look at: {finding['sentence']} {finding['advice']}"
        assert line in trained
        assert line in evaluated
        assert finding["sentence"] in page
        assert finding["advice"] in page
