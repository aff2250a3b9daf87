"""The readers that are fuzzed, by name."""

from fuzz_targets import arrays, checkpoint, config, idx, image, metrics, summary

TARGETS = {module.TARGET.name: module.TARGET for module in (idx, arrays, image, checkpoint, config, metrics, summary)}
