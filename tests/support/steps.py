"""Training steps on small networks, and what they read, without a trainer."""

import torch

import infogan_fast as ig
from infogan_fast.training.augment import VIEWS, Views
from infogan_fast.training.inputs import UpdateInputs
from infogan_fast.training.networks import build_networks
from infogan_fast.training.objective import objective_of
from infogan_fast.training.randomness import RandomViews
from infogan_fast.training.step import TrainingStep


def make_step(config, shape=(1, 8, 8), dtype=torch.float32, terms=()):
    """Networks and their step; the same initial weights each time."""
    model = build_networks(config, shape).to(dtype).train()
    return model, TrainingStep(model, config, objective_of(config, terms))


def make_inputs(config, shape=(1, 8, 8), dtype=torch.float32, number=0, still=False):
    """What one update reads: of images drawn from a seed, with random views or, if ``still``, as they are."""
    size = config.batch_size
    latents = ig.sample_latents(config.spec, size, torch.tensor(number + 1), dtype=dtype)
    generator = torch.Generator().manual_seed(number)
    real = torch.rand(size, *shape, generator=generator, dtype=torch.float64).to(dtype)
    random_views = RandomViews(config, torch.empty(size, *shape, dtype=dtype), config.uses_real_information, True)
    views = random_views(number)
    if still:
        views = Views(None, torch.zeros(VIEWS, size, *shape, dtype=dtype))
    labels = torch.arange(size) % 3
    return UpdateInputs(latents, views, real, random_views.second_view, labels, random_views.uniform)


def named(step, metrics):
    """The metrics of a step by name."""
    return dict(zip(step.metrics, metrics, strict=True))


def parts_with_gradients(model):
    """The networks in which a parameter has a gradient other than 0."""
    return {
        name
        for name, module in model.named_children()
        if any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
    }
