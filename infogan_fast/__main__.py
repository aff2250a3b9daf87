"""Entry point of ``infogan-fast`` and ``python -m infogan_fast``: the commands, and how their errors are shown."""

from __future__ import annotations

import io
import sys

# Packages of the extra `train`, by the names they are imported by.
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
    "typer",
)

USER_ERROR, RUN_FAILED = 2, 1


def main() -> None:
    """Run the command line.

    Exits with 0; 2 for an error of usage, settings, data or files; 1 for a run that failed midway, because it diverged
    or its files could no longer be written; 130 or 143 where SIGINT (Ctrl-C) or SIGTERM stopped it.
    """
    for stream in (sys.stdout, sys.stderr):  # a path may have bytes that are no text: they are printed escaped
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        from infogan_fast import cli

        try:
            cli.app(prog_name="infogan-fast")
        except cli.USER_ERRORS as error:
            _exit(str(error), USER_ERROR)
        except cli.RUN_ERRORS as error:
            _exit(str(error), RUN_FAILED)
        except OSError as error:  # no permission, a full disk, a file where a folder should be
            _exit(f"{error.filename}: {error.strerror}" if error.filename else str(error), USER_ERROR)
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _TRAIN_EXTRA:
            raise
        _exit(
            f"the package {package} is needed for this; install it with: pip install 'infogan-fast[train]'", USER_ERROR
        )


def _exit(message: str, code: int) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(code)


if __name__ == "__main__":
    main()
