"""The information loss once more, in numpy's long double and from the formulas alone: what is exact for float64 too."""

from __future__ import annotations

import numpy as np

import infogan_fast as ig

LONG = np.longdouble


def info_loss(
    head, latents: ig.Latents, spec: ig.LatentSpec, upstream: float, categorical_weight, continuous_weight, variance
):
    """(loss, nll, upstream * d loss / d head) in long double."""
    head = head.detach().double().numpy().astype(LONG)
    codes, continuous = latents.categorical.numpy(), latents.continuous.numpy().astype(LONG)
    batch, column = head.shape[0], 0
    nll, gradient = [], np.zeros_like(head)
    for index, cardinality in enumerate(spec.categorical):
        logits = head[:, column : column + cardinality]
        shifted = logits - logits.max(axis=1, keepdims=True)
        log_softmax = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        rows = np.arange(batch)
        nll.append(-log_softmax[rows, codes[:, index]].mean())
        slope = np.exp(log_softmax)
        slope[rows, codes[:, index]] -= 1
        gradient[:, column : column + cardinality] = slope * LONG(categorical_weight) / batch
        column += cardinality
    c = spec.continuous
    mean, scale = head[:, column : column + c], head[:, column + c :]
    factor = {"learned": LONG(1), "learned_std": LONG(2)}.get(variance)
    log_variance = np.full_like(mean, np.log(LONG(variance))) if factor is None else factor * scale
    difference = continuous - mean
    squared = difference**2 * np.exp(-log_variance)
    nll.extend((LONG("0.5") * (log_variance + squared + np.log(2 * LONG(np.pi)))).mean(axis=0))
    gradient[:, column : column + c] = -difference * np.exp(-log_variance) * LONG(continuous_weight) / batch
    if factor is not None:
        gradient[:, column + c :] = LONG("0.5") * factor * (1 - squared) * LONG(continuous_weight) / batch
    nll = np.array(nll, dtype=LONG)
    weights = np.array([categorical_weight] * len(spec.categorical) + [continuous_weight] * c, dtype=LONG)
    return (weights * nll).sum(), nll, LONG(upstream) * gradient
