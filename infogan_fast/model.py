"""An InfoGAN as one object: the networks with their latent code; sample, encode and interpolate."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from infogan_fast.latents import CodeValues, make_latents
from infogan_fast.spec import Latents, LatentSpec, Variance

_AT_ONCE = 500  # rows that a network is given together, so that memory does not grow with what is asked for


class Encoding(NamedTuple):
    """What Q reads off B images: the posterior of each code."""

    categorical: tuple[Tensor, ...]
    """``[B, K_i]`` for each categorical code: the probability of each category."""
    mean: Tensor
    """``[B, C]``, of the continuous codes."""
    std: Tensor
    """``[B, C]``, their standard deviations, learned or fixed."""


class InfoGAN(nn.Module):
    """The networks of an InfoGAN and the latent code that they share (Chen et al. 2016).

    Any modules, as deep as they like; x is an image or whatever else G makes::

        generator(latents.input) -> x           trunk(x) -> [B, F]        discriminator_head(features) -> [B, 1]
        q_head(features) -> [B, head_dim], or q_network(x) -> [B, head_dim], which shares nothing with D

    A ``categorical_network(x) -> [B, sum of categories]`` reads the categorical codes by itself. The other of Q's
    networks then gives the other columns alone, and there is none where no code is left for it. Beside it a
    ``projection(features) -> [B, sum of categories]`` makes D conditional.

    Args:
        spec: the latent variables; ``spec.input_dim`` is the width of G's input.
        generator: G.
        trunk: what D and Q share, or D's alone where there is a ``q_network``.
        q_head: Q's part on top of the trunk, ``spec.head_dim(variance)`` wide.
        discriminator_head: D's part on top of the trunk: a logit, above 0 where x is taken for real.
        q_network: Q as a network of its own, in the place of ``q_head``.
        categorical_network: the logits of the categorical codes from a network of their own. In training it can be
            shown other views of x than D, such as grey or turned ones.
        projection: what training adds to D's logit for each category that x is of, on top of the trunk (projection
            discriminator, Miyato & Koyama 2018, equation 4); ``discriminate`` leaves it out. Real images are of the
            categories that ``categorical_network`` reads off them, which needs a term on real images.
        variance: of Q's Gaussians, as in ``info_loss``.

    Raises:
        TypeError: a network is no ``nn.Module``, or ``spec`` no ``LatentSpec``.
        ValueError: not exactly one of ``q_head`` and ``q_network`` is given, one of them is given and a
            ``categorical_network`` reads every code, there is such a network and no categorical code, a ``projection``
            without such a network, the variance is not allowed, or two networks share a parameter.
    """

    def __init__(
        self,
        spec: LatentSpec,
        *,
        generator: nn.Module,
        trunk: nn.Module,
        discriminator_head: nn.Module,
        q_head: nn.Module | None = None,
        q_network: nn.Module | None = None,
        categorical_network: nn.Module | None = None,
        projection: nn.Module | None = None,
        variance: Variance = "learned",
    ) -> None:
        super().__init__()
        if not isinstance(spec, LatentSpec):
            raise TypeError(f"InfoGAN: spec must be a LatentSpec, got {spec!r}")
        spec.head_dim(variance)  # raises on a variance that is not allowed
        if categorical_network is not None and not spec.categorical:
            raise ValueError("InfoGAN: got a categorical_network, allowed: None, as there is no categorical code")
        if projection is not None and categorical_network is None:
            raise ValueError("InfoGAN: got a projection, allowed: None without a categorical_network")
        reads_all = categorical_network is not None and not spec.continuous
        given = (q_head is not None) + (q_network is not None)
        if given != (0 if reads_all else 1):
            got = ("neither", "one", "both")[given]
            allowed = "neither, as categorical_network reads every code" if reads_all else "one of them"
            raise ValueError(f"InfoGAN: got {got} of q_head and q_network, allowed: {allowed}")
        networks = {
            "generator": generator,
            "trunk": trunk,
            "discriminator_head": discriminator_head,
            "q_head": q_head,
            "q_network": q_network,
            "categorical_network": categorical_network,
            "projection": projection,
        }
        for name, network in networks.items():
            optional = name in ("q_head", "q_network", "categorical_network", "projection")
            if not isinstance(network, nn.Module) and not (optional and network is None):
                raise TypeError(f"InfoGAN: {name} must be an nn.Module, got {type(network).__name__}")
        self.spec, self.variance = spec, variance
        self.generator, self.trunk, self.discriminator_head = generator, trunk, discriminator_head
        self.q_head, self.q_network, self.categorical_network = q_head, q_network, categorical_network
        self.projection = projection
        _check_nothing_shared({name: network for name, network in networks.items() if network is not None})

    @property
    def q(self) -> nn.Module | None:
        """``q_head`` or ``q_network``; None where the ``categorical_network`` reads every code."""
        return self.q_network if self.q_head is None else self.q_head

    def q_parameters(self) -> list[nn.Parameter]:
        """The parameters of Q's own networks."""
        networks = [network for network in (self.q, self.categorical_network) if network is not None]
        return [parameter for network in networks for parameter in network.parameters()]

    @property
    def device(self) -> torch.device:
        """The device that the parameters are on."""
        return next(itertools.chain(self.parameters(), self.buffers()), torch.empty(0)).device

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the first floating-point parameter."""
        tensors = itertools.chain(self.parameters(), self.buffers())
        return next((tensor.dtype for tensor in tensors if tensor.is_floating_point()), torch.float32)

    @property
    def class_names(self) -> dict[str, str]:
        """The name of each network's class, for people: nothing is ever imported by it."""
        return {
            name: f"{type(network).__module__}.{type(network).__qualname__}" for name, network in self.named_children()
        }

    def discriminate(self, x: Tensor) -> Tensor:
        """D's logits ``[B, 1]`` of x ``[B, *shape]``: above 0 where it is taken for real. Differentiable."""
        return self.discriminator_head(self.trunk(x))  # type: ignore[no-any-return]

    def q_output(self, x: Tensor) -> Tensor:
        """Q's output ``[B, head_dim]`` for x ``[B, *shape]``, which ``info_loss`` takes. Differentiable."""
        parts = [] if self.categorical_network is None else [self.categorical_network(x)]
        if self.q is not None:
            parts.append(self.q(x if self.q_head is None else self.trunk(x)))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def sample(
        self,
        batch_size: int,
        categorical: CodeValues = None,
        continuous: CodeValues = None,
        seed: int | Tensor | None = None,
    ) -> Tensor:
        """What G makes of codes of one's own choice: ``[B, *shape]`` on the model's device, without gradient.

        Batch normalisation uses its running statistics, whatever mode the model is in.

        Args:
            batch_size: how many, ``>= 1``.
            categorical: as in ``make_latents``; None to draw.
            continuous: likewise.
            seed: likewise.

        Raises:
            ValueError, TypeError: as ``make_latents``.
        """
        latents = make_latents(
            self.spec, batch_size, categorical, continuous, seed, dtype=self.dtype, device=self.device
        )
        return self.generate(latents.input)

    def generate(self, latents: Tensor) -> Tensor:
        """What G makes of its input ``[B, input_dim]``, as ``sample`` does."""
        with evaluation_mode(self):
            return torch.cat([self.generator(part) for part in torch.split(latents, _AT_ONCE)])

    def encode(self, x: Tensor) -> Encoding:
        """What Q reads off images, or whatever else G makes; without gradient.

        Batch normalisation uses its running statistics, whatever mode the model is in.

        Args:
            x: ``[B, *shape]`` on any device: floating point as G makes it, or uint8, which stands for images from 0 to
                255.
        """
        with evaluation_mode(self):
            parts = [self.q_output(to_float(part.to(self.device), self.dtype)) for part in torch.split(x, _AT_ONCE)]
            logits, mean, log_variance = self.spec.split(torch.cat(parts), self.variance)
            return Encoding(tuple(code.softmax(dim=1) for code in logits), mean, (0.5 * log_variance).exp())

    def interpolate(self, a: Latents | Tensor, b: Latents | Tensor, steps: int) -> Tensor:
        """What G makes on the way from one row of latent variables to another: ``[steps, *shape]``, both ends included.

        Codes, and noise of a uniform prior, go along the straight line; noise of a normal prior along the great circle
        (White 2016, arXiv 1609.04468), since points on the line between two such vectors are shorter than any that G
        was trained on.

        Args:
            a: latent variables of one row, as ``make_latents(spec, 1, ...)`` gives them, or a row of their ``input``,
                ``[input_dim]``.
            b: likewise.
            steps: how many, ``>= 2``.

        Raises:
            ValueError: ``steps`` is less, or one of the two is not one row.
        """
        if steps < 2:
            raise ValueError(f"interpolate: steps: got {steps}, allowed: at least 2, the ends")
        first, last = (self._row(name, latents) for name, latents in (("a", a), ("b", b)))
        ways = torch.linspace(0.0, 1.0, steps, dtype=self.dtype, device=self.device)[:, None]
        path = torch.lerp(first, last, ways)
        if self.spec.noise_prior == "normal":
            noise = slice(self.spec.noise)
            path[:, noise] = _on_great_circle(first[noise], last[noise], ways)
        path[0], path[-1] = first, last
        return self.generate(path)

    def _row(self, name: str, latents: Latents | Tensor) -> Tensor:
        inputs = latents.input if isinstance(latents, Latents) else latents
        width = self.spec.input_dim
        if inputs.shape not in ((width,), (1, width)):
            raise ValueError(
                f"interpolate: {name}: got {list(inputs.shape)}, allowed: one row, [{width}] or [1, {width}]"
            )
        return inputs.reshape(width).to(self.device, self.dtype)

    def check(self, shape: tuple[int, ...]) -> None:
        """Whether the networks fit each other, the latent code and the data; two rows are sent through them.

        Args:
            shape: of one x.

        Raises:
            ValueError: one does not; the message says which, what it made and what is needed. Also where the parameters
                are not all float32 or all float64, or where a network changes its input, which others read too.
        """
        spec, rows = self.spec, 2
        dtypes = {str(tensor.dtype) for tensor in self.parameters() if tensor.is_floating_point()}
        if not dtypes <= {"torch.float32"} and not dtypes <= {"torch.float64"}:
            raise ValueError(f"got parameters of {', '.join(sorted(dtypes))}, allowed: all float32 or all float64")
        with evaluation_mode(self):
            latents = torch.zeros(rows, spec.input_dim, dtype=self.dtype, device=self.device)
            made = _called(self.generator, "generator", latents)
            _check_output("generator", made, (rows, *shape), "the data")
            features = _called_beside_others(self.trunk, "trunk", made)
            if not isinstance(features, Tensor) or features.ndim != 2 or len(features) != rows:
                got = list(features.shape) if isinstance(features, Tensor) else type(features).__name__
                raise ValueError(f"trunk: got {got} from {list(made.shape)}, allowed: [{rows}, F]")
            logits = _called_beside_others(self.discriminator_head, "discriminator_head", features)
            _check_output("discriminator_head", logits, (rows, 1), "a logit per row")
            columns, codes = spec.head_dim(self.variance), f"{spec}, {self.variance!r}"
            if self.categorical_network is not None:
                logits = _called_beside_others(self.categorical_network, "categorical_network", made)
                _check_output("categorical_network", logits, (rows, sum(spec.categorical)), codes)
                columns -= sum(spec.categorical)
            if self.projection is not None:
                matches = _called_beside_others(self.projection, "projection", features)
                _check_output("projection", matches, (rows, sum(spec.categorical)), codes)
            if self.q is not None:
                name, read = ("q_network", made) if self.q_head is None else ("q_head", features)
                _check_output(name, _called_beside_others(self.q, name, read), (rows, columns), codes)


@contextmanager
def evaluation_mode(model: InfoGAN, generator: nn.Module | None = None) -> Iterator[None]:
    """While it lasts, batch normalisation uses its running statistics and no gradients are recorded.

    Args:
        model: the networks; which of their modules were in training mode is restored.
        generator: in the place of the model's while it lasts, if not None.
    """
    training = [module for module in model.modules() if module.training]
    usual = model.generator
    if generator is not None:
        model.generator = generator
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        model.generator = usual
        for module in training:
            module.training = True


def to_float(x: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """What the networks take of stored data: uint8 as images in [0, 1], floating point as it is.

    Raises:
        TypeError: the data is of another dtype.
    """
    if x.dtype != torch.uint8 and not x.is_floating_point():
        raise TypeError(f"got {x.dtype}, allowed: uint8, for images from 0 to 255, or floating point")
    return x.to(dtype).div_(255.0) if x.dtype == torch.uint8 else x.to(dtype)


def _check_nothing_shared(networks: dict[str, nn.Module]) -> None:
    owners: dict[int, str] = {}
    for name, network in networks.items():
        for tensor_name, tensor in itertools.chain(network.named_parameters(), network.named_buffers()):
            owner = owners.setdefault(id(tensor), name)
            if owner != name:
                raise ValueError(
                    f"InfoGAN: {owner} and {name} share {name}.{tensor_name}; each parameter and buffer belongs to one "
                    "network, and what D and Q share is the trunk"
                )


def _called(network: nn.Module, name: str, x: Tensor) -> Any:
    try:
        return network(x)
    except (RuntimeError, ValueError, IndexError) as error:  # as PyTorch's layers raise at shapes that do not fit
        raise ValueError(f"{name}: cannot take {list(x.shape)}: {error}") from error


def _called_beside_others(network: nn.Module, name: str, x: Tensor) -> Any:
    """The network's output; its input, which other networks read too, must be as it was afterwards."""
    version = x._version
    output = _called(network, name, x)
    if x._version != version:
        raise ValueError(f"{name}: changes its input, which other networks read too; its first layer has inplace=True?")
    return output


def _check_output(name: str, output: object, shape: tuple[int, ...], needed_for: str) -> None:
    if not isinstance(output, Tensor) or tuple(output.shape) != shape:
        got = list(output.shape) if isinstance(output, Tensor) else type(output).__name__
        raise ValueError(f"{name}: got {got} for two rows, allowed: {list(shape)} ({needed_for})")


def _on_great_circle(first: Tensor, last: Tensor, ways: Tensor) -> Tensor:
    """Vectors ``[steps, n]`` that turn from one to another at constant speed while their length changes evenly."""
    lengths = first.norm(), last.norm()
    cosine = (first @ last / (lengths[0] * lengths[1])).clamp(-1.0, 1.0)
    angle = float(cosine.acos()) if first.numel() else 0.0
    if not 1e-3 < angle < math.pi - 1e-3:  # also NaN, of a vector of zeros: no circle, or no single one
        return torch.lerp(first, last, ways)
    turned = torch.sin((1.0 - ways) * angle) * first / lengths[0] + torch.sin(ways * angle) * last / lengths[1]
    length = torch.lerp(lengths[0], lengths[1], ways)
    on_circle: Tensor = length * turned / math.sin(angle)
    return on_circle
