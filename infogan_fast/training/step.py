"""One training step of an InfoGAN, from latent codes to updated weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from infogan_fast.nets import InfoGAN
from infogan_fast.nets.layer_runner import LayerRunner
from infogan_fast.objectives import discriminator_loss, generator_loss, invariant_information
from infogan_fast.ops import info_loss
from infogan_fast.spec import Latents
from infogan_fast.training.config import TrainConfig
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.views import FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR, REAL, Views

#: The first entries of what a step returns; the negative log-likelihood of each code, unweighted, follows.
LOSS_TERMS = (
    "discriminator_loss",  # of the GAN game, nats
    "discriminator_information_loss",  # sum of weight * nll over the codes, in D's and Q's update
    "generator_loss",  # of the GAN game, nats
    "generator_information_loss",  # the same sum in G's update, after D's and on another view of the images; or 0
    "head_abs_max",  # largest absolute value that Q put out, which grows before Q diverges
    "real_information",  # of Q's categories for two views of a real image, summed over the codes, nats; 0 without it
)


class TrainingStep:
    """Updates D and Q, then G, on one batch (paper, equation 6; the information loss is in both players' losses).

    One forward pass of G and two of the trunk, of which D's has the real and the generated images in one batch, each
    normalised by its own statistics, and with the term on real images (``config.real_information``) another view of the
    real ones. Which parts receive the gradient of the information loss, and of that term, is
    ``config.information_gradient``; the generator acts in G's update, trunk and head in D's.

    Args:
        nets: the networks, in training mode.
        config: the settings.
    """

    def __init__(self, nets: InfoGAN, config: TrainConfig) -> None:
        self.nets, self.config, self.spec = nets, config, config.spec
        device = next(nets.parameters()).device
        in_float32 = config.precision == "float32"
        self._autocast = partial(torch.autocast, device.type, torch.bfloat16, enabled=not in_float32)
        own_ops = device.type == "cpu" and in_float32 and not config.compile
        self._trunk = LayerRunner(nets.trunk.layers, own_ops)
        self._head = LayerRunner(nets.head.layers, own_ops)
        nets.head.requires_grad_("head" in config.information_gradient)
        trunk, head = [*nets.trunk.parameters(), *nets.real_or_fake.parameters()], list(nets.head.parameters())
        self._discriminator_parameters = trunk + head
        captured = device.type == "cuda" and config.cuda_graph
        self.discriminator_optimizer = _adam([trunk, head], config.betas, captured)
        self.generator_optimizer = _adam([list(nets.generator.parameters())], config.betas, captured)

        # Multiplies the weights of the codes; refilled in place, which a compiled step notices.
        self._weight_scale = torch.ones(self.spec.num_codes, device=device)
        self._generator = LayerRunner(nets.generator.layers, own_ops)
        self.generate: Callable[..., Tensor] = self._generate
        self.discriminator_losses: Callable[..., tuple[Tensor, ...]] = self._discriminator_losses
        self.generator_losses: Callable[..., tuple[Tensor, Tensor]] = self._generator_losses
        if config.compile:
            # Sizes do not change within a run; another run's in the same process are no reason to make them symbols.
            compiled = partial(torch.compile, fullgraph=True, dynamic=False)
            self.generate = compiled(self.generate)
            self.discriminator_losses = compiled(self.discriminator_losses)
            self.generator_losses = compiled(self.generator_losses)

    def __call__(
        self, real: Tensor, latents: Latents, views: Views, schedule: Schedule, again: Views | None = None
    ) -> Tensor:
        """One update of every network.

        Args:
            real: images ``[B, C, H, W]`` float32 in [0, 1].
            latents: the latent variables of B images.
            views: how D and Q see the images.
            schedule: multipliers of the learning rates and of the continuous codes' weight.
            again: how Q sees the real images for the second time, for the term on real images; None for none.

        Returns:
            float32 ``[len(LOSS_TERMS) + m + C]`` on the device: ``LOSS_TERMS``, then the nll of each code in nats.
        """
        self.follow(schedule)
        return self.update(real, latents, views, again)

    def update(self, real: Tensor, latents: Latents, views: Views, again: Views | None = None) -> Tensor:
        """A call's part on the device, with the schedule that was set last: what a CUDA graph can capture."""
        fake = self.generate(latents.input)

        self.discriminator_optimizer.zero_grad()
        d_loss, d_information, nll, head_abs_max, real_information = self.discriminator_losses(
            real, fake.detach(), latents, views, again
        )
        d_total = d_loss + d_information
        if again is not None:
            d_total = d_total - self.config.real_information * real_information
        d_total.backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad()
        with frozen(self._discriminator_parameters):  # no weight gradients that nobody would use
            g_loss, g_information = self.generator_losses(fake, latents, views)
            (g_loss + g_information).backward()  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()

        terms = torch.stack((d_loss, d_information, g_loss, g_information, head_abs_max, real_information)).detach()
        return torch.cat((terms, nll))

    def _generate(self, latents: Tensor) -> Tensor:
        with self._autocast():
            return _widened(self._generator(latents))

    def _discriminator_losses(
        self, real: Tensor, fake: Tensor, latents: Latents, views: Views, again: Views | None = None
    ) -> tuple[Tensor, ...]:
        images, batch = views.see(torch.cat((real, fake)), REAL, FAKE_FOR_DISCRIMINATOR), len(real)
        if again is not None:
            images = torch.cat((images, again.see(real, 0)))
        with self._autocast():
            features = self._trunk(images, groups=len(images) // batch)
            # D judges the first two batches; Q reads the generated images, and with the term on real ones all.
            judged, seen = (features, features[batch:]) if again is None else (features[: 2 * batch], features)
            real_logits, fake_logits = _widened(self.nets.real_or_fake(judged)).chunk(2)
            seen = seen if "trunk" in self.config.information_gradient else seen.detach()
            head = self._head(seen, groups=len(seen) // batch)
        of_real = None
        if again is not None:
            of_real, head, of_real_again = head.chunk(3)
        information, nll = self._information_loss(head, latents)
        real_information = information.new_zeros(())
        if of_real is not None:
            real_information = self._real_information(_widened(of_real), _widened(of_real_again))
        game = discriminator_loss(real_logits, fake_logits)
        return game, information, nll, _widened(head.detach().abs().amax()), real_information

    def _real_information(self, head: Tensor, head_again: Tensor) -> Tensor:
        """Sum over the categorical codes, from Q's output for two views of the real images."""
        cardinalities = self.spec.categorical
        columns = sum(cardinalities)
        views = [part[:, :columns].split_with_sizes(cardinalities, dim=1) for part in (head, head_again)]
        return torch.stack([invariant_information(*logits) for logits in zip(*views, strict=True)]).sum()

    def _generator_losses(self, fake: Tensor, latents: Latents, views: Views) -> tuple[Tensor, Tensor]:
        nets = self.nets
        images = views.see(fake, FAKE_FOR_GENERATOR)
        with self._autocast():
            features = self._trunk(images)
            logits = _widened(nets.real_or_fake(features))
            head = self._head(features) if "generator" in self.config.information_gradient else None
        loss = generator_loss(logits)
        return loss, loss.new_zeros(()) if head is None else self._information_loss(head, latents)[0]

    def _information_loss(self, head: Tensor, latents: Latents) -> tuple[Tensor, Tensor]:
        config = self.config
        return info_loss(
            head,
            latents,
            self.spec,
            config.categorical_weight,
            config.continuous_weight,
            config.variance,
            return_terms=True,
            weight_scale=self._weight_scale,
        )

    def follow(self, schedule: Schedule) -> None:
        """Set the learning rates and weights of the steps to come."""
        config, rate = self.config, schedule.learning_rate
        self._weight_scale[len(self.spec.categorical) :] = schedule.continuous_weight
        trunk, head = self.discriminator_optimizer.param_groups
        (generator,) = self.generator_optimizer.param_groups
        _set_rate(trunk, rate * config.learning_rate_discriminator)
        _set_rate(head, rate * config.learning_rate_head)
        _set_rate(generator, rate * config.learning_rate_generator)


def _widened(tensor: Tensor) -> Tensor:
    """Float32 where autocast has made it less."""
    return tensor.float() if tensor.dtype is torch.bfloat16 else tensor


def _adam(groups: list[list[nn.Parameter]], betas: tuple[float, float], captured: bool) -> torch.optim.Adam:
    """If the step is captured in a CUDA graph, with learning rates on the device, which it reads afresh."""
    device = groups[0][0].device
    rates: list[Any] = [torch.zeros((), device=device) if captured else 0.0 for _ in groups]
    settings = [{"params": group, "lr": rate} for group, rate in zip(groups, rates, strict=True)]
    return torch.optim.Adam(settings, betas=betas, fused=True, capturable=captured)


def _set_rate(group: dict[str, Any], rate: float) -> None:
    if isinstance(group["lr"], Tensor):
        group["lr"].fill_(rate)
    else:
        group["lr"] = rate


@contextmanager
def frozen(parameters: Iterable[nn.Parameter]) -> Iterator[None]:
    """While it lasts, gradients pass through the layers with these parameters but none is computed for them."""
    trained = [parameter for parameter in parameters if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
