"""Speed: the ops, the training step and the time to a result, each against plain PyTorch, in one run."""
