"""The entry point: what needs no run."""

import subprocess
import sys


def test_settings_and_doctor(infogan_fast):
    code, printed, _ = infogan_fast("train", "--settings")
    assert code == 0
    assert "instance_noise=0.5" in printed
    code, printed, _ = infogan_fast("doctor")
    assert code == 0
    assert "torch" in printed


def test_missing_package_says_what_to_type(infogan_fast, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("infogan_fast.cli")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "typer", None)
    code, _, error = infogan_fast("train")
    assert code == 2
    assert "typer is needed" in error
    assert "pip install 'infogan-fast[train]'" in error


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
