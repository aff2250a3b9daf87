"""The Frechet Inception distance (Heusel et al. 2017), where its network is already on the machine.

torchmetrics computes it; by default it would download the weights of the Inception network, which is why they are
looked for here first. Nothing is ever downloaded.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn

from infogan_fast.extras import how_to_install

#: The file of torch-fidelity's Inception weights, in the folder where torch.hub keeps them.
WEIGHTS = "weights-inception-2015-12-05-6726825d.pth"

_BATCH = 50
_FEATURES = 2048


def weights_file() -> Path:
    """Where the Inception weights would be."""
    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS


def why_not() -> str | None:
    """Why there can be no FID on this machine, in a sentence, or None."""
    try:
        import torch_fidelity  # noqa: F401
        import torchmetrics.image.fid  # noqa: F401
    except ImportError as error:
        return f"No FID: {error}; install what it needs with: {how_to_install('fid', error.name or 'torchmetrics')}"
    except RuntimeError as error:  # of a torchvision that was built for another torch
        return f"No FID: its packages cannot be imported: {error}"
    if not weights_file().is_file():
        return f"No FID: the weights of its network are not on this machine, and are not downloaded: {weights_file()}"
    return None


def frechet_distance(
    first: Tensor, second: Tensor, network: nn.Module | None = None, device: torch.device | None = None
) -> float:
    """FID between two sets of images: the Frechet distance between Gaussians fitted to features of theirs.

    ``|m_1 - m_2|^2 + tr(C_1 + C_2 - 2 (C_1 C_2)^(1/2))``. With fewer images than features, 2,048, it is biased upwards
    and comparable only at the same number of images.

    Args:
        first, second: uint8 ``[N, C, H, W]`` with C = 1 or 3 and N >= 2; grey is repeated to three channels.
        network: from uint8 ``[N, 3, H, W]`` to features ``[N, D]``; None for Inception's 2,048, for which ``why_not``
            must be None.
        device: that the network runs on; the CPU by default.
    """
    from torchmetrics.image.fid import FrechetInceptionDistance

    metric = FrechetInceptionDistance(
        _FEATURES if network is None else network,
        input_img_size=(3, *first.shape[2:]),
        feature_extractor_weights_path=str(weights_file()) if network is None else None,
    ).to(device or torch.device("cpu"))
    metric.set_dtype(torch.float64)
    for images, real in ((first, True), (second, False)):
        for batch in torch.split(images, _BATCH):
            metric.update(batch.expand(-1, 3, -1, -1).contiguous().to(metric.device), real=real)
    return float(metric.compute())
