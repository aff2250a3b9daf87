"""Training in bfloat16 computes with the weights of the present step, whoever else has autocast contexts."""

import torch

from infogan_fast.data import ImageData
from infogan_fast.training.loop import TrainingLoop


def test_weights_are_cast_anew_in_each_step(make_config, data):
    """The trainer's own context encloses the steps: with it they are the same bits as without."""
    images = ImageData("larger", data.images.repeat(1, 1, 2, 2))
    config = make_config(networks="images", precision="bfloat16", compile=False, steps=3, log_every=3)
    alone, enclosed = TrainingLoop(config, images), TrainingLoop(config, images)
    for _ in range(3):
        alone.advance()
    with torch.autocast("cpu", enabled=False):
        for _ in range(3):
            enclosed.advance()
    for name, weights in alone.model.state_dict().items():
        assert torch.equal(weights, enclosed.model.state_dict()[name]), name
