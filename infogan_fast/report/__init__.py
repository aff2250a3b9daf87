"""The pages and pictures that a run ends with."""
