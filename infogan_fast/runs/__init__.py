"""The folder of a run, and the run: training that writes into it, resuming, loading."""
