"""The networks that the trainer trains."""

from infogan_fast.nets.infogan import ARCHITECTURES, InfoGAN, Networks

__all__ = ["ARCHITECTURES", "InfoGAN", "Networks"]
