"""Runs a reader on files, without atheris: ``python tests/fuzz/replay.py TARGET FILE ...``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2]))

from fuzz_targets import TARGETS
from harness import Harness


def main(name, *files):
    """Say what each file shows; 1 if any shows something."""
    harness = Harness(TARGETS[name])
    for content in TARGETS[name].seeds().values():  # imports what is imported late, and fills caches
        harness.check(content)
    found = [(file, harness.check(Path(file).read_bytes())) for file in files]
    harness.close()
    for file, finding in found:
        print(f"{file}: {finding or 'nothing'}")
    return int(any(finding for _, finding in found))


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__} TARGET is one of {', '.join(TARGETS)}.")
    sys.exit(main(*sys.argv[1:]))
