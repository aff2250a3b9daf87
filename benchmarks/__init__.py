"""Benchmarks of infogan_fast against plain PyTorch, to be run from the root of the repository."""
