"""The information loss once more, in numpy's long double and from the formulas alone: what is exact for float64 too."""

from __future__ import annotations

import numpy as np

import infogan_fast as ig

LONG = np.longdouble


def info_loss(
    head,
    latents: ig.ops.Codes,
    spec: ig.LatentSpec,
    upstream: float,
    categorical_weight,
    continuous_weight,
    variance,
    ignore_index: int = -100,
    weight_scale=None,
):
    """(loss, nll, upstream * d loss / d head) in long double; latents are tensors."""
    head = head.detach().double().numpy().astype(LONG)
    codes, continuous = latents[-2].numpy(), latents[-1].double().numpy().astype(LONG)
    batch, column = head.shape[0], 0
    weights = np.concatenate(
        [
            np.broadcast_to(np.asarray(weight, dtype=LONG), (count,))
            for weight, count in ((categorical_weight, len(spec.categorical)), (continuous_weight, spec.continuous))
        ]
    )
    if weight_scale is not None:
        weights = weights * weight_scale.double().numpy().astype(LONG)
    nll, gradient = [], np.zeros_like(head)
    for index, cardinality in enumerate(spec.categorical):
        logits = head[:, column : column + cardinality]
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.flatnonzero(codes[:, index] != ignore_index)
        counted = codes[rows, index]
        nll.append(-log_softmax[rows, counted].mean() if rows.size else LONG("nan"))
        slope = np.exp(log_softmax)
        slope[rows, counted] -= 1
        gradient[rows, column : column + cardinality] = slope[rows] * weights[index] / max(1, rows.size)
        column += cardinality
    c = spec.continuous
    mean, scale = head[:, column : column + c], head[:, column + c :]
    factor = {"learned": LONG(1), "learned_std": LONG(2)}.get(variance)
    log_variance = np.full_like(mean, np.log(LONG(variance))) if factor is None else factor * scale
    difference = continuous - mean
    squared = difference**2 * np.exp(-log_variance)
    nll.extend((LONG("0.5") * (log_variance + squared + np.log(2 * LONG(np.pi)))).mean(axis=0))
    continuous_weights = weights[len(spec.categorical) :]
    gradient[:, column : column + c] = -difference * np.exp(-log_variance) * continuous_weights / batch
    if factor is not None:
        gradient[:, column + c :] = LONG("0.5") * factor * (1 - squared) * continuous_weights / batch
    nll = np.array(nll, dtype=LONG)
    return np.where(np.isnan(nll), LONG(0), weights * nll).sum(), nll, LONG(upstream) * gradient
