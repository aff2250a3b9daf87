"""The training steps that the common PyTorch implementations of InfoGAN compute, written out plainly.

What they compute is theirs, and how: three backward passes in form A, of which the third computes weight gradients of
the trunk only for the next step to throw them away; four trunk passes and three optimisers in form B. What would
handicap them needlessly is left out: no ``.item()``, gradients set to None instead of zero, data on the device.

Each step trains the networks of ``infogan_fast.networks.build_model`` whose Q has a learned log-variance. With mixed
precision the networks run under ``torch.autocast`` in bfloat16, and the losses are computed in the images' dtype.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from infogan_fast.model import InfoGAN
from infogan_fast.spec import LatentSpec

LEARNING_RATE = 2e-4
BETAS = (0.5, 0.999)
CATEGORICAL_WEIGHT, CONTINUOUS_WEIGHT = 1.0, 0.1


class Codes(NamedTuple):
    """The latent variables of a batch."""

    input: Tensor
    """``[B, input_dim]``: noise, one-hot categories, continuous codes."""
    categorical: Tensor
    """``[B, m]`` int64."""
    continuous: Tensor
    """``[B, C]``."""


def draw(spec: LatentSpec, batch_size: int, device: torch.device) -> Codes:
    """Latent variables from torch's generator: normal noise, uniform codes."""
    categorical = [torch.randint(k, (batch_size,), device=device) for k in spec.categorical]
    continuous = torch.rand(batch_size, spec.continuous, device=device) * 2 - 1
    one_hot = [F.one_hot(code, k).float() for code, k in zip(categorical, spec.categorical, strict=True)]
    noise = torch.randn(batch_size, spec.noise, device=device)
    none = torch.empty(batch_size, 0, dtype=torch.int64, device=device)
    codes = torch.stack(categorical, dim=1) if categorical else none
    return Codes(torch.cat((noise, *one_hot, continuous), dim=1), codes, continuous)


def gaussian_nll(value: Tensor, mean: Tensor, log_variance: Tensor) -> Tensor:
    """``-log Q(c|x)`` of the continuous codes, summed over them, mean over the batch, with form A's ``1e-6``."""
    variance = log_variance.exp()
    log_likelihood = -0.5 * (variance * 2 * math.pi + 1e-6).log() - (value - mean).square() / (variance * 2 + 1e-6)
    return -log_likelihood.sum(1).mean()


class _Step:
    """What the forms have in common: networks, the layout of Q's output, compilation, mixed precision."""

    def __init__(self, nets: InfoGAN, spec: LatentSpec, compile: bool, mixed: bool) -> None:
        self.nets, self.spec, self.compile = nets, spec, compile
        assert nets.q_head is not None
        self.q_head = nets.q_head
        self.device = next(nets.parameters()).device
        bfloat16 = partial(torch.autocast, self.device.type, torch.bfloat16)
        self.autocast: Callable[[], AbstractContextManager[None]] = bfloat16 if mixed else nullcontext
        self.generate: Callable[[Tensor], Tensor] = self.compiled(self._generate)

    def _generate(self, latents: Tensor) -> Tensor:
        with self.autocast():
            return self.nets.generator(latents)  # type: ignore[no-any-return]

    def compiled(self, function: Any) -> Any:
        """A region of the step, compiled if the step is."""
        if not self.compile:
            return function
        # On CUDA torch 2.11 fails where it chooses the layout itself: the gradient of a convolution has another one.
        options: dict[str, Any] | None = {"layout_optimization": False} if self.device.type == "cuda" else None
        return torch.compile(function, fullgraph=True, dynamic=False, options=options)

    def adam(self, *modules: nn.Module, learning_rate: float = LEARNING_RATE) -> torch.optim.Adam:
        """Adam with torch's defaults, as those implementations make it; its update is compiled if the step is."""
        parameters = list(chain.from_iterable(module.parameters() for module in modules))
        optimizer = torch.optim.Adam(parameters, lr=learning_rate, betas=BETAS)
        if self.compile:
            optimizer.step = torch.compile(optimizer.step, fullgraph=False)  # type: ignore[method-assign]
        return optimizer

    def split(self, head: Tensor) -> tuple[tuple[Tensor, ...], Tensor, Tensor]:
        """Logits of each categorical code, means and log-variances of the continuous ones."""
        *logits, mean, log_variance = head.split_with_sizes(
            [*self.spec.categorical, self.spec.continuous, self.spec.continuous], dim=1
        )
        return tuple(logits), mean, log_variance


class FormA(_Step):
    """One forward pass of G and three of the trunk: real, generated for D, generated for G and Q.

    Q's head belongs to G's optimiser and the trunk to D's, so the gradient of the information loss does not reach the
    trunk's weights.

    Args:
        nets: the networks, in training mode.
        spec: the latent variables.
        compile: compile each region and the optimisers' updates with ``torch.compile``.
        mixed: run the networks in bfloat16.
        learning_rates: of D with the trunk, of G, of Q's head.
        information: multiplies the weights of the information loss.
    """

    def __init__(
        self,
        nets: InfoGAN,
        spec: LatentSpec,
        compile: bool = False,
        mixed: bool = False,
        learning_rates: tuple[float, float, float] = (LEARNING_RATE,) * 3,
        information: float = 1.0,
    ) -> None:
        super().__init__(nets, spec, compile, mixed)
        discriminator, generator, head = learning_rates
        self.discriminator_optimizer = self.adam(nets.trunk, nets.discriminator_head, learning_rate=discriminator)
        self.generator_optimizer = self.adam(nets.generator, self.q_head, learning_rate=generator)
        if head != generator:
            self.generator_optimizer = self.adam(nets.generator, learning_rate=generator)
            self.generator_optimizer.add_param_group({"params": list(self.q_head.parameters()), "lr": head})
        self.information = information
        self.discriminator_loss = self.compiled(self._discriminator_loss)
        self.generator_losses = self.compiled(self._generator_losses)

    def __call__(self, real: Tensor, codes: Codes | None = None) -> Tensor:
        """One update of every network.

        Args:
            real: images ``[B, C, H, W]`` float32 in [0, 1].
            codes: the latent variables; drawn if None.

        Returns:
            ``[3]``: losses of D, of G, and the information loss, detached.
        """
        batch_size = len(real)
        if codes is None:
            codes = draw(self.spec, batch_size, self.device)
        ones = torch.ones(batch_size, 1, dtype=real.dtype, device=self.device)

        self.discriminator_optimizer.zero_grad(set_to_none=True)
        real_loss = self.discriminator_loss(real, ones)
        real_loss.backward()
        fake = self.generate(codes.input)
        fake_loss = self.discriminator_loss(fake.detach(), torch.zeros_like(ones))
        fake_loss.backward()
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad(set_to_none=True)
        generator_loss, information_loss = self.generator_losses(fake, ones, codes.categorical, codes.continuous)
        (generator_loss + information_loss).backward()
        self.generator_optimizer.step()
        return torch.stack((real_loss.detach() + fake_loss.detach(), generator_loss, information_loss)).detach()

    def _discriminator_loss(self, images: Tensor, target: Tensor) -> Tensor:
        with self.autocast():
            logit = self.nets.discriminator_head(self.nets.trunk(images))
        return F.binary_cross_entropy(torch.sigmoid(logit.to(target.dtype)), target)

    def _generator_losses(
        self, fake: Tensor, ones: Tensor, categorical: Tensor, continuous: Tensor
    ) -> tuple[Tensor, Tensor]:
        with self.autocast():
            features = self.nets.trunk(fake)
            logit, head = self.nets.discriminator_head(features), self.q_head(features)
        probability = torch.sigmoid(logit.to(ones.dtype))
        logits, mean, log_variance = self.split(head.to(ones.dtype))
        loss = CONTINUOUS_WEIGHT * gaussian_nll(continuous, mean, log_variance)
        for code, code_logits in enumerate(logits):
            loss = loss + CATEGORICAL_WEIGHT * F.cross_entropy(code_logits, categorical[:, code])
        return F.binary_cross_entropy(probability, ones), self.information * loss


class FormB(_Step):
    """Two forward passes of G and four of the trunk, three optimisers; the information loss reaches every network.

    The GAN game has least squares, the continuous codes a mean squared error, the categorical ones a cross entropy that
    is applied to the output of a softmax: its floor is 1.461 nats, not 0.

    Args:
        nets: the networks, in training mode. Of Q's output, the log-variances are not used.
        spec: the latent variables.
        compile: compile each region and the optimisers' updates with ``torch.compile``.
        mixed: run the networks in bfloat16.
    """

    def __init__(self, nets: InfoGAN, spec: LatentSpec, compile: bool = False, mixed: bool = False) -> None:
        super().__init__(nets, spec, compile, mixed)
        self.generator_optimizer = self.adam(nets.generator)
        self.discriminator_optimizer = self.adam(nets.trunk, nets.discriminator_head, self.q_head)
        self.information_optimizer = self.adam(nets.generator, nets.trunk, nets.discriminator_head, self.q_head)
        self.validity_loss = self.compiled(self._validity_loss)
        self.information_loss = self.compiled(self._information_loss)

    def __call__(self, real: Tensor, codes: Codes | None = None) -> Tensor:
        """One update of every network; arguments and result as in ``FormA``."""
        batch_size = len(real)
        if codes is None:
            codes = draw(self.spec, batch_size, self.device)
        valid = torch.ones(batch_size, 1, dtype=real.dtype, device=self.device)

        self.generator_optimizer.zero_grad(set_to_none=True)
        fake = self.generate(codes.input)
        generator_loss = self.validity_loss(fake, valid)
        generator_loss.backward()
        self.generator_optimizer.step()

        self.discriminator_optimizer.zero_grad(set_to_none=True)
        real_loss = self.validity_loss(real, valid)
        fake_loss = self.validity_loss(fake.detach(), torch.zeros_like(valid))
        discriminator_loss = (real_loss + fake_loss) / 2
        discriminator_loss.backward()
        self.discriminator_optimizer.step()

        self.information_optimizer.zero_grad(set_to_none=True)
        codes = draw(self.spec, batch_size, self.device)
        information_loss = self.information_loss(self.generate(codes.input), codes.categorical, codes.continuous)
        information_loss.backward()
        self.information_optimizer.step()
        return torch.stack((discriminator_loss, generator_loss, information_loss)).detach()

    def _validity_loss(self, images: Tensor, target: Tensor) -> Tensor:
        with self.autocast():
            logit = self.nets.discriminator_head(self.nets.trunk(images))
        return F.mse_loss(logit.to(target.dtype), target)

    def _information_loss(self, fake: Tensor, categorical: Tensor, continuous: Tensor) -> Tensor:
        with self.autocast():
            head = self.q_head(self.nets.trunk(fake))
        logits, mean, _ = self.split(head.to(continuous.dtype))
        loss = CONTINUOUS_WEIGHT * F.mse_loss(mean, continuous)
        for code, code_logits in enumerate(logits):
            loss = loss + CATEGORICAL_WEIGHT * F.cross_entropy(code_logits.softmax(1), categorical[:, code])
        return loss
