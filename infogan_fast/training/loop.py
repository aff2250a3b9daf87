"""The training of a model, step by step; nothing is written anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from infogan_fast.data import ImageData
from infogan_fast.data.images import size_text
from infogan_fast.model import InfoGAN
from infogan_fast.objectives import Term
from infogan_fast.training import randomness
from infogan_fast.training.captured import WARM_UP_CALLS, Captured
from infogan_fast.training.ema import GeneratorEMA
from infogan_fast.training.history import History
from infogan_fast.training.inputs import StepInputs
from infogan_fast.training.networks import build_networks, check_own_model
from infogan_fast.training.objective import objective_of
from infogan_fast.training.schedule import schedule_at
from infogan_fast.training.settings import ConfigError, TrainConfig
from infogan_fast.training.step import TrainingStep


class TrainingLoop:
    """Networks, optimisers and inputs of a run, and the steps that it has done.

    Weights after a given step depend on the settings, the data and the initial weights alone, on one machine's CPU with
    one number of threads.

    Args:
        config: the settings, with device and width resolved (``device.resolve``).
        data: the real images, or whatever else is to be generated.
        model: networks of the user's own, which are trained in place, from the weights that they have; None for the
            built-in ones.
        terms: of the user's own, beside those of the settings.

    Images that would take more than half of a GPU's free memory stay in the machine's, and batches are copied.

    Raises:
        ConfigError: the batch is larger than the data, or networks, latent code and data do not fit each other.
        DataError: a term needs labels, and the data has none.
    """

    def __init__(
        self, config: TrainConfig, data: ImageData, model: InfoGAN | None = None, terms: Sequence[Term] = ()
    ) -> None:
        self.config, self.spec = config, config.spec
        self.device = torch.device(config.device)
        self.model = _model(config, data, model).train()
        if self.device.type == "cuda":  # where convolutions are faster so; on a CPU the layers see to it themselves
            self.model = self.model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        objective = objective_of(config, terms)
        self.training_step = TrainingStep(self.model, config, objective)
        self.ema = GeneratorEMA(self.model.generator, config.ema) if config.ema > 0.0 else None
        asked_for = {name for term in objective for name in term.inputs}
        self.reads_labels = "labels" in asked_for
        """Whether a term reads the labels of the real images."""
        network = self.model.categorical_network
        if (network is not None or config.ignore) and not (data.is_images and len(data.shape) == 3):
            raise ConfigError(
                f"ignore and categorical_network: got {data.name}, {size_text(data.shape)}, allowed: images"
            )
        if self.model.projection is not None and not config.uses_real_information:
            raise ConfigError("projection: got one, allowed: None unless real_information is above 0")
        if self.model.projection is not None and any(term.needs_second_derivatives for term in objective):
            raise ConfigError(
                "projection: got one, allowed: None with a term that differentiates D with respect to images, which "
                "are then of no category"
            )
        self.inputs = StepInputs(config, data, self.device, self.model.dtype, asked_for, network)
        capacity = min(config.log_every, config.steps)
        like = torch.empty(0, dtype=_at_least_float32(self.model.dtype), device=self.device)
        self.history = History(self.spec, self.training_step.metrics, capacity, like)
        """The metrics of the steps since it was last cleared."""
        self.step = 0
        """Steps done."""
        self._seeds_networks = model is not None
        on_gpu = self.device.type == "cuda" and config.cuda_graph
        self._update: Callable[[], Tensor] = Captured(self._update_networks) if on_gpu else self._update_networks
        self.warm_up_steps = WARM_UP_CALLS + 1 if on_gpu else 2 if config.compile or self.device.type == "cuda" else 1
        """First steps, which take longer: memory is allocated, and, where it is more than one, much is set up once."""

    def advance(self) -> None:
        """Do one step.

        Raises:
            DataError: streamed images cannot be read any more.
        """
        self.inputs.prepare(self.step)
        if self._seeds_networks:
            randomness.seed_networks(self.config.seed, self.step)
        self.training_step.follow(schedule_at(self.config, self.step))
        if self.ema is not None:
            self.ema.follow(self.step)
        self.history.append(self._update())
        self.step += 1

    def _update_networks(self) -> Tensor:
        """A step's part on the device. What changes from step to step, it reads from tensors that are refilled."""
        metrics = self.training_step.update(self.inputs())
        if self.ema is not None:
            self.ema.update()
        return metrics


def _model(config: TrainConfig, data: ImageData, model: InfoGAN | None) -> InfoGAN:
    """The networks on the device; those of the user's own, if they fit the settings and the data."""
    if model is None:
        return build_networks(config, data.image_shape).to(config.device)
    check_own_model(model, config)
    model.to(config.device)
    try:
        with randomness.generators_restored(torch.device(config.device)):
            model.check(data.shape)
    except ValueError as error:
        raise ConfigError(f"model: {error}; the data are {data.name}, {size_text(data.shape)}") from error
    return model


def _at_least_float32(dtype: torch.dtype) -> torch.dtype:
    return dtype if dtype == torch.float64 else torch.float32
