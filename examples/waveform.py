"""Train an InfoGAN on waveforms [1, 64]: tones of two to three periods that fade out, fade in, or swell.

Shows networks of one-dimensional convolutions. The categorical code should find the envelope and the continuous code
the frequency; the folder traversals/ of the run has both as curves.

    python examples/waveform.py --steps 3000 --out runs/waveform
"""

import argparse
import math

import torch
from torch import nn

import infogan_fast as ig


def tones(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Waveforms ``[count, 1, 64]`` of values in [-1, 1], and their envelopes: 0, 1 or 2."""
    generator = torch.Generator().manual_seed(seed)
    time = torch.linspace(0.0, 1.0, 64)
    envelopes = torch.stack((torch.exp(-3.0 * time), torch.exp(3.0 * (time - 1.0)), torch.sin(math.pi * time) ** 2))
    which = torch.randint(3, (count,), generator=generator)
    periods = 2.0 + torch.rand(count, 1, generator=generator)
    return (envelopes[which] * torch.sin(math.tau * periods * (time - 0.5)))[:, None], which


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000, help="training steps (%(default)s)")
    parser.add_argument("--out", help="run folder; default: a new one in runs/")
    options = parser.parse_args()

    torch.manual_seed(0)  # of the initial weights
    spec = ig.LatentSpec(noise=4, categorical=(3,), continuous=1)
    generator = nn.Sequential(
        *(nn.Linear(spec.input_dim, 64 * 16), nn.BatchNorm1d(64 * 16), nn.ReLU(), nn.Unflatten(1, (64, 16))),
        *(nn.ConvTranspose1d(64, 32, 4, stride=2, padding=1), nn.BatchNorm1d(32), nn.ReLU()),
        *(nn.ConvTranspose1d(32, 1, 4, stride=2, padding=1), nn.Tanh()),
    )
    trunk = nn.Sequential(
        *(nn.Conv1d(1, 32, 4, stride=2, padding=1), nn.LeakyReLU(0.1)),
        *(nn.Conv1d(32, 64, 4, stride=2, padding=1), nn.LeakyReLU(0.1)),
        *(nn.Flatten(), nn.Linear(64 * 16, 128), nn.LeakyReLU(0.1)),
    )
    D, Q = nn.Linear(128, 1), nn.Linear(128, spec.head_dim())
    model = ig.InfoGAN(spec, generator=generator, trunk=trunk, discriminator_head=D, q_head=Q)
    # The continuous code joins when the categorical one has settled, and noise keeps D from winning.
    settings = {"continuous_weight": 0.2, "continuous_from": 0.1, "continuous_full": 0.3, "instance_noise": 0.1}
    settings |= {"learning_rate_discriminator": 5e-4, "learning_rate_head": 5e-4, "decay_from": 0.5}
    data = {"data": tones(9_000, seed=0), "heldout": tones(1_000, seed=1)}
    run = ig.train(**data, model=model, out=options.out, steps=options.steps, progress=print, **settings)
    print(f"accuracy of the categorical code: {run.summary['accuracy']:.3f}; pictures: {run.folder / 'traversals'}")


if __name__ == "__main__":
    main()
