"""One training step of an InfoGAN, from latent codes to updated weights."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from infogan_fast.nets import InfoGAN
from infogan_fast.objectives import discriminator_loss, generator_loss
from infogan_fast.ops import info_loss
from infogan_fast.spec import Latents
from infogan_fast.training.config import TrainConfig

#: The first entries of what a step returns; the negative log-likelihood of each code follows.
LOSS_TERMS = (
    "discriminator_loss",
    "discriminator_information_loss",
    "generator_loss",
    "generator_information_loss",
    "head_abs_max",
)


class TrainingStep:
    """Updates D and Q, then G, on one batch (paper, equation 6; the information loss is in both players' losses).

    One forward pass of G and three of the trunk. Which parts receive the gradient of the information loss is
    ``config.information_gradient``; the generator acts in G's update, trunk and head in D's.

    Args:
        nets: the networks, in training mode.
        config: the settings.
    """

    def __init__(self, nets: InfoGAN, config: TrainConfig) -> None:
        self.nets, self.config, self.spec = nets, config, config.spec
        nets.head.requires_grad_("head" in config.information_gradient)
        self.discriminator_optimizer = torch.optim.Adam(
            [
                {"params": [*nets.trunk.parameters(), *nets.real_or_fake.parameters()]},
                {"params": list(nets.head.parameters())},
            ],
            betas=config.betas,
            fused=True,
        )
        self.generator_optimizer = torch.optim.Adam(nets.generator.parameters(), betas=config.betas, fused=True)

        self.generate: Callable[..., Tensor] = nets.generator
        self.discriminator_losses: Callable[..., tuple[Tensor, ...]] = self._discriminator_losses
        self.generator_losses: Callable[..., tuple[Tensor, Tensor]] = self._generator_losses
        if config.compile:
            self.generate = torch.compile(self.generate, fullgraph=True)
            self.discriminator_losses = torch.compile(self.discriminator_losses, fullgraph=True)
            self.generator_losses = torch.compile(self.generator_losses, fullgraph=True)

    def __call__(self, real: Tensor, latents: Latents, noise: Tensor, rate: float) -> Tensor:
        """One update of every network.

        Args:
            real: images ``[B, C, H, W]`` float32 in [0, 1].
            latents: the latent variables of B images.
            noise: instance noise ``[3, B, C, H, W]``: for the real images, and for the fake ones in each update.
            rate: multiplier of the learning rates, 0 to 1.

        Returns:
            float32 ``[len(LOSS_TERMS) + m + C]`` on the device: ``LOSS_TERMS``, then the nll of each code in nats.
        """
        nets = self.nets
        self._set_learning_rates(rate)
        fake = self.generate(latents.input)

        self.discriminator_optimizer.zero_grad()
        d_loss, d_information, nll, head_abs_max = self.discriminator_losses(
            real + noise[0], fake.detach() + noise[1], latents
        )
        (d_loss + d_information).backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()

        self.generator_optimizer.zero_grad()
        with frozen(nets.trunk, nets.real_or_fake, nets.head):  # no weight gradients that nobody would use
            g_loss, g_information = self.generator_losses(fake + noise[2], latents)
            (g_loss + g_information).backward()  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()

        terms = torch.stack((d_loss, d_information, g_loss, g_information, head_abs_max)).detach()
        return torch.cat((terms, nll))

    def _discriminator_losses(self, real: Tensor, fake: Tensor, latents: Latents) -> tuple[Tensor, ...]:
        nets = self.nets
        fake_features = nets.trunk(fake)
        real_logits, fake_logits = nets.real_or_fake(nets.trunk(real)), nets.real_or_fake(fake_features)
        to_trunk = "trunk" in self.config.information_gradient
        head = nets.head(fake_features if to_trunk else fake_features.detach())
        information, nll = self._information_loss(head, latents)
        return discriminator_loss(real_logits, fake_logits), information, nll, head.detach().abs().amax()

    def _generator_losses(self, fake: Tensor, latents: Latents) -> tuple[Tensor, Tensor]:
        nets = self.nets
        features = nets.trunk(fake)
        loss = generator_loss(nets.real_or_fake(features))
        if "generator" not in self.config.information_gradient:
            return loss, loss.new_zeros(())
        return loss, self._information_loss(nets.head(features), latents)[0]

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
        )

    def _set_learning_rates(self, rate: float) -> None:
        trunk, head = self.discriminator_optimizer.param_groups
        (generator,) = self.generator_optimizer.param_groups
        trunk["lr"] = rate * self.config.learning_rate_discriminator
        head["lr"] = rate * self.config.learning_rate_head
        generator["lr"] = rate * self.config.learning_rate_generator


@contextmanager
def frozen(*modules: nn.Module) -> Iterator[None]:
    """While it lasts, gradients pass through the modules but none is computed for their weights."""
    parameters = [p for module in modules for p in module.parameters() if p.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)


def learning_rate_factor(step: int, steps: int, decay_from: float) -> float:
    """Multiplier of the learning rates in training step ``step`` of ``steps``, counted from 0.

    1 until the share ``decay_from`` of the run is done, then falling linearly, to reach 0 at the run's end.
    """
    done = step / steps
    return 1.0 if done <= decay_from else (1.0 - done) / (1.0 - decay_from)
