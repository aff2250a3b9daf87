"""The metrics of ``summary.json``, and how they are shown."""

import io
import json

import pytest
from rich.console import Console

import infogan_fast as ig
from infogan_fast.evaluation import CodeAccuracy, CodeRecovery, Evaluation
from infogan_fast.evaluation.quality import NOT_ASKED
from infogan_fast.evaluation.table import closing_lines, metrics_table


def summary_of(categorical=(3, 2), continuous=1, accuracies=(), disentanglement=None, image_quality=None):
    spec = ig.LatentSpec(noise=1, categorical=categorical, continuous=continuous)
    recovery = CodeRecovery(
        (0.5,) * spec.num_codes, (0.9,) * continuous, ((0.47, 0.52),) * spec.num_codes, (0.75,) * len(spec.categorical)
    )
    evaluation = Evaluation(spec, recovery, list(accuracies), disentanglement, image_quality)
    return {**evaluation.to_json(), "bound_note": None}


BEST = CodeAccuracy(1, (1, 0), 0.75, 0.625, (0.55, 0.7), 0.375, 0.25)
OTHER = CodeAccuracy(0, (0, 1, -1), 0.5, 0.875, (0.8, 0.9), 0.5, 0.75)
SCORES = {"factor_vae": 0.61, "mig": 0.12, "sap": 0.03, "dci": 0.4, "beta_vae": 0.8, "factors": ["shape", "x"]}
QUALITY = {
    "images": 500,
    "swd": 0.125,
    "swd_floor": 0.02,
    "swd_per_level": {"8x8": 0.125},
    "swd_floor_per_level": {"8x8": 0.02},
    "fid": None,
    "fid_floor": None,
    "fid_note": NOT_ASKED,
}


def shown(summary):
    console = Console(file=io.StringIO(), width=80, markup=False)
    console.print(metrics_table(summary))
    for line in closing_lines(summary):
        console.print(line, soft_wrap=True)
    return console.file.getvalue()


def test_accuracy_is_the_held_out_one_of_the_code_that_is_best_in_training():
    summary = summary_of(accuracies=[BEST, OTHER])
    assert (summary["accuracy"], summary["accuracy_train"]) == (0.625, 0.75)
    first, second = summary["accuracy_per_code"]
    assert (first["categorical_code"], first["accuracy"], first["accuracy_train"]) == (2, 0.625, 0.75)
    assert (second["categorical_code"], second["accuracy"], second["accuracy_train"]) == (1, 0.875, 0.5)
    assert summary["accuracy_ci"] == first["accuracy_ci"] == [0.55, 0.7]
    assert (second["nmi"], second["ari"]) == (0.5, 0.75)


def test_every_metric_has_its_place():
    summary = summary_of(accuracies=[BEST], disentanglement=SCORES, image_quality=QUALITY)
    assert summary["mi_bound_ci_nats"] == [[0.47, 0.52]] * 3
    assert summary["disentanglement"] == SCORES
    assert summary["image_quality"] == QUALITY
    assert json.loads(json.dumps(summary)) == summary


def test_table_with_everything():
    text = shown(summary_of(accuracies=[BEST, OTHER]))
    rows = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
        for line in text.splitlines()
        if line.startswith("│")
    }
    assert [row[0] for row in rows.values() if row[1]] == ["0.500 ±0.030"] * 3
    assert [row[2:] for row in rows.values()] == [
        ["75.0%", "87.5%", "50.0%"],
        ["75.0%", "62.5%", "75.0%"],
        ["R2 0.90", "", ""],
    ]
    assert "Accuracy on held-out real images: 62.5% (the code that is best on the training images), " in text
    assert "95 % interval 55.0% to 70.0%" in text
    assert "NMI 0.375 and ARI 0.250" in text
    assert "H(c) of a continuous code is a differential entropy" in text


def test_lines_name_the_classes():
    summary = summary_of(accuracies=[OTHER, BEST])
    assert "matched to" not in shown(summary)
    text = shown({**summary, "class_names": ["disc", r"[bold]\x1b"]})
    assert r"the classes that they were matched to: 0 disc, 1 [bold]\x1b, 2 none." in text
    many = CodeAccuracy(0, tuple(range(30)), 0.5, 0.875, (0.8, 0.9), 0.5, 0.75)
    text = shown({**summary_of((30,), accuracies=[many]), "class_names": [f"c{index}" for index in range(30)]})
    assert "19 c19 and 10 more." in text


def test_lines_of_disentanglement_and_quality():
    text = shown(summary_of(disentanglement=SCORES, image_quality=QUALITY))
    assert "Disentanglement of shape, x: FactorVAE 0.610, MIG 0.120, SAP 0.030, DCI 0.400, BetaVAE 0.800" in text
    assert "chance is 0.50 for FactorVAE" in text
    assert "(sliced Wasserstein): 0.125; between real ones 0.020" in text
    assert "FID" not in text
    with_fid = summary_of(image_quality={**QUALITY, "fid": 12.34, "fid_floor": 5.0, "fid_note": None})
    assert "FID: 12.3; between real images 5.0. It compares only with others of 500 images" in shown(with_fid)
    assert "No FID: none here" in shown(summary_of(image_quality={**QUALITY, "fid_note": "No FID: none here"}))
    assert "No image quality: the data are not images." in shown(summary_of())
    nothing = {**dict.fromkeys(QUALITY), "images": 0, "fid_note": NOT_ASKED}
    assert "No image quality: it takes two real images" in shown(summary_of(image_quality=nothing))


def test_findings_come_last():
    found = [{"name": "collapse", "sentence": "All alike: 3 of 30.", "advice": "To try next: --steps 8."}]
    assert shown({**summary_of(), "findings": found}).endswith("Look at: All alike: 3 of 30. To try next: --steps 8.\n")
    assert "Look at" not in shown({**summary_of(), "findings": []})


def test_nothing_of_the_table_is_cut_off_at_80_columns():
    assert "…" not in shown(summary_of((10, 10), 2, accuracies=[BEST, OTHER]))


@pytest.mark.parametrize(
    ("summary", "columns", "note"),
    [
        (summary_of(), ["read\nback"], "No accuracy: the training images have no labels"),
        (summary_of((), 2), ["read\nback"], "No accuracy: there is no categorical code"),
        (
            summary_of((3,), 0, [CodeAccuracy(0, (0, 1, 2), 0.5, None, None, 0.1, 0.1)]),
            ["read\nback", "accuracy\ntraining"],
            "No held-out labels",
        ),
    ],
)
def test_empty_columns_are_left_out_and_the_reason_is_given(summary, columns, note):
    text = shown(summary)
    headers = {str(column.header) for column in metrics_table(summary).columns}
    assert headers - {"code", "L_I ±95 %\nnats", "H(c)\nnats"} == set(columns)
    assert note in text
    assert ("differential" in text) == (len(summary["r2"]) > 0)
