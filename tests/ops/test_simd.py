"""The bits do not depend on the instruction set that the CPU kernels choose."""

import os
import subprocess
import sys

import pytest

import infogan_fast as ig

SCRIPT = """
import hashlib, sys
import torch
import infogan_fast as ig
assert ig.build_info()["cpu_simd"] == sys.argv[1], ig.build_info()
digest = hashlib.sha256()
spec = ig.LatentSpec(33, (10, 3, 500), 5, continuous_prior="normal")
torch.manual_seed(0)
for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
    latents = ig.sample_latents(spec, 301, torch.tensor(5), dtype=dtype)
    for variance in ("learned", "learned_std", 0.5):
        head = (3 * torch.randn(301, spec.head_dim(variance))).to(dtype).requires_grad_()
        loss, nll = ig.info_loss(head, latents, spec, variance=variance, return_terms=True)
        (gradient,) = torch.autograd.grad(loss, head)
        for tensor in (*latents, loss.detach(), nll, gradient):
            digest.update(tensor.double().numpy().tobytes())
print(digest.hexdigest())
"""


def digest(level: str) -> str:
    environment = {**os.environ, "INFOGAN_FAST_SIMD": level}
    command = [sys.executable, "-c", SCRIPT, level]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()


def test_every_level_gives_the_same_bits():
    levels = ["baseline", "avx2", "avx512"]
    best = ig.build_info()["cpu_simd"]
    available = levels[: levels.index(best) + 1]
    if len(available) == 1:
        pytest.skip("this machine has the compiler's baseline only")
    assert len({digest(level) for level in available}) == 1
