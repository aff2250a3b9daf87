"""The figures of ``summary.json``, and how they are shown."""

import io

import pytest
from rich.console import Console

import infogan_fast as ig
from infogan_fast.evaluation import CodeAccuracy, CodeRecovery, Evaluation
from infogan_fast.evaluation.table import closing_lines, figures_table


def figures(categorical=(3, 2), continuous=1, accuracies=()):
    spec = ig.LatentSpec(noise=1, categorical=categorical, continuous=continuous)
    recovery = CodeRecovery((0.5,) * spec.num_codes, (0.9,) * continuous)
    return {**Evaluation(spec, recovery, list(accuracies)).to_json(), "bound_note": None}


BEST, OTHER = CodeAccuracy(1, (1, 0), 0.75, 0.625), CodeAccuracy(0, (0, 1, -1), 0.5, 0.875)


def shown(summary):
    console = Console(file=io.StringIO(), width=80)
    console.print(figures_table(summary))
    for line in closing_lines(summary):
        console.print(line, soft_wrap=True)
    return console.file.getvalue()


def test_accuracy_is_the_held_out_one_of_the_code_that_is_best_in_training():
    summary = figures(accuracies=[BEST, OTHER])
    assert (summary["accuracy"], summary["accuracy_train"]) == (0.625, 0.75)
    first, second = summary["accuracy_per_code"]
    assert (first["categorical_code"], first["accuracy"], first["accuracy_train"]) == (2, 0.625, 0.75)
    assert (second["categorical_code"], second["accuracy"], second["accuracy_train"]) == (1, 0.875, 0.5)


def test_table_with_everything():
    text = shown(figures(accuracies=[BEST, OTHER]))
    rows = {
        line.split("│")[1].strip(): [cell.strip() for cell in line.split("│")[2:-1]]
        for line in text.splitlines()
        if line.startswith("│")
    }
    assert [row[3:] for row in rows.values()] == [["87.5%", "50.0%"], ["62.5%", "75.0%"], ["", ""]]
    assert "Accuracy on held-out real images: 62.5% (the code that is best on the training images)" in text
    assert "H(c) of a continuous code is a differential entropy" in text


def test_nothing_of_the_table_is_cut_off_at_80_columns():
    assert "…" not in shown(figures((10, 10), 2, accuracies=[BEST, OTHER]))


@pytest.mark.parametrize(
    ("summary", "columns", "note"),
    [
        (figures(), ["R2"], "No accuracy: the training images have no labels"),
        (figures((), 2), ["R2"], "No accuracy: there is no categorical code"),
        (figures((3,), 0, [CodeAccuracy(0, (0, 1, 2), 0.5, None)]), ["accuracy\ntraining"], "No held-out labels"),
    ],
)
def test_empty_columns_are_left_out_and_the_reason_is_given(summary, columns, note):
    text = shown(summary)
    headers = {str(column.header) for column in figures_table(summary).columns}
    assert headers - {"code", "L_I\nnats", "H(c)\nnats"} == set(columns)
    assert note in text
    assert ("differential" in text) == (len(summary["r2"]) > 0)
