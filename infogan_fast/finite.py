"""Whether weights, images and outputs are finite: a figure of others would say nothing, and may look as if it did."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor

from infogan_fast.text import listing

#: Of the tensors that are not finite, how many a message names.
NAMED = 3


class NonFiniteError(RuntimeError):
    """A loss, an output, a generated image or a weight is not finite; the message says which."""


def not_finite(tensors: Mapping[str, Tensor]) -> list[str]:
    """Names of the floating point tensors that hold a value that is not finite.

    Args:
        tensors: by name, all on one device, which is waited for once where all are finite.
    """
    names = [name for name, tensor in tensors.items() if tensor.is_floating_point() and tensor.numel()]
    if not names:
        return []
    largest = torch.stack([tensors[name].detach().abs().amax().double() for name in names])
    if math.isfinite(float(largest.amax())):
        return []
    return [name for name, value in zip(names, largest.tolist(), strict=True) if not math.isfinite(value)]


def check_model(tensors: Mapping[str, Tensor], what: object) -> None:
    """See that the weights of a model that is about to be used are finite.

    Args:
        tensors: by name.
        what: where they are from, with which the message begins.

    Raises:
        NonFiniteError: they are not. The message names the first of them.
    """
    names = not_finite(tensors)
    if names:
        raise NonFiniteError(f"{what}: the model is not finite: {listing(names, NAMED)}")


def check_outputs(outputs: Tensor, what: str) -> Tensor:
    """What networks gave, if all of it is finite.

    Args:
        outputs: any shape, floating point; its device is waited for.
        what: in the plural, for the message.

    Raises:
        NonFiniteError: a value is not.
    """
    if not bool(outputs.isfinite().all()):
        raise NonFiniteError(f"the {what} are not finite: the weights have grown too large, or are not finite")
    return outputs
