"""One training step of an InfoGAN, from latent codes to updated weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from infogan_fast.model import InfoGAN
from infogan_fast.networks.images import CategoricalNetwork
from infogan_fast.networks.runner import NetworkRunner, OwnOps
from infogan_fast.objectives import (
    Contribution,
    DiscriminatorPasses,
    DiscriminatorTerm,
    GeneratorPasses,
    GeneratorTerm,
    Term,
)
from infogan_fast.training.adam import FusedAdam
from infogan_fast.training.augment import FAKE_FOR_DISCRIMINATOR, FAKE_FOR_GENERATOR, REAL
from infogan_fast.training.inputs import UpdateInputs
from infogan_fast.training.processor import uses_onednn
from infogan_fast.training.projection import categories_read, of_categories
from infogan_fast.training.schedule import Schedule
from infogan_fast.training.settings import TrainConfig


class TrainingStep:
    """Updates D and Q, then G (paper, equation 6), as often as the settings say.

    One forward pass of G per update, in which the last update of D and the first one of G share. D's update sends the
    real and the generated images through the trunk together, each normalised by its own statistics, and with a term on
    two views of real images another view of them. Which parts receive the gradient of Q's terms is
    ``config.information_gradient``; the generator acts in G's update, trunk and head in D's.

    Args:
        model: the networks, in training mode.
        config: the settings.
        terms: of the objective, in the order in which they are added up.
    """

    def __init__(self, model: InfoGAN, config: TrainConfig, terms: Sequence[Term]) -> None:
        self.model, self.config = model, config
        self._discriminator_terms = [term for term in terms if isinstance(term, DiscriminatorTerm)]
        self._generator_terms = [term for term in terms if isinstance(term, GeneratorTerm)]
        in_order = (*self._discriminator_terms, *self._generator_terms)
        self.metrics = tuple(name for term in in_order for name in term.metrics)
        """Names of the values that a step gives."""
        device, in_float32 = model.device, config.precision == "float32"
        self._keeps_images = any("images" in term.inputs for term in terms)
        self._second_view = any("second_view" in term.inputs for term in terms)
        self._generator_reads_q = any(term.reads_q for term in self._generator_terms)
        twice_differentiated = any(term.needs_second_derivatives for term in terms)
        # Without a cache of cast weights: inside another autocast context, such as the trainer's, it outlives the step,
        # and does not see the updates of the optimisers.
        self._autocast = partial(
            torch.autocast, device.type, torch.bfloat16, enabled=not in_float32, cache_enabled=False
        )
        own_ops = None
        if device.type == "cpu" and not config.compile:
            own_ops = OwnOps(uses_onednn(config), None if in_float32 else torch.bfloat16)
        of_discriminator = None if twice_differentiated else own_ops
        self._generator = NetworkRunner(model.generator, own_ops)
        self._trunk = NetworkRunner(model.trunk, of_discriminator)
        self._discriminator_head = NetworkRunner(model.discriminator_head, of_discriminator)
        self._q = None if model.q is None else NetworkRunner(model.q, own_ops)
        categories = model.categorical_network
        if isinstance(categories, CategoricalNetwork):
            categories = categories.layers  # of which CategoryViews gives the input
        self._categories = None if categories is None else NetworkRunner(categories, own_ops)
        self._projection = None if model.projection is None else NetworkRunner(model.projection, of_discriminator)
        trunk, q = [*model.trunk.parameters(), *model.discriminator_head.parameters()], model.q_parameters()
        if model.projection is not None:
            trunk += model.projection.parameters()
        if "head" not in config.information_gradient:  # else parameters that the user has frozen stay so
            for parameter in q:
                parameter.requires_grad_(False)
        self._discriminator_parameters = trunk + q
        captured = device.type == "cuda" and config.cuda_graph
        self.discriminator_optimizer = FusedAdam([trunk, q], config.betas, captured)
        self.generator_optimizer = FusedAdam([list(model.generator.parameters())], config.betas, captured)

        # Multiplies the weights of the codes; refilled in place, which a compiled step notices.
        self._code_weight_scale = torch.ones(config.spec.num_codes, dtype=torch.float32, device=device)
        self.generate: Callable[[Tensor], Tensor] = self._generate
        self.discriminator_loss: Callable[..., tuple[Tensor, Tensor]] = self._discriminator_loss
        self.generator_loss: Callable[..., tuple[Tensor, Tensor]] = self._generator_loss
        if config.compile:
            # Sizes do not change within a run; another run's in the same process are no reason to make them symbols.
            compiled = partial(torch.compile, fullgraph=True, dynamic=False)
            self.generate = compiled(self.generate)
            self.generator_loss = compiled(self.generator_loss)
            if not twice_differentiated:
                self.discriminator_loss = compiled(self.discriminator_loss)

    def __call__(self, inputs: Sequence[UpdateInputs], schedule: Schedule) -> Tensor:
        """One step.

        Args:
            inputs: of each update, as ``StepInputs`` gives them.
            schedule: multipliers of the learning rates and of the continuous codes' weight.

        Returns:
            ``[len(metrics)]`` on the device, the values of ``metrics``, each a mean over the step's updates.
        """
        self.follow(schedule)
        return self.update(inputs)

    def update(self, inputs: Sequence[UpdateInputs]) -> Tensor:
        """A call's part on the device, with the schedule that was set last: what a CUDA graph can capture."""
        last = self.config.discriminator_updates - 1
        of_discriminator, of_generator = [], []
        for index, now in enumerate(inputs[: last + 1]):
            with torch.set_grad_enabled(index == last):  # G is updated on the last of them alone
                fake = self.generate(now.latents.input)
            of_discriminator.append(self._update_discriminator(fake.detach(), now))
        for index, now in enumerate(inputs[last:]):
            if index > 0:
                fake = self.generate(now.latents.input)
            of_generator.append(self._update_generator(fake, now))
        return torch.cat((_mean(of_discriminator), _mean(of_generator)))

    def _update_discriminator(self, fake: Tensor, inputs: UpdateInputs) -> Tensor:
        self.discriminator_optimizer.zero_grad()
        loss, logged = self.discriminator_loss(fake, inputs)
        loss.backward()  # type: ignore[no-untyped-call]
        self.discriminator_optimizer.step()
        return logged

    def _update_generator(self, fake: Tensor, inputs: UpdateInputs) -> Tensor:
        self.generator_optimizer.zero_grad()
        with frozen(self._discriminator_parameters):  # no weight gradients that nobody would use
            loss, logged = self.generator_loss(fake, inputs)
            loss.backward()  # type: ignore[no-untyped-call]
        self.generator_optimizer.step()
        return logged

    def _generate(self, latents: Tensor) -> Tensor:
        with self._autocast():
            return to_float32(self._generator(latents))

    def _discriminator_loss(self, fake: Tensor, inputs: UpdateInputs) -> tuple[Tensor, Tensor]:
        real, batch = inputs.real, len(fake)
        assert real is not None
        images = inputs.views.augment(torch.cat((real, fake)), REAL, FAKE_FOR_DISCRIMINATOR)
        seen_real, seen_fake = torch.split(images, batch) if self._keeps_images else (None, None)
        beside_views = self._categories is not None  # which Q then reads the real images' categories off
        second_view = self._second_view and not beside_views
        if second_view:
            assert inputs.second_view is not None
            images = torch.cat((images, inputs.second_view.augment(real, 0)))
        with self._autocast():
            features = self._trunk(images, groups=len(images) // batch)
            judged = features[: 2 * batch] if second_view else features
            real_logits, fake_logits = torch.split(to_float32(self._discriminator_head(judged, groups=2)), batch)
            matches = None if self._projection is None else to_float32(self._projection(judged, groups=2))
            # Q reads the generated images, and with a term on two views all.
            read = features if self.model.q_head is not None else images
            if self.model.q_head is not None and "trunk" not in self.config.information_gradient:
                read = read.detach()
            read = read if self._second_view else read[batch:]
            head = None if self._q is None else self._q(read, groups=len(read) // batch)
        heads = () if head is None else torch.split(to_float32(head), batch)
        if beside_views:
            real_head, second_view_head, fake_head = self._with_categories(heads, real, fake, inputs)
        elif self._second_view:
            real_head, fake_head, second_view_head = heads
        else:
            real_head, fake_head, second_view_head = None, heads[0], None
        if matches is not None:
            assert real_head is not None
            assert second_view_head is not None
            spec, (real_matches, fake_matches) = self.config.spec, torch.split(matches, batch)
            read = categories_read(torch.cat((real_head, second_view_head)), batch, spec, self.config.variance)
            real_logits = real_logits + of_categories(real_matches, read, spec)
            fake_logits = fake_logits + of_categories(fake_matches, inputs.latents.categorical, spec)
        passes = DiscriminatorPasses(
            real_logits=real_logits,
            fake_logits=fake_logits,
            fake_head=fake_head,
            latents=inputs.latents,
            code_weight_scale=self._code_weight_scale,
            real=seen_real,
            fake=seen_fake,
            judge=self._judge,
            real_head=real_head,
            second_view_head=second_view_head,
            labels=inputs.labels,
            uniform=inputs.uniform,
        )
        return _total([_checked(term, term(passes)) for term in self._discriminator_terms])

    def _with_categories(
        self, heads: Sequence[Tensor], real: Tensor, fake: Tensor, inputs: UpdateInputs
    ) -> tuple[Tensor | None, Tensor | None, Tensor]:
        """Q's output for the real images twice and for the generated ones, categories read by a network of their own.

        With a term on real images that network learns from these alone: generated images, which differ in less at
        first, would teach it to tell categories by that, such as the size of a blob.

        Args:
            heads: Q's other columns, for the real images where a term asks for them and for the generated ones.
            real, fake: the images as they are.
            inputs: the update's.
        """
        assert self._categories is not None
        assert inputs.category_views is not None
        views = inputs.category_views
        seen = views.of_discriminator(fake)
        with torch.set_grad_enabled(views.pairs == 0), self._autocast():
            logits = to_float32(self._categories(seen))
        fake_head = torch.cat((logits, *heads[-1:]), dim=1)
        if views.pairs == 0:
            return None, None, fake_head
        seen = views.of_real(real)
        with self._autocast():
            real_logits = to_float32(self._categories(seen, groups=2 * views.pairs))
        others = [heads[0].repeat(views.pairs, 1)] if heads else []
        one, other = (torch.cat((half, *others), dim=1) for half in real_logits.chunk(2))
        return one, other, fake_head

    def _judge(self, images: Tensor) -> Tensor:
        with self._autocast():
            return to_float32(self._discriminator_head(self._trunk(images)))

    def _generator_loss(self, fake: Tensor, inputs: UpdateInputs) -> tuple[Tensor, Tensor]:
        images = inputs.views.augment(fake, FAKE_FOR_GENERATOR)
        views = inputs.category_views
        of_category = (
            None if views is None else views.of_generator(fake)
        )  # in float32, whatever the networks compute in
        with self._autocast():
            features = self._trunk(images)
            logits = to_float32(self._discriminator_head(features))
            if self._projection is not None:
                matches = to_float32(self._projection(features))
                logits = logits + of_categories(matches, inputs.latents.categorical, self.config.spec)
            head = self._generator_head(images, features, of_category) if self._generator_reads_q else None
        passes = GeneratorPasses(logits, head, inputs.latents, self._code_weight_scale)
        return _total([_checked(term, term(passes)) for term in self._generator_terms])

    def _generator_head(self, images: Tensor, features: Tensor, of_category: Tensor | None) -> Tensor:
        parts = [] if of_category is None or self._categories is None else [self._categories(of_category)]
        if self._q is not None:
            parts.append(self._q(images if self.model.q_head is None else features))
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)

    def follow(self, schedule: Schedule) -> None:
        """Set the learning rates and weights of the steps to come."""
        config, rate = self.config, schedule.learning_rate
        self._code_weight_scale[len(config.categorical) :] = schedule.continuous_weight
        self.discriminator_optimizer.set_rates(
            rate * config.learning_rate_discriminator, rate * config.learning_rate_head
        )
        self.generator_optimizer.set_rates(rate * config.learning_rate_generator)


def _checked(term: Term, contribution: Contribution) -> Contribution:
    """What a term gave, if it is of the form that it has to be; only shapes are looked at."""
    name = type(term).__name__
    if not isinstance(contribution, Contribution):
        raise TypeError(f"{name}: got {type(contribution).__name__}, allowed: a Contribution")
    loss, logged = contribution
    if not isinstance(loss, Tensor) or loss.ndim > 0:
        got = list(loss.shape) if isinstance(loss, Tensor) else type(loss).__name__
        raise TypeError(f"{name}: its loss: got {got}, allowed: a 0-d tensor")
    if not all(isinstance(value, Tensor) for value in logged):
        raise TypeError(f"{name}: it logs {[type(value).__name__ for value in logged]}, allowed: tensors")
    count = sum(value.numel() for value in logged)
    if count != len(term.metrics):
        raise TypeError(f"{name}: it logs {count} values, allowed: {len(term.metrics)}, one for each of {term.metrics}")
    return contribution


def _total(contributions: Sequence[Contribution]) -> tuple[Tensor, Tensor]:
    """The sum of the terms, and all that they log, ``[n]``."""
    loss = contributions[0].loss
    for contribution in contributions[1:]:
        loss = loss + contribution.loss
    return loss, torch.cat([value.reshape(-1) for contribution in contributions for value in contribution.logged])


def _mean(logged: Sequence[Tensor]) -> Tensor:
    return logged[0] if len(logged) == 1 else torch.stack(list(logged)).mean(dim=0)


def to_float32(tensor: Tensor) -> Tensor:
    """Float32 where autocast has made it less."""
    return tensor.float() if tensor.dtype is torch.bfloat16 else tensor


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
