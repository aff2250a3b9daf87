"""InfoGAN with fused ops: the information loss, the sampling of latent codes, and a trainer that uses them.

import infogan_fast as ig

spec = ig.LatentSpec(noise=62, categorical=(10,), continuous=2)
latents = ig.sample_latents(spec, batch_size=128, seed=ig.new_seed())
loss = ig.info_loss(Q(G(latents.input)), latents, spec)
"""

from typing import TYPE_CHECKING, Any

from infogan_fast import _at_start as _at_start  # before torch, which takes long to import
from infogan_fast import _extension as _extension  # loads the compiled ops; first, so that what follows can use them
from infogan_fast import fake as _fake  # noqa: F401
from infogan_fast import fake_layers as _fake_layers  # noqa: F401
from infogan_fast import reference
from infogan_fast._extension import build_info
from infogan_fast.latents import make_latents
from infogan_fast.loss import InfoLoss
from infogan_fast.model import Encoding, InfoGAN
from infogan_fast.ops import info_loss, new_seed, sample_latents
from infogan_fast.spec import CodeParameters, Latents, LatentSeed, LatentSpec
from infogan_fast.version import __version__

if TYPE_CHECKING:
    from infogan_fast.runs.load import Run as Run
    from infogan_fast.runs.load import load as load
    from infogan_fast.runs.train import train as train
    from infogan_fast.runs.trainer import Trainer as Trainer

#: What needs the packages of the extra ``train``, by module; imported when it is first used.
_OF_TRAINING = {
    "Run": "infogan_fast.runs.load",
    "Trainer": "infogan_fast.runs.trainer",
    "load": "infogan_fast.runs.load",
    "train": "infogan_fast.runs.train",
}

__all__ = [
    "CodeParameters",
    "Encoding",
    "InfoGAN",
    "InfoLoss",
    "LatentSeed",
    "LatentSpec",
    "Latents",
    "Run",
    "Trainer",
    "__version__",
    "build_info",
    "info_loss",
    "load",
    "make_latents",
    "new_seed",
    "reference",
    "sample_latents",
    "train",
]


if not TYPE_CHECKING:  # a type checker would take any name for one of them

    def __getattr__(name: str) -> Any:
        if name not in _OF_TRAINING:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        try:
            return getattr(import_module(_OF_TRAINING[name]), name)
        except ModuleNotFoundError as error:
            from infogan_fast.extras import how_to_install

            if (error.name or "").startswith("infogan_fast"):
                raise
            package = (error.name or "").split(".")[0]
            raise ModuleNotFoundError(
                f"ig.{name} needs the package {package}; install it with: {how_to_install('train', package)}",
                name=error.name,
            ) from error

    def __dir__() -> list[str]:
        return sorted({*globals(), *_OF_TRAINING})
