"""What is shown of a download."""

import io

from rich.console import Console

from infogan_fast.cli.download_progress import download_progress_on


def shown(terminal, *told):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)
    with download_progress_on(console) as progress:
        for what in told:
            progress(*what)
    return console.file.getvalue()


def test_a_line_per_file_where_there_is_no_terminal():
    told = [("a.gz", 0, 2000), ("a.gz", 1000, 2000), ("a.gz", 2000, 2000), ("b.gz", 0, 9_900_000)]
    assert shown(False, *told) == "downloading a.gz: 2.0 kB\ndownloading b.gz: 9.9 MB\n"


def test_a_bar_per_file_on_a_terminal():
    output = shown(True, ("a.gz", 0, 2000), ("a.gz", 2000, 2000), ("b.gz", 500, 1000))
    assert "downloading a.gz" in output
    assert "2.0/2.0 kB" in output
    assert "0.5/1.0 kB" in output


def test_nothing_without_a_download():
    assert shown(True) == shown(False) == ""
