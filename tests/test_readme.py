"""What the README says a user can type."""

import re
from pathlib import Path

import torch

README = (Path(__file__).parents[1] / "README.md").read_text()


def test_the_five_lines_run_as_they_stand():
    (code,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    generator, head = torch.nn.Linear(74, 100), torch.nn.Linear(100, 14)
    names = {"G": generator, "Q": head, "gan_loss": torch.zeros(())}
    exec(code, names)
    assert names["loss"].isfinite()
    assert names["nll"].shape == (3,)
    assert generator.weight.grad.abs().sum() > 0
    assert head.weight.grad.abs().sum() > 0


def test_the_make_targets_exist():
    makefile = (Path(__file__).parents[1] / "Makefile").read_text()
    for target in set(re.findall(r"make (train|test|bench)\b", README)):
        assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE)


def test_the_files_it_points_to_exist():
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        assert (Path(__file__).parents[1] / target).exists(), target
