"""A short program for compute-sanitizer: every op, dtype and kind of row, so that each kernel runs and little else.

compute-sanitizer --tool memcheck python -m benchmarks.sanitizer_run
"""

from __future__ import annotations

import torch

import infogan_fast as ig

SPECS = (
    ig.LatentSpec(62, (10,), 2),
    ig.LatentSpec(3, (2, 7, 1, 33), 5, continuous_prior="normal", noise_prior="uniform"),
    ig.LatentSpec(0, (1300,), 3),
    ig.LatentSpec(0, (40_000,), 0),
    ig.LatentSpec(1, (3,) * 100, 70),
)
DTYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)
BATCHES = (1, 33, 1029)
_MOST_ELEMENTS = 2**20


def exercise(spec: ig.LatentSpec, batch: int, dtype: torch.dtype, device: torch.device) -> None:
    """Sampling, the loss of a dense and of a strided head, from codes and from a seed, and the backward of each."""
    seed = torch.tensor(1, device=device)
    latents = ig.sample_latents(spec, batch, seed, dtype=dtype)
    scale = torch.ones(spec.num_codes, device=device)
    for variance in ("learned", 0.5):
        width = spec.head_dim(variance)
        dense = torch.randn(batch, width, device=device).to(dtype)
        strided = torch.zeros(batch, width + 3, dtype=dtype, device=device)[:, 1 : width + 1].copy_(dense)
        for head in (dense, strided, dense.t().contiguous().t()):
            for codes in (latents, ig.LatentSeed(seed)):
                ig.info_loss(head.requires_grad_(), codes, spec, variance=variance, weight_scale=scale).backward()
        ig.info_loss(dense.detach(), latents, spec, variance=variance)
    if spec.categorical:
        wrong = latents.categorical.clone()
        wrong[0, 0], wrong[-1, -1] = 2**40, -1
        head = dense.detach().requires_grad_()
        ig.info_loss(head, (wrong, latents.continuous), spec, variance=0.5).backward()


def main(device: str = "cuda") -> None:
    """Run everything once."""
    done = 0
    for spec in SPECS:
        for dtype in DTYPES:
            for batch in BATCHES:
                if batch * spec.input_dim <= _MOST_ELEMENTS:
                    exercise(spec, batch, dtype, torch.device(device))
                    done += 1
    if device == "cuda":
        torch.cuda.synchronize()
    print(f"{done} combinations of spec, dtype and batch")


if __name__ == "__main__":
    main()
