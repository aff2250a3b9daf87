"""What is kept of each step, and the means of it."""

import math

import pytest
import torch

import infogan_fast as ig
from infogan_fast.objectives import nll_names
from infogan_fast.runs.schemas import MetricsLine
from infogan_fast.training.history import OTHER_METRICS, History, Metrics
from infogan_fast.training.schedule import Schedule

SPEC = ig.LatentSpec(noise=1, categorical=(4,), continuous=1)
NAMES = ("a_loss", *nll_names(SPEC), "b_loss")


def history(dtype=torch.float32):
    return History(SPEC, NAMES, 5, torch.empty(0, dtype=dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_means(dtype):
    kept = history(dtype)
    kept.append(torch.tensor([1.0, 0.25, 0.5, 3.0], dtype=dtype))
    kept.append(torch.tensor([2.0, 0.75, 1.5, 5.0], dtype=dtype))
    losses, bound = kept.means()
    assert kept.rows.dtype == dtype
    assert losses == {"a_loss": 1.5, "b_loss": 4.0}
    assert bound == pytest.approx([math.log(4) - 0.5, math.log(2) - 1.0])


@pytest.mark.parametrize("rows", [torch.zeros(6, 4), torch.zeros(2, 5), torch.zeros(4), torch.zeros(2, 4).double()])
def test_rows_of_another_run_are_refused(rows):
    with pytest.raises(ValueError, match=r"history: got .*, allowed: torch.float32, at most 5 rows of 4 metrics"):
        history().restore(rows)


def test_what_a_line_holds_beside_the_terms_has_names_that_no_term_may_have():
    assert set(MetricsLine.model_fields) == set(OTHER_METRICS)


def test_a_line_of_metrics_for_a_person():
    metrics = Metrics(50, 2.0, 1600.4, {"discriminator_loss": 1.3861}, [2.2, -0.5], Schedule(1.0, 0.5))
    assert str(metrics) == "step 50: L_I 2.200, -0.500 nats; discriminator_loss 1.386; 1600 images/s"
