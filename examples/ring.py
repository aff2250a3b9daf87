"""Train an InfoGAN on vectors of two numbers: eight Gaussians on a ring, each of them long along the radius.

The categorical code should find the Gaussians and the continuous code the way outwards from the centre; the folder
traversals/ of the run has both as points in the plane.

    python examples/ring.py --steps 4000 --out runs/ring
"""

import argparse
import math

import torch
from torch import nn

import infogan_fast as ig


def ring(count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points ``[count, 2]``, and which of the eight Gaussians each is from."""
    generator = torch.Generator().manual_seed(seed)
    gaussian = torch.randint(8, (count,), generator=generator)
    radius = 2.0 + 0.4 * torch.randn(count, generator=generator)
    angle = gaussian * math.tau / 8 + 0.04 * torch.randn(count, generator=generator)
    return radius[:, None] * torch.stack((angle.cos(), angle.sin()), dim=1), gaussian


def network(inputs: int, outputs: int) -> nn.Sequential:
    hidden = nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU()
    return nn.Sequential(*hidden, nn.Linear(128, outputs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000, help="training steps (%(default)s)")
    parser.add_argument("--out", help="run folder; default: a new one in runs/")
    options = parser.parse_args()

    torch.manual_seed(0)  # of the initial weights
    spec = ig.LatentSpec(noise=4, categorical=(8,), continuous=1)
    model = ig.InfoGAN(
        spec,
        generator=network(spec.input_dim, 2),
        trunk=nn.Sequential(network(2, 128), nn.ReLU()),
        discriminator_head=nn.Linear(128, 1),
        q_head=nn.Linear(128, spec.head_dim()),
    )
    data, heldout = ring(20_000, seed=0), ring(2_000, seed=1)
    run = ig.train(data=data, heldout=heldout, model=model, out=options.out, steps=options.steps, progress=print)
    print(f"accuracy of the categorical code: {run.summary['accuracy']:.3f}; pictures: {run.folder / 'traversals'}")


if __name__ == "__main__":
    main()
