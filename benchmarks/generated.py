"""Documents, and sections of them, that a command writes from the committed results."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"
END = "<!-- end of what is written -->"


def mark(command: str) -> str:
    """The mark at the beginning of what a command writes; ``END`` closes it."""
    return f"<!-- written by `{command}` from benchmarks/results -->"


def with_section(document: str, command: str, text: str) -> str:
    """The document with this text between the marks of the command.

    Raises:
        ValueError: the document has not exactly one place for it.
    """
    begin = mark(command)
    before, _, rest = document.partition(begin)
    old, end, after = rest.partition(END)
    if document.count(begin) != 1 or not end or "<!-- written by" in old:
        raise ValueError(f"expected one {begin!r}, and {END!r} after it")
    return f"{before}{begin}\n\n{text}\n\n{END}{after}"


def write_or_check(contents: dict[Path, str], command: str, check: bool) -> int:
    """Write the files, or only say which of them would change; gives the exit status, 1 where a check finds one."""
    stale = [path for path, text in contents.items() if not path.exists() or path.read_text() != text]
    if not check:
        for path in stale:
            path.write_text(contents[path])
        return 0
    for path in contents:
        print(f"{path.name} is not up to date: {command}" if path in stale else f"{path.name} is up to date")
    return 1 if stale else 0


def paragraph(*sentences: str) -> str:
    """The sentences in lines of at most 120 characters."""
    return textwrap.fill(" ".join(sentences), 120, break_long_words=False, break_on_hyphens=False)


def bullets(*items: str) -> str:
    """A list of the items, in lines of at most 120 characters."""
    lines = [
        textwrap.fill(f"- {item}", 120, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
        for item in items
    ]
    return "\n".join(lines)


def where(machine: dict[str, Any]) -> str:
    """Processor and version of torch, of what ``infogan_fast.bench.machine`` gives."""
    simd = {"avx512": " with AVX-512", "avx2": " with AVX2"}.get(machine["build"].get("cpu_simd_used"), "")
    return f"{machine['cpu']}{simd}, torch {machine['torch'].split('+')[0]}"


def threads(count: int) -> str:
    """A number of threads in words."""
    return "one thread" if count == 1 else f"{count} threads"
