"""Speed: the ops, the training step and the time to a result, each against plain PyTorch, in one run.

``infogan-fast bench`` is the command; ``python -m infogan_fast.bench`` the same where only torch is installed.
"""
