"""InfoGAN with fused ops: the information loss, the sampling of latent codes, and a trainer that uses them.

import infogan_fast as ig

spec = ig.LatentSpec(noise=62, categorical=(10,), continuous=2)
latents = ig.sample_latents(spec, batch_size=128, seed=ig.new_seed())
loss = ig.info_loss(Q(G(latents.input)), latents, spec)
"""

from infogan_fast import _at_start as _at_start  # before torch, which takes long to import
from infogan_fast import _extension as _extension  # loads the compiled ops; first, so that what follows can use them
from infogan_fast import fake as _fake  # noqa: F401
from infogan_fast import fake_layers as _fake_layers  # noqa: F401
from infogan_fast import reference
from infogan_fast._extension import build_info
from infogan_fast.loss import InfoLoss
from infogan_fast.ops import info_loss, new_seed, sample_latents
from infogan_fast.spec import Latents, LatentSeed, LatentSpec
from infogan_fast.version import __version__

__all__ = [
    "InfoLoss",
    "LatentSeed",
    "LatentSpec",
    "Latents",
    "__version__",
    "build_info",
    "info_loss",
    "new_seed",
    "reference",
    "sample_latents",
]
