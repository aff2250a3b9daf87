"""Every reader of files on undamaged files, on damaged ones, and on what fuzzing found; without atheris."""

from pathlib import Path

import pytest
from fuzz_targets import TARGETS
from harness import Harness

FOLDER = Path(__file__).parent

# KNOWN FAULTS: files on which a reader still does what it must not. A file that a change mends has to leave this table,
# which ends as set().
KNOWN: set[str] = set()


@pytest.fixture(params=TARGETS)
def harness(request):
    harness = Harness(TARGETS[request.param])
    for content in harness.target.seeds().values():  # imports what is imported late, and fills caches
        harness.check(content)
    yield harness
    harness.close()


def test_undamaged_files_are_read(harness):
    target = harness.target
    for name, content in target.seeds().items():
        assert harness.check(content) is None, name
        target.read(target.place(content, harness.folder))  # raises nothing at all
        assert len(content) <= target.max_length


def test_damaged_files_do_no_harm(harness):
    check(harness, harness.target.damaged())


@pytest.mark.parametrize("kind", ["corpus", "regressions"])
def test_files_that_fuzzing_found_do_no_harm(harness, kind):
    folder = FOLDER / kind / harness.target.name
    check(harness, {path.name: path.read_bytes() for path in sorted(folder.glob("*"))})


def check(harness, files):
    found = {name: harness.check(content) for name, content in files.items()}
    faults = {f"{harness.target.name}/{name}": str(finding) for name, finding in found.items() if finding is not None}
    known = {
        name for name in KNOWN if name.partition("/")[0] == harness.target.name and name.partition("/")[2] in files
    }
    assert {name: fault for name, fault in faults.items() if name not in known} == {}
    assert known - faults.keys() == set(), "mended: take them out of KNOWN"


def test_each_reader_has_a_kept_corpus():
    assert {path.name for path in (FOLDER / "corpus").iterdir()} == TARGETS.keys()
    kept = [
        path for path in FOLDER.rglob("*") if path.is_file() and path.parent.parent.name in ("corpus", "regressions")
    ]
    assert sum(path.stat().st_size for path in kept) < 600_000
