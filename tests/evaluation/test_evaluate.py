"""Everything about one model: of images and of other data, whatever mode the model is in."""

import torch
from torch import nn

import infogan_fast as ig
from infogan_fast.data import ImageData
from infogan_fast.evaluation import evaluate
from infogan_fast.networks import build_model

SPEC = ig.LatentSpec(noise=3, categorical=(4,), continuous=1)
SEED = torch.tensor(3)


def state_of(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_a_model_in_training_is_evaluated_by_its_running_statistics_and_left_as_it_was():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8, generator=generator)
    data = ImageData("x", images, torch.arange(20) % 4)
    model = build_model(SPEC, (1, 8, 8), variance=1.0, width=0.1)
    model.generator(torch.randn(9, SPEC.input_dim, generator=generator))  # moves the running statistics
    before = state_of(model)
    model.trunk.eval()  # frozen, as by a user
    modes = [module.training for module in model.modules()]
    found = evaluate(model, data, SEED, 0, 50).to_json()
    assert [module.training for module in model.modules()] == modes
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert found == evaluate(model.eval(), data, SEED, 0, 50).to_json()
    assert found["image_quality"]["swd"] > 0.0


def test_data_that_are_not_images_have_accuracy_and_factors_but_no_image_quality():
    """Waveforms of a double-precision model that reads its own codes: a constant signal per category, plus the code."""

    def generate(latents):
        return (latents[:, 3:7] @ torch.arange(4.0).double() + 0.1 * latents[:, 7])[:, None, None].expand(-1, 1, 16)

    def read(x):
        level = x.mean((1, 2))[:, None]
        category = level.round()
        logits = -100.0 * (level - torch.arange(4.0).double()).square()
        return torch.cat((logits, 10.0 * (level - category)), dim=1)

    class Module(nn.Module):
        def __init__(self, function):
            super().__init__()
            self.function, self.weight = function, nn.Parameter(torch.zeros(1, dtype=torch.float64))

        def forward(self, x):
            assert x.dtype == torch.float64
            return self.function(x)

    model = ig.InfoGAN(
        SPEC,
        generator=Module(generate),
        trunk=nn.Identity(),
        discriminator_head=nn.Identity(),
        q_network=Module(read),
        variance=0.01,
    )
    factors = torch.cartesian_prod(torch.arange(4), torch.arange(5)).repeat(10, 1)
    signals = (factors[:, 0] + (factors[:, 1] - 2) / 20.0)[:, None, None].expand(-1, 1, 16)
    names = {"factor_names": ("category", "level"), "factor_sizes": (4, 5)}
    data = ImageData("x", signals.contiguous(), 3 - factors[:, 0], factors=factors, **names)
    found = evaluate(model, data, SEED, 0, 300)
    assert found.image_quality is None
    assert found.accuracies[0].train == 1.0
    assert found.accuracies[0].classes == (3, 2, 1, 0)
    assert found.recovery.r2[0] > 0.999
    assert found.disentanglement["factor_vae"] == 1.0
