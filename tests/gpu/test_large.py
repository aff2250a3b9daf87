"""Heads of more elements than 32 bits count."""

import pytest
import torch
from cases import SPECS
from device_cases import DEVICE, seed_on_device, skip_without_memory

import infogan_fast as ig

CASES = {
    "narrow": (SPECS["mnist"], 2**31 // 14 + 1000),
    "wide": (SPECS["wide"], 2**31 // 1000 + 1000),
}


@pytest.mark.parametrize(("spec", "batch"), CASES.values(), ids=CASES.keys())
def test_more_elements_than_32_bits_count(spec, batch):
    if reason := skip_without_memory(30.0):
        pytest.skip(reason)
    width = spec.head_dim()
    head = torch.empty((batch, width), dtype=torch.bfloat16, device=DEVICE)
    generator = torch.Generator(DEVICE).manual_seed(0)
    for rows in head.split(2**20):
        rows.normal_(generator=generator)
    assert head.numel() > 2**31
    seed = seed_on_device(7)
    head.requires_grad_()
    loss, nll = ig.info_loss(head, ig.LatentSeed(seed), spec, return_terms=True)
    (gradient,) = torch.autograd.grad(loss, head)
    check_sampled_rows(head.detach(), gradient, spec)
    del gradient
    check_means(head.detach(), loss.detach(), nll, spec, seed)


def check_sampled_rows(head, gradient, spec):
    """Rows at the ends and around element 2**31, against the CPU op on those rows alone."""
    batch, count = len(head), 8
    for first in (0, batch // 2, 2**31 // head.shape[1] - count // 2, batch - count):
        rows = head[first : first + count].cpu().requires_grad_()
        loss = ig.info_loss(rows, ig.LatentSeed(torch.tensor(7), row_offset=first), spec)
        (expected,) = torch.autograd.grad(loss * (count / batch), rows)
        ours = gradient[first : first + count].cpu()
        torch.testing.assert_close(ours, expected, rtol=2 * torch.finfo(torch.bfloat16).eps, atol=0.0)


def check_means(head, loss, nll, spec, seed):
    """The mean over all rows, from the means of slices in float64."""
    total = torch.zeros(spec.num_codes, dtype=torch.float64, device=DEVICE)
    first = 0
    for rows in head.split(2**26 // head.shape[1]):
        codes = ig.LatentSeed(seed, row_offset=first)
        total += ig.reference.info_loss(rows.double(), codes, spec, return_terms=True)[1] * len(rows)
        first += len(rows)
    expected = total / len(head)
    weights = torch.tensor([1.0] * len(spec.categorical) + [0.1] * spec.continuous, device=DEVICE).double()
    torch.testing.assert_close(nll.double(), expected, rtol=2e-6, atol=0.0)
    torch.testing.assert_close(loss.double(), (weights * expected).sum(), rtol=2e-6, atol=0.0)
