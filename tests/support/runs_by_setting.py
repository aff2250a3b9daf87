"""Short trainings whose every effect can be computed by hand, for the tests of single settings."""

import torch

from infogan_fast.runs.folder import RunFolder
from infogan_fast.runs.start import start
from infogan_fast.runs.trainer import Trainer
from infogan_fast.training.loop import TrainingLoop

#: Settings under which D, Q and G see the same images, and every code has its whole weight from the first step.
PLAIN = {"shear": 0.0, "rotation": 0.0, "instance_noise": 0.0, "continuous_from": 0.0, "continuous_full": 0.0}


def trained(config, data, steps=1, **own):
    """The loop of a training after some steps; ``own`` holds a model or terms of one's own."""
    loop = TrainingLoop(config, data, **own)
    for _ in range(steps):
        loop.advance()
    return loop


def inputs(config, data):
    """What the first update of a training reads."""
    made = TrainingLoop(config, data).inputs
    made.prepare(0)
    return made()[0]


def first_metrics(config, data):
    """Of the first step: what the terms log, and -log Q of each code in nats."""
    loop = trained(config, data)
    losses, bound = loop.history.means()
    return losses, (config.spec.entropy() - torch.tensor(bound, dtype=torch.float64)).tolist()


def weights(model):
    """Copies of the parameters by name."""
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def same(tensors, others):
    """Whether two dicts hold the same bits."""
    return tensors.keys() == others.keys() and all(torch.equal(t, others[name]) for name, t in tensors.items())


def gradients(config, data):
    """The gradients of one step by network, each flat; D and Q stay as they are, so that G's depend on it alone."""
    loop = trained(config, data)
    return {
        name: torch.cat([torch.zeros_like(p).flatten() if p.grad is None else p.grad.flatten() for p in part])
        for name, part in ((name, list(network.parameters())) for name, network in loop.model.named_children())
    }


def largest_changes(config, data):
    """The largest change of a weight in the first step, by network."""
    loop = TrainingLoop(config, data)
    before = weights(loop.model)
    loop.advance()
    changes = {}
    for name, after in weights(loop.model).items():
        network = name.split(".")[0]
        changes[network] = max(changes.get(network, 0.0), float((after - before[name]).abs().max()))
    return changes


def run(config, data, path):
    """The trainer of a finished training, whose files are in the folder."""
    path.mkdir()
    trainer = Trainer(config, data, RunFolder(path))
    trainer.run()
    return trainer


def started(config, path):
    """The trainer at the first step of a run with the data that the settings name."""
    folder = RunFolder(path)
    trainer = start(config, folder)
    folder.release()
    return trainer
