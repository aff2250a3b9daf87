"""Entry point of ``infogan-fast`` and ``python -m infogan_fast``: the commands."""

from __future__ import annotations

import io
import sys

from infogan_fast._at_start import interrupts_raised
from infogan_fast.extras import how_to_install, requirements

# Packages of the extra `train`, by the names they are imported by, where nothing says what it holds.
_TRAIN_EXTRA = (
    "PIL",
    "filelock",
    "jinja2",
    "matplotlib",
    "mlxtend",
    "pydantic",
    "rich",
    "safetensors",
    "scipy",
    "sklearn",
    "typer",
)


def main() -> None:
    """Run the command line.

    Exits with 0; 2 for an error of usage, settings, data or files; 1 for a run that failed midway, because it diverged,
    its files could no longer be written or memory ran out; 130, 143 or 129 where SIGINT (Ctrl-C), SIGTERM or SIGHUP
    stopped it; 141 where the reader of what it prints has gone, as ``head`` does. ``train`` goes on without a reader.
    """
    for stream in (sys.stdout, sys.stderr):  # a path may have bytes that are no text: they are printed escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from infogan_fast.cli.app import app
        from infogan_fast.cli.errors import run

        with interrupts_raised():
            code = run(app)
    except KeyboardInterrupt:
        code = 130
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in {*_TRAIN_EXTRA, *requirements("train")}:
            raise
        print(
            f"error: the package {package} is needed for this; install it with: {how_to_install('train', package)}",
            file=sys.stderr,
        )
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()
