"""What is minimised besides the information loss, which is ``infogan_fast.info_loss``."""

from infogan_fast.objectives.gan import discriminator_loss, generator_loss
from infogan_fast.objectives.invariant_information import invariant_information

__all__ = ["discriminator_loss", "generator_loss", "invariant_information"]
