"""The networks that the trainer trains."""

from infogan_fast.nets.mnist import Generator, InfoGAN, QHead, Trunk

__all__ = ["Generator", "InfoGAN", "QHead", "Trunk"]
