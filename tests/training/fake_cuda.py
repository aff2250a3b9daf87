"""Run by test_on_fake_cuda.py in a process of its own: training on tensors that have a device and a shape, but no data.

    python fake_cuda.py NAME [library with a device guard]

A tensor left on another device raises FakeTensorDeviceMismatchError; whatever waits for the device in order to read a
value raises DataDependentOutputException.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
import tempfile
from pathlib import Path

import torch
from torch._subclasses import FakeTensorMode
from torch._subclasses.fake_tensor import DataDependentOutputException, FakeTensor

from infogan_fast.data import ImageData
from infogan_fast.evaluation import codes, reading
from infogan_fast.evaluation.codes import recover_codes
from infogan_fast.evaluation.pictures import traversal
from infogan_fast.evaluation.pictures.grids import samples_grid, traversal_grid
from infogan_fast.evaluation.reading import generated
from infogan_fast.runs import trainer as trainer_module
from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.state import TrainedState
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training import TrainConfig, randomness

DEVICE = torch.device("cuda", 0)

VARIANTS = {
    "default": {},
    "paper": {"shear": 0.0, "rotation": 0.0, "instance_noise": 0.0, "variance": 1.0},
    "learned variance": {"variance": "learned", "categorical": (3, 5), "continuous_from": 0.0},
    "continuous only": {"categorical": (), "noise_prior": "uniform"},
    "categorical only": {"continuous": 0},
    "Q only watches": {"information_gradient": ("head",)},
    "real information": {"real_information": 1.0, "categorical": (3, 5)},
    "no information gradient": {"information_gradient": ()},
    "average of G": {"ema": 0.9},
}


class CudaGenerator(torch.Generator):
    """Stands for a generator of the device: a torch without CUDA has none."""

    def __new__(cls, device="cpu"):
        generator = super().__new__(cls)
        generator.wanted = torch.device(device)
        return generator

    def __init__(self, device="cpu"):
        pass

    @property
    def device(self):
        return self.wanted


def backward(loss):
    """Stands for autograd, which needs the real device: each trained weight gets a gradient like itself."""
    assert loss.device == DEVICE, f"the loss is on {loss.device}"
    for parameter in backward.parameters:
        if parameter.requires_grad:
            parameter.grad = torch.empty_like(parameter)


def module_to(module, device=DEVICE, memory_format=torch.preserve_format):
    """Stands for Module.to, which cannot swap tensors that a FakeTensorMode keeps track of."""
    for part in module.modules():
        for name, parameter in part._parameters.items():
            part._parameters[name] = torch.nn.Parameter(parameter.detach().to(device))
        for name, buffer in part._buffers.items():
            part._buffers[name] = buffer.to(device)
    return module


def copied(tensor, _memo):
    """Stands for a tensor's own deep copy, which copies the storage that there is not."""
    return tensor.detach().clone()


def copied_parameter(parameter, _memo):
    return torch.nn.Parameter(parameter.detach().clone())


def trainer_of(changes, folder):
    config = TrainConfig(
        device="cuda",
        width=0.1,
        batch_size=8,
        steps=6,
        log_every=2,
        evaluation_samples=600,
        cuda_graph=False,
        **changes,
    )
    images = torch.randint(0, 256, (20, 1, 8, 8), dtype=torch.uint8)
    trainer = Trainer(config, ImageData("tiny", images), RunFolder(Path(folder)))
    backward.parameters = list(trainer.model.parameters())
    return trainer


def check_training(changes, folder):
    """Two epochs and a bit: every tensor of the state is on the device afterwards."""
    trainer = trainer_of(changes, folder)
    for _ in range(5):
        trainer.loop.history.clear()
        trainer.loop.advance()
        assert trainer.loop.history.rows.device == DEVICE
    state = dict(trainer.model.state_dict())
    if trainer.loop.ema is not None:
        state |= {f"ema.{name}": tensor for name, tensor in trainer.loop.ema.module.state_dict().items()}
        state["fraction"] = trainer.loop.ema._fraction
    for optimizer in (
        trainer.loop.training_step.discriminator_optimizer,
        trainer.loop.training_step.generator_optimizer,
    ):
        for index, values in optimizer.state_dict()["state"].items():
            state |= {f"{index}.{key}": value for key, value in values.items()}
    elsewhere = {name: str(t.device) for name, t in state.items() if isinstance(t, FakeTensor) and t.device != DEVICE}
    assert not elsewhere, elsewhere


def check_evaluation(changes, folder):
    """Until the first value is read, which is the end of what the device does."""
    trainer = trainer_of(changes, folder)
    spec, seed = trainer.spec, torch.zeros((), dtype=torch.int64, device=DEVICE)
    rows = 0 if spec.categorical else None
    grids = [samples_grid(spec, seed, 2, rows)]
    grids += [traversal_grid(spec, seed, 2, rows, code) for code in range(spec.continuous)]
    assert all(grid.latents.input.device == DEVICE for grid in grids)
    assert trainer.model.generate(grids[0].latents.input).device == DEVICE
    assert all(x.device == DEVICE for _, x in generated(trainer.model, seed, randomness.EVALUATION, 600))
    with contextlib.suppress(DataDependentOutputException):  # .tolist() of the metrics, at the end
        recover_codes(trainer.model, seed, randomness.EVALUATION, 600)


def main(name, guard=None):
    if guard is not None:
        ctypes.CDLL(guard)
    torch.Generator = CudaGenerator
    torch.nn.Module.to = module_to
    torch.Tensor.backward = backward
    torch.Tensor.__deepcopy__, torch.nn.Parameter.__deepcopy__ = copied, copied_parameter
    torch.Tensor.pin_memory = lambda tensor: tensor
    trainer_module.resolve = lambda config: (config, [])  # which refuses a device that is not there
    ImageData.sha256 = lambda data: "unknown"
    TrainedState.check = lambda state: None  # which reads values
    for module in (reading, codes, traversal):
        module.check_outputs = lambda outputs, _what: outputs  # which reads values
    with tempfile.TemporaryDirectory() as folder, FakeTensorMode():
        check_training(VARIANTS[name], f"{folder}/training")
        check_evaluation(VARIANTS[name], f"{folder}/evaluation")


if __name__ == "__main__":
    for variant in VARIANTS if sys.argv[1] == "all" else [sys.argv[1]]:
        print(variant, flush=True)
        main(variant, *sys.argv[2:])
