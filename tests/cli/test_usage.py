"""What is typed wrongly ends with exit code 2 and one line that says what is allowed, and nothing is left behind."""

import pytest

from infogan_fast.version import __version__

LONG = "9" * 5000

SHORT_OF_TEXT = [
    (("train", "--data"), "'--data': got {value!r}, allowed: a name (mnist5k, mnist, "),
    (("train", "--preset"), "preset {value!r} is unknown; known presets: plain, mnist5k, "),
    (("train", "--out"), "'--out': got {value!r}, allowed: the path of a folder; . is the current one"),
    (("train", "--device"), "'--device': got {value!r}, allowed: auto, cpu, cuda"),
    (("train", "--set"), "--set {value!r}: write it as key=value"),
    (("evaluate",), "'RUN': got {value!r}, allowed: the path of a folder"),
    (("evaluate", "run", "--checkpoint"), "'--checkpoint': "),
    (("evaluate", "run", "--data"), "'--data': got {value!r}, allowed: a name"),
    (("evaluate", "run", "--device"), "'--device': got {value!r}, allowed: auto, cpu, cuda"),
    (("traverse", "run", "--out"), "'--out': got {value!r}, allowed: the path of a folder"),
]


def assert_one_line(result, message, folder):
    code, printed, error = result
    assert (code, printed) == (2, "")
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert error[:-1].isprintable()
    assert len(error) < 1500
    assert message in error
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("value", ["", "  "])
@pytest.mark.parametrize(("words", "message"), SHORT_OF_TEXT, ids=lambda value: value[-1] if len(value) < 4 else "")
def test_nothing_is_not_a_value(infogan_fast, tmp_path, words, message, value):
    assert_one_line(infogan_fast(*words, value), message.format(value=value), tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--steps", "1e3"], "'--steps': got '1e3', allowed: an integer"),
        (["--steps", "1_000"], "'--steps': got '1_000', allowed: an integer"),
        (["--steps", "\u0663"], "'--steps': got '\u0663', allowed: an integer"),  # a digit three, of Arabic
        (["--steps", LONG], "allowed: an integer"),
        (["--steps"], "'--steps' requires an argument"),
        (["--seed", "-1"], "seed: got -1, allowed: an integer from 0 to 2147483647"),
        (["--seed", "99999999999999999999"], "seed: got 99999999999999999999, allowed: an integer from 0 to"),
        (["--seed", "0x10"], "'--seed': got '0x10', allowed: an integer"),
        (["--sneed", "1"], "No such option: --sneed"),
        (["--\x1b[31m\n"], "No such option"),
        (["more"], "unexpected extra argument"),
        (["--resume", "--resume-or-start", "--out", "run"], "--resume and --resume-or-start: got both, allowed: one"),
        (["--steps", "5", "--set", "steps=6"], "steps: got 5 and, with --set, 6"),
    ],
)
def test_options(infogan_fast, tmp_path, arguments, message):
    assert_one_line(infogan_fast("train", *arguments), message, tmp_path)


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("steps=\u0663", "steps got '\u0663', allowed: an integer from 1 to 2147483647"),
        ("steps=1_000", "steps got '1_000'"),
        ("steps=0x10", "steps got '0x10'"),
        ("steps=", "steps got ''"),
        (f"steps={LONG}", "allowed: an integer from 1 to 2147483647"),
        (f"steps={LONG[:20]}", "allowed: an integer from 1 to 2147483647"),
        (f"{'x' * 100_000}=1", "unknown setting 'xxx"),
        ("shear=nan", "shear got 'nan', allowed: a number from 0 to 1"),
        ("shear=0_1", "shear got '0_1'"),
        ("width=inf", "width got 'inf'"),
        ("width=1e999", "width got '1e999', allowed: a number > 0 and <= 64"),
        ("categorical=((10))", "categorical got '((10))', allowed: integers from 1 to 65536, separated by commas"),
        ("categorical=[[10],[10]]", "categorical got '[[10],[10]]'"),
        ("categorical=10,,10", "categorical got '10,,10'"),
        ("categorical=,", "categorical got ','"),
        ("categorical=", "categorical got ''"),
        ("data=", "data got '', allowed: a name, or a path"),
        ("data= ", "data got '', allowed: a name, or a path"),
        ("networks=m\x00nist", r"networks got 'm\x00nist', allowed: mnist, svhn"),
        ("networks=\x1b[31mred", r"networks got '\x1b[31mred'"),
        ("networks=\udcff\udcfe", r"networks got '\udcff\udcfe'"),
        ("\udcff=1", r"unknown setting '\udcff'"),
        ("=1", "write it as key=value"),
    ],
    ids=lambda value: "",
)
def test_settings(infogan_fast, tmp_path, assignment, message):
    assert_one_line(infogan_fast("train", "--set", assignment), message, tmp_path)


def test_tuples_as_python_writes_them(infogan_fast):
    for text, value in (("(10,)", "10"), ("[3, 4]", "3,4"), ("()", "()"), ("+5", "5")):
        code, printed, _ = infogan_fast("train", "--settings", "--set", f"categorical={text}")
        assert code == 0
        assert f"\ncategorical={value}\n" in printed


def test_commands(infogan_fast, tmp_path):
    assert_one_line(infogan_fast("trian"), "No such command 'trian'", tmp_path)
    assert_one_line(infogan_fast("evaluate"), "Missing argument 'RUN'; see infogan-fast evaluate --help", tmp_path)
    assert_one_line(infogan_fast("traverse", "run", "--seed", 2**31), "from 0 to 2147483647", tmp_path)
    code, printed, _ = infogan_fast()
    assert code == 0
    assert "Usage: infogan-fast" in printed
    assert infogan_fast("--version") == (0, f"infogan-fast {__version__}\n", "")
