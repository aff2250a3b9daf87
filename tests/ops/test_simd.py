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
assert ig.build_info()["cpu_simd_used"] == sys.argv[1], ig.build_info()
digest = hashlib.sha256()
spec = ig.LatentSpec(33, (10, 3, 500), 5, continuous_prior="normal")
torch.manual_seed(0)
for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
    latents = ig.sample_latents(spec, 301, torch.tensor(5), dtype=dtype)
    for variance in ("learned", "learned_std", 0.5):
        head = (3 * torch.randn(301, spec.head_dim(variance))).to(dtype).requires_grad_()
        for codes in (latents, ig.LatentSeed(torch.tensor(6), 1, 2)):
            loss, nll = ig.info_loss(head, codes, spec, variance=variance, return_terms=True)
            (gradient,) = torch.autograd.grad(loss, head)
            for tensor in (*latents, loss.detach(), nll, gradient):
                digest.update(tensor.double().numpy().tobytes())
ops = torch.ops.infogan_fast
for dtype in (torch.float32, torch.float64):
    images, small = torch.randn(9, 3, 14, 6, dtype=dtype), torch.randn(9, 5, 7, 3, dtype=dtype)
    weight, bias = torch.randn(5, 3, 4, 4, dtype=dtype), torch.randn(5, dtype=dtype)
    output = ops.downsample_conv2d(images, weight, bias, 0.1)
    mean, variance = torch.zeros(2, 5, dtype=dtype)
    normalised, *statistics = ops.group_batch_norm(small, bias, bias, mean, variance, 3, 0.1, 1e-5, 0.1)
    for tensor in (
        output,
        *ops.downsample_conv2d_backward(small, images, weight, output, 0.1, [True] * 3),
        ops.upsample_conv2d(small, weight, bias[:3]),
        *ops.upsample_conv2d_backward(images, small, weight, [True] * 3),
        normalised, mean, variance, *statistics,
        *ops.group_batch_norm_backward(output, small, bias, bias, *statistics, 0.1),
    ):
        digest.update(tensor.double().numpy().tobytes())
print(digest.hexdigest())
"""


def digest(level: str) -> str:
    environment = {**os.environ, "INFOGAN_FAST_SIMD": level}
    command = [sys.executable, "-c", SCRIPT, level]
    return subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def test_every_level_gives_the_same_bits():
    levels = ig.build_info()["cpu_simd"]
    if len(levels) == 1:
        pytest.skip("this machine has the compiler's baseline only")
    assert len({digest(level) for level in levels}) == 1


def test_an_unknown_level_is_refused():
    environment = {**os.environ, "INFOGAN_FAST_SIMD": "AVX2"}
    command = [sys.executable, "-c", "import infogan_fast"]
    result = subprocess.run(command, env=environment, check=False, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1
    assert "INFOGAN_FAST_SIMD: got 'AVX2', allowed on this machine: baseline" in result.stderr
