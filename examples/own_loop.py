"""The information loss in a GAN loop of one's own: plain PyTorch, and two functions of infogan_fast.

ig.sample_latents draws G's input with the codes in it; ig.info_loss rewards Q and G where the codes can be read off the
images. Trains on images of one bright stripe, and prints L_I of each code: how much Q knows of it, in nats.

    python examples/own_loop.py --steps 1500
"""

import argparse

import torch
import torch.nn.functional as F
from torch import nn

import infogan_fast as ig


def stripes(count: int) -> torch.Tensor:
    """Images ``[count, 1, 16, 16]`` in [0, 1]: a bright stripe, horizontal or vertical, somewhere."""
    position = torch.rand(count, 1, 1, 1) * 10.0 + 3.0
    stripe = torch.exp(-0.5 * (torch.arange(16.0) - position).square()).expand(count, 1, 16, 16)
    return torch.where(torch.rand(count, 1, 1, 1) < 0.5, stripe, stripe.mT)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1500, help="training steps (%(default)s)")
    steps, batch = parser.parse_args().steps, 64

    torch.manual_seed(0)
    spec = ig.LatentSpec(noise=8, categorical=(2,), continuous=1)
    G = nn.Sequential(nn.Linear(spec.input_dim, 256), nn.ReLU(), nn.Linear(256, 256), nn.Sigmoid())
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(256, 256), nn.LeakyReLU(0.2), nn.Linear(256, 128), nn.LeakyReLU(0.2))
    D, Q = nn.Linear(128, 1), nn.Linear(128, spec.head_dim())
    # The trunk learns for D and Q: as in the paper's own code, both players' losses have the information loss.
    of_d_and_q = torch.optim.Adam([*trunk.parameters(), *D.parameters(), *Q.parameters()], 5e-4, (0.5, 0.999))
    of_g = torch.optim.Adam(G.parameters(), 1e-3, (0.5, 0.999))
    for step in range(1, steps + 1):
        latents = ig.sample_latents(spec, batch, seed=ig.new_seed())
        fake = G(latents.input).view(batch, 1, 16, 16)
        real_features, fake_features = trunk(stripes(batch)), trunk(fake.detach())
        loss_d = F.softplus(-D(real_features)).mean() + F.softplus(D(fake_features)).mean()
        of_d_and_q.zero_grad()
        (loss_d + ig.info_loss(Q(fake_features), latents, spec, continuous_weight=1.0)).backward()
        of_d_and_q.step()

        features = trunk(fake)
        information, nll = ig.info_loss(Q(features), latents, spec, continuous_weight=1.0, return_terms=True)
        of_g.zero_grad()
        (F.softplus(-D(features)).mean() + information).backward()
        of_g.step()

        if step % 100 == 0 or step == steps:
            bounds = ", ".join(f"{nats:.2f}" for nats in spec.entropy() - nll)
            print(f"step {step}: L_I in nats of {', '.join(spec.code_names)}: {bounds}")


if __name__ == "__main__":
    main()
