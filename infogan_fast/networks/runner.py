"""Runs a network in training on several batches at once, each normalised by its own statistics.

On the CPU layers are computed with the package's own ops where they fit, else as PyTorch does. The layers stay what
they are, ``torch.nn`` modules that hold the parameters: only how they are computed differs, and results agree up to the
order of additions. What the ops do better on a CPU: convolutions with few channels, one pass for batch normalisation
with the activation that follows, the faster library for each product of matrices, and float32 sums over bfloat16
(``benchmarks/NOTES.md`` has the figures).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from infogan_fast import _extension as _extension  # registers the ops
from infogan_fast.networks.parts import Layers, SmoothUpsample, UnitTanh
from infogan_fast.networks.pixels import FlattenPixels, UnflattenPixels

_Call = Callable[[Tensor, int], Tensor]
_NO_ACTIVATION = 1.0  # the slope of a leaky ReLU that does nothing

#: Layers that compute every row of a batch from that row alone, without random numbers: several batches can be sent
#: through them as one. Whatever is not known to do so gets batch after batch.
_ROW_BY_ROW = frozenset(
    {
        *(nn.Linear, nn.Identity, nn.PixelShuffle, nn.PixelUnshuffle, nn.Upsample, nn.GroupNorm),
        *(nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d),
        *(nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus),
        *(nn.Sigmoid, nn.Tanh, nn.Hardtanh),
        *(nn.ZeroPad1d, nn.ZeroPad2d, nn.ReflectionPad1d, nn.ReflectionPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d),
        *(nn.AvgPool1d, nn.AvgPool2d, nn.MaxPool1d, nn.MaxPool2d, nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d),
        *(FlattenPixels, UnflattenPixels, UnitTanh, SmoothUpsample),
    }
)
_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)


@dataclass(frozen=True)
class OwnOps:
    """How the package's ops compute."""

    onednn: bool = False
    """Products of matrices by oneDNN, where they are large enough for it, instead of torch's ``mm``."""
    dtype: torch.dtype | None = None
    """Of images and rows: bfloat16, with float32 weights, statistics and sums; None = as the input has it."""

    def taken(self, batch: Tensor) -> Tensor:
        """A batch in the dtype in which the ops take it."""
        return batch if self.dtype is None else batch.to(self.dtype)


class NetworkRunner:
    """Calls a network on several batches of equal size, with the result of calling it on one after the other.

    Where the network is a sequence of known layers (``nn.Sequential``, nested or not), they are sent through together,
    and batch normalisation treats each on its own. From the first other module on, such as a residual block with batch
    normalisation somewhere in it, the rest is called batch by batch: what it does across the rows of a batch cannot be
    known.

    Args:
        network: in training mode.
        own_ops: compute strided convolutions, fully connected layers and batch normalisations with the package's ops,
            which are for the CPU and cannot be traced usefully: ``torch.compile`` makes its own of PyTorch's layers.
            None = every layer as PyTorch computes it. A layer with hooks of its own is called as PyTorch does; hooks
            that are added later are not.
    """

    def __init__(self, network: nn.Module, own_ops: OwnOps | None) -> None:
        self._calls = _plan(_layers_of(network), own_ops)

    def __call__(self, batch: Tensor, groups: int = 1) -> Tensor:
        """The network's output.

        Args:
            batch: of the network's input.
            groups: how many batches of equal size it consists of, one after the other.
        """
        for call in self._calls:
            batch = call(batch, groups)
        return batch


def _layers_of(network: nn.Module) -> list[nn.Module]:
    """The layers that are called one after the other: of a sequence those in it, and else the module itself."""
    if not _is_plain(network):
        return [network]
    if isinstance(network, Layers) and type(network).forward is Layers.forward:
        return _layers_of(network.layers)
    if type(network) is nn.Sequential:
        return [layer for child in network for layer in _layers_of(child)]
    return [network]


def _is_plain(module: nn.Module) -> bool:
    """Whether a call of a module does what its class says: it has no hooks, and no ``forward`` of its own."""
    hooks = (
        *(module._forward_hooks, module._forward_pre_hooks),
        *(module._backward_hooks, module._backward_pre_hooks),
    )
    return not any(hooks) and "forward" not in module.__dict__


def _plan(layers: list[nn.Module], own_ops: OwnOps | None) -> list[_Call]:
    # The own ops take the place of these types exactly: a subclass may compute something else.
    calls: list[_Call] = []
    position = 0
    while position < len(layers):
        layer, following = layers[position], layers[position + 1 : position + 2]
        slope = _slope(following[0]) if following else None
        if not _is_plain(layer):
            return [*calls, _batch_by_batch(layers[position:])]
        if own_ops and type(layer) is nn.Conv2d and _is_strided(layer):
            calls.append(_downsample(layer, _NO_ACTIVATION if slope is None else slope, own_ops))
            position += slope is not None
        elif own_ops and type(layer) is nn.ConvTranspose2d and _is_strided(layer) and layer.output_padding == (0, 0):
            calls.append(_upsample(layer, own_ops))
        elif own_ops and type(layer) is SmoothUpsample:
            calls.append(_smooth_upsample(layer, own_ops))
        elif own_ops and type(layer) is nn.Linear:
            calls.append(_linear(layer, own_ops))
        elif own_ops and isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and _normalises(layer):
            calls.append(_normalising(layer, _NO_ACTIVATION if slope is None else slope, own_ops))
            position += slope is not None
        elif _is_row_by_row(layer):
            calls.append(_all_together(layer))
        elif type(layer) in _BATCH_NORMS:
            calls.append(_batch_by_batch([layer]))
        else:
            return [*calls, _batch_by_batch(layers[position:])]
        position += 1
    return calls


def _is_row_by_row(layer: nn.Module) -> bool:
    return type(layer) in _ROW_BY_ROW or (type(layer) is nn.Flatten and layer.start_dim >= 1)


def _slope(layer: nn.Module) -> float | None:
    """The slope of a leaky ReLU below 0, that of a ReLU being 0; None for other layers."""
    if not _is_plain(layer):
        return None
    if type(layer) is nn.ReLU:
        return 0.0
    # A negative slope would make the sign of the output say nothing about that of the input.
    return layer.negative_slope if type(layer) is nn.LeakyReLU and layer.negative_slope >= 0.0 else None


def _is_strided(layer: nn.Conv2d | nn.ConvTranspose2d) -> bool:
    shape = layer.kernel_size, layer.stride, layer.padding, layer.dilation, layer.groups, layer.padding_mode
    return shape == ((4, 4), (2, 2), (1, 1), (1, 1), 1, "zeros")


def _normalises(layer: nn.BatchNorm1d | nn.BatchNorm2d) -> bool:
    """Whether the own op computes what a batch normalisation in training mode does."""
    usual = type(layer) in (nn.BatchNorm1d, nn.BatchNorm2d) and layer.training
    return usual and layer.affine and layer.track_running_stats and layer.momentum is not None


def _downsample(layer: nn.Conv2d, slope: float, own_ops: OwnOps) -> _Call:
    op = torch.ops.infogan_fast.downsample_conv2d.default

    def call(batch: Tensor, groups: int) -> Tensor:
        if batch.shape[2] % 2 or batch.shape[3] % 2:  # which the op does not take
            return nn.functional.leaky_relu(layer(batch), slope)
        return op(  # type: ignore[no-any-return]
            own_ops.taken(batch), layer.weight, layer.bias, slope, own_ops.onednn
        )

    return call


def _upsample(layer: nn.ConvTranspose2d, own_ops: OwnOps) -> _Call:
    op = torch.ops.infogan_fast.upsample_conv2d.default
    return lambda batch, groups: op(own_ops.taken(batch), layer.weight, layer.bias, own_ops.onednn)


def _smooth_upsample(layer: SmoothUpsample, own_ops: OwnOps) -> _Call:
    op = torch.ops.infogan_fast.upsample_conv2d.default
    return lambda batch, groups: op(own_ops.taken(batch), layer.kernel(), layer.conv.bias, own_ops.onednn)


def _linear(layer: nn.Linear, own_ops: OwnOps) -> _Call:
    op = torch.ops.infogan_fast.linear.default

    def call(batch: Tensor, groups: int) -> Tensor:
        if batch.dim() != 2:
            return layer(batch)  # type: ignore[no-any-return]
        return op(own_ops.taken(batch), layer.weight, layer.bias, own_ops.onednn)  # type: ignore[no-any-return]

    return call


def _normalising(layer: nn.BatchNorm1d | nn.BatchNorm2d, slope: float, own_ops: OwnOps) -> _Call:
    op = torch.ops.infogan_fast.group_batch_norm.default

    def call(batch: Tensor, groups: int) -> Tensor:
        if batch.dim() == 3:  # [B, C, L]
            return call(batch.unsqueeze(3), groups).squeeze(3)
        assert layer.num_batches_tracked is not None
        layer.num_batches_tracked.add_(groups)
        output: Tensor = op(
            own_ops.taken(batch),
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


def _batch_by_batch(layers: list[nn.Module]) -> _Call:
    def one(batch: Tensor) -> Tensor:
        for layer in layers:
            batch = layer(batch)
        return batch

    def call(batch: Tensor, groups: int) -> Tensor:
        return (
            one(batch)
            if groups == 1
            else torch.cat([one(part) for part in batch.reshape(groups, -1, *batch.shape[1:])])
        )

    return call


def _all_together(layer: nn.Module) -> _Call:
    return lambda batch, groups: layer(batch)
