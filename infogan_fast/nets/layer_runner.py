"""Runs the layers of a network in training: on the CPU with the package's own ops where they fit, else as PyTorch does.

The layers stay what they are, ``torch.nn`` modules that hold the parameters: only how they are computed differs, and
results agree up to the order of additions. What the ops do better on a CPU: convolutions with few channels, and one
pass for batch normalisation with the activation that follows (``benchmarks/NOTES.md`` has the figures).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from infogan_fast import _extension as _extension  # registers the ops

_Call = Callable[[Tensor, int], Tensor]
_NO_ACTIVATION = 1.0  # the slope of a leaky ReLU that does nothing


class LayerRunner:
    """Calls layers one after the other, for a batch that may consist of several.

    Args:
        layers: in training mode.
        own_ops: compute convolutions and batch normalisations with the package's ops, which are for float32 and float64
            on the CPU and cannot be traced usefully: ``torch.compile`` makes its own of PyTorch's layers. Images that
            are halved must have even sides; hooks of the layers are not called.
    """

    def __init__(self, layers: nn.Sequential, own_ops: bool) -> None:
        self._calls = _plan(list(layers), own_ops)

    def __call__(self, batch: Tensor, groups: int = 1) -> Tensor:
        """The layers' output.

        Args:
            batch: of the layers' input.
            groups: how many batches of equal size it consists of, one after the other. Each is normalised by its own
                statistics, as if the layers were called for one after the other.
        """
        for call in self._calls:
            batch = call(batch, groups)
        return batch


def _plan(layers: list[nn.Module], own_ops: bool) -> list[_Call]:
    # The own ops take the place of these types exactly: a subclass may compute something else.
    calls: list[_Call] = []
    position = 0
    while position < len(layers):
        layer, following = layers[position], layers[position + 1 : position + 2]
        slope = _slope(following[0]) if following else None
        if own_ops and type(layer) is nn.Conv2d and _halves(layer):
            calls.append(_halving(layer, _NO_ACTIVATION if slope is None else slope))
            position += slope is not None
        elif own_ops and type(layer) is nn.ConvTranspose2d and _halves(layer) and layer.output_padding == (0, 0):
            calls.append(_doubling(layer))
        elif own_ops and isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and _normalises(layer):
            calls.append(_normalising(layer, _NO_ACTIVATION if slope is None else slope))
            position += slope is not None
        elif isinstance(layer, _BatchNorm):
            calls.append(_group_by_group(layer))
        else:
            calls.append(_as_it_is(layer))
        position += 1
    return calls


def _slope(layer: nn.Module) -> float | None:
    """Of an activation that is a leaky ReLU or a ReLU, and None for others."""
    if type(layer) is nn.ReLU:
        return 0.0
    # A negative slope would make the sign of the output say nothing about that of the input.
    return layer.negative_slope if type(layer) is nn.LeakyReLU and layer.negative_slope >= 0.0 else None


def _halves(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    shape = layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode
    return shape == ((4, 4), (2, 2), (1, 1), (1, 1), 1, "zeros")


def _normalises(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    usual = type(layer) in (nn.BatchNorm1d, nn.BatchNorm2d)
    return usual and layer.affine and layer.track_running_stats and layer.momentum is not None


def _halving(layer: nn.Conv2d, slope: float) -> _Call:
    op = torch.ops.infogan_fast.halving_conv2d
    return lambda batch, groups: op(batch, layer.weight, layer.bias, slope)


def _doubling(layer: nn.ConvTranspose2d) -> _Call:
    op = torch.ops.infogan_fast.doubling_conv2d
    return lambda batch, groups: op(batch, layer.weight, layer.bias)


def _normalising(layer: nn.BatchNorm1d | nn.BatchNorm2d, slope: float) -> _Call:
    op = torch.ops.infogan_fast.group_batch_norm

    def call(batch: Tensor, groups: int) -> Tensor:
        if batch.dim() == 3:  # [B, C, L]
            return call(batch.unsqueeze(3), groups).squeeze(3)
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked.add_(groups)
        output: Tensor = op(
            batch,
            layer.weight,
            layer.bias,
            layer.running_mean,
            layer.running_var,
            groups,
            layer.momentum,
            layer.eps,
            slope,
        )[0]
        return output

    return call


def _group_by_group(layer: nn.Module) -> _Call:
    def call(batch: Tensor, groups: int) -> Tensor:
        if groups == 1:
            return layer(batch)  # type: ignore[no-any-return]
        return torch.cat([layer(group) for group in batch.reshape(groups, -1, *batch.shape[1:])])

    return call


def _as_it_is(layer: nn.Module) -> _Call:
    return lambda batch, groups: layer(batch)
