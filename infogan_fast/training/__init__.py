"""The trainer: settings, the training step, the loop around it, and the folder of a run."""

from infogan_fast.finite import NonFiniteError
from infogan_fast.training.presets import PRESETS, preset
from infogan_fast.training.settings import ConfigError, TrainConfig
from infogan_fast.training.step import TrainingStep

__all__ = ["PRESETS", "ConfigError", "NonFiniteError", "TrainConfig", "TrainingStep", "preset"]
