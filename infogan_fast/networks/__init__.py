"""The built-in architectures, and what runs the layers of a network in training."""

from infogan_fast.networks.architectures import ARCHITECTURES, Networks, build_model

__all__ = ["ARCHITECTURES", "Networks", "build_model"]
