"""Fuzzes one reader under atheris: ``python tests/fuzz/fuzz_one.py TARGET FOLDER [libFuzzer's arguments]``.

``run.py`` starts it. Undamaged files go to FOLDER/seeds. It goes on after a finding: FOLDER/findings gets one file for
each kind, the smallest that showed it.
"""

import random
import sys
from pathlib import Path

import atheris

# torch comes with them, and is left as it is: it parses nothing here, and has a hundred thousand functions.
with atheris.instrument_imports(include=["gzip", "infogan_fast", "json", "PIL", "zipfile"]):
    import numpy.lib._format_impl
    from fuzz_targets import TARGETS
    from fuzz_targets.placing import write
    from harness import Harness
    from PIL import Image

    Image.init()  # imports what reads each format


def _instrument(module):
    """A module of Python that was imported already, as all of NumPy would be too much."""
    for value in vars(module).values():
        if getattr(value, "__module__", None) == module.__name__ and hasattr(value, "__code__"):
            atheris.instrument_func(value)


class Findings:
    """The files that showed something, one for each kind of finding, in a folder.

    Args:
        folder: made if missing.
    """

    def __init__(self, folder):
        self._folder, self._sizes = folder, {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, finding, content):
        """Keep a file that is the first or the smallest to show it."""
        if len(content) >= self._sizes.get(finding.name, sys.maxsize):
            return
        if finding.name not in self._sizes:
            print(f"FINDING {finding}", file=sys.stderr, flush=True)
        self._sizes[finding.name] = len(content)
        (self._folder / finding.name[:150]).write_bytes(content)


def main():
    name, folder, *arguments = sys.argv[1:]
    target, findings = TARGETS[name], Findings(Path(folder) / "findings")
    harness = Harness(target, alarm=False)
    _instrument(numpy.lib._format_impl)
    for file, content in target.seeds().items():
        write(Path(folder) / "seeds" / file, content)
        harness.check(content)  # imports what is imported late, and fills caches

    def test_one_input(content):
        finding = harness.check(content)
        if finding is not None:
            findings.add(finding, content)

    def mutate(content, most, seed):
        def raw(part):
            return atheris.Mutate(part, max(len(part) + 64, 1))

        try:
            changed = target.mutate(content, random.Random(seed), raw)
        except Exception:  # it is too damaged to be taken apart
            changed = raw(content)
        return changed[:most]

    # libFuzzer starts itself anew to merge folders, by the words of its command, of which it takes this as the first.
    command = f"{sys.executable} {Path(__file__).resolve()} {name} {folder}"
    atheris.Setup([command, f"-max_len={target.max_length}", *arguments], test_one_input, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
