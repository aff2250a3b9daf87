"""What is raised where data cannot be had."""

from __future__ import annotations


class DataError(ValueError):
    """The data asked for are missing, damaged or do not fit together; the message says which file and what to do."""
