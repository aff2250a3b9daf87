"""Names of classes as text: shown, shortened, and told apart."""

import json

import pytest

from infogan_fast.evaluation.classes import classes_of_categories, names_for_summary

LONG = "a" * 300


def of(labels, names):
    return classes_of_categories({"class_of_category": labels}, {"class_names": names_for_summary(names)})


def test_names_stand_for_labels():
    assert of([2, 0, -1, 1], ("disc", "cross", "triangle")) == ["triangle", "disc", "none", "cross"]
    assert of([2, 0, -1], ()) == ["2", "0", "none"]
    assert classes_of_categories({"class_of_category": [1, -1]}, {}) == ["1", "none"]  # of an earlier version


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("T-shirt/top", "T-shirt/top"),
        ("naïve 猫", "naïve 猫"),
        ("<b>", "<b>"),
        ("a\x1b[31mb\n", r"a\x1b[31mb\n"),
        ("caf\udce9", r"caf\xe9"),
    ],
)
def test_one_printable_line_each(name, text):
    assert names_for_summary([name]) == [text]
    [shown] = of([0], [name])
    assert shown == text
    assert shown.isprintable()


def test_names_that_look_the_same_once_cut_have_their_label():
    names = [f"{LONG}{index}{LONG}" for index in range(3)]
    texts = of([2, 0, 1], names)
    assert [text[-4:] for text in texts] == [" (2)", " (0)", " (1)"]
    assert all(len(text) < 60 for text in texts)
    assert all(len(name) < 130 for name in names_for_summary(names))


def test_a_summary_holds_no_more_than_a_thousand_and_can_be_written():
    names = [f"\udcff{LONG}{index}" for index in range(3000)]
    kept = names_for_summary(names)
    assert len(kept) == 1000
    assert json.loads(json.dumps(kept)) == kept
    assert of([999, 2999], names)[1] == "2999"
