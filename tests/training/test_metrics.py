"""What is kept of each step, and the means of it."""

import math

import pytest
import torch

import infogan_fast as ig
from infogan_fast.training.metrics import History
from infogan_fast.training.step import LOSS_TERMS

SPEC = ig.LatentSpec(noise=1, categorical=(4,), continuous=1)


def test_means():
    history = History(SPEC, 5, torch.device("cpu"))
    losses = torch.arange(float(len(LOSS_TERMS)))
    history.append(torch.cat((losses, torch.tensor([0.25, 0.5]))))
    history.append(torch.cat((losses + 2.0, torch.tensor([0.75, 1.5]))))
    means, bound = history.means()
    assert means == {name: index + 1.0 for index, name in enumerate(LOSS_TERMS)}
    assert bound == pytest.approx([math.log(4) - 0.5, math.log(2) - 1.0])


TERMS = len(LOSS_TERMS) + 2


@pytest.mark.parametrize(
    "rows", [torch.zeros(6, TERMS), torch.zeros(2, TERMS + 1), torch.zeros(TERMS), torch.zeros(2, TERMS).int()]
)
def test_rows_of_another_run_are_refused(rows):
    with pytest.raises(ValueError, match=f"history: got .*, allowed: at most 5 float32 rows of {TERMS} terms"):
        History(SPEC, 5, torch.device("cpu")).restore(rows)
