"""What depends on the device: where a run takes place, the networks' width, how the step is computed."""

from __future__ import annotations

import dataclasses
import importlib.util
from typing import Any

import torch

from infogan_fast._extension import build_info
from infogan_fast.training.processor import processor
from infogan_fast.training.settings import OWN_NETWORKS, ConfigError, TrainConfig

WIDTH_ON_CPU, WIDTH_ON_GPU = 0.25, 1.0


def resolve(config: TrainConfig) -> tuple[TrainConfig, list[str]]:
    """The configuration with what is left to the device decided, and a sentence for each choice that one may wonder at.

    Raises:
        ConfigError: ``device`` is ``"cuda"``, and there is no GPU or the package was built without CUDA kernels.
    """
    has_gpu, has_kernels = torch.cuda.is_available(), bool(build_info()["cuda_kernels"])
    chosen: dict[str, Any] = {}
    notes = []
    if config.device == "cuda" and not has_gpu:
        raise ConfigError(f"device: got 'cuda', but torch {torch.__version__} finds no GPU; allowed here: auto, cpu")
    if config.device == "cuda" and not has_kernels:
        raise ConfigError(
            "device: got 'cuda', but infogan-fast was built without CUDA kernels; allowed here: auto, cpu"
        )
    device = config.device
    if device == "auto":
        chosen["device"] = device = "cuda" if has_gpu and has_kernels else "cpu"
        reason = (
            "" if device == "cuda" else (", as this build has no CUDA kernels" if has_gpu else ", as there is no GPU")
        )
        notes.append(f"device: {device}{reason}")
    if config.width is None and config.networks != OWN_NETWORKS:
        width = WIDTH_ON_GPU if device == "cuda" else WIDTH_ON_CPU
        chosen["width"] = width
        notes.append(
            f"width: {width:g} of the paper's channel counts, chosen for {device}; --set width=1 is the paper's"
        )
    if config.compile is None:
        chosen["compile"] = compiles = device == "cuda" and importlib.util.find_spec("triton") is not None
        if compiles:
            notes.append("compile: true, chosen for cuda; --no-compile saves the minute or more that it takes")
        elif device == "cuda":
            notes.append("compile: false, as Triton is not installed")
    notes += _choose_arithmetic(config, device, chosen)
    return dataclasses.replace(config, **chosen), notes


def _choose_arithmetic(config: TrainConfig, device: str, chosen: dict[str, Any]) -> list[str]:
    notes, here = [], processor()
    if config.precision == "auto":
        chosen["precision"] = here.precision if device == "cpu" else "float32"
        if device == "cpu":
            has = "has" if here.has_bfloat16 else "does not have"
            notes.append(f"precision: {chosen['precision']}, as the processor {has} instructions for bfloat16")
    if device == "cuda":  # where it has no meaning
        chosen["matrix_product"] = "blas"
    elif config.matrix_product == "onednn" and not here.has_onednn:
        raise ConfigError(
            f"matrix_product: got 'onednn', but torch {torch.__version__} has no oneDNN on this machine; allowed here: "
            "blas, or auto for a new run (a run that was started with onednn goes on with --set matrix_product=blas, "
            "and its weights will differ in their last bits)"
        )
    elif config.matrix_product == "auto":
        chosen["matrix_product"] = here.matrix_product
        notes.append(f"matrix_product: {here.matrix_product}, the faster one on {here.name}")
    return notes


def device_name(device: torch.device) -> str:
    """The GPU's name, or ``"cpu"``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
