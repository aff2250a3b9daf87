"""Entry point of ``infogan-fast`` and ``python -m infogan_fast``: the commands."""

from __future__ import annotations

import sys

# Packages of the extra `train`, by the names they are imported by.
_TRAIN_EXTRA = ("PIL", "jinja2", "matplotlib", "mlxtend", "rich", "safetensors", "scipy", "typer")


def main() -> None:
    """Run the command line.

    Exits with 0; 2 for an error of usage, settings, data or files; 1 for a run that failed midway, because it diverged
    or its files could no longer be written; 130 or 143 where SIGINT (Ctrl-C) or SIGTERM stopped it.
    """
    try:
        from infogan_fast.cli import errors
        from infogan_fast.cli.app import app

        errors.run(lambda: app(prog_name="infogan-fast"))
    except ModuleNotFoundError as error:
        package = (error.name or "").split(".")[0]
        if package not in _TRAIN_EXTRA:
            raise
        print(
            f"error: the package {package} is needed for this; install it with: pip install 'infogan-fast[train]'",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
