"""One published file from a list of mirrors into a folder, checked before it gets its name."""

from __future__ import annotations

import errno
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infogan_fast.data.errors import DataError
from infogan_fast.version import __version__

#: Told how far a download is: the file's name, the bytes that are there, and the bytes of the whole file.
Progress = Callable[[str, int, int], None]

_TIMEOUT = 20.0  # seconds, to connect and for each read
_CHUNK = 2**16
# A server must not unpack a file that is itself gzip data.
_HEADERS = {"User-Agent": f"infogan-fast/{__version__}", "Accept-Encoding": "identity"}


@dataclass(frozen=True)
class RemoteFile:
    """A file as it is published, to the byte."""

    name: str
    size: int
    """Its number of bytes."""
    sha256: str
    """The SHA-256 of its content, in hexadecimal."""


def fetch(file: RemoteFile, urls: Sequence[str], folder: Path, progress: Progress | None = None) -> Path:
    """Download a file into a folder, unless it is there with the published content.

    It is written under a temporary name, checked, and renamed: under its own name it is whole at any time, also where
    several processes download it at once.

    Args:
        file: what to download.
        urls: addresses of the file itself, tried in turn.
        folder: made if it does not exist.
        progress: told about every piece that comes.

    Returns:
        The path of the file.

    Raises:
        DataError: no URL gave it, or the folder cannot be written.
        ModuleNotFoundError: pooch is not installed.
    """
    import pooch
    from requests import RequestException

    pooch.get_logger().setLevel(logging.WARNING)  # it would print a line per file, beside the caller's progress
    failures = []
    for url in urls:
        try:
            downloader = _downloader(file, progress)
            return Path(pooch.retrieve(url, f"sha256:{file.sha256}", file.name, folder, downloader=downloader))
        except (RequestException, ValueError) as error:
            failures.append(f"{url} ({_reason(error)})")
        except OSError as error:
            room = f"; the file needs {file.size} bytes" if error.errno == errno.ENOSPC else ""
            raise DataError(f"{folder / file.name}: cannot be written: {error.strerror or error}{room}") from error
    raise DataError(f"{file.name} could not be downloaded, tried {', '.join(failures)}")


def _downloader(file: RemoteFile, progress: Progress | None) -> Callable[[str, str, Any], None]:
    """What pooch calls to write the file: it stops where a server sends more than the file has."""
    import requests

    def report(done: int) -> None:
        if progress is not None:
            progress(file.name, done, file.size)

    def download(url: str, path: str, _: Any) -> None:
        done = 0
        with requests.get(url, stream=True, timeout=_TIMEOUT, headers=_HEADERS) as response, open(path, "wb") as out:
            response.raise_for_status()
            report(done)
            for chunk in response.iter_content(_CHUNK):
                done += len(chunk)
                if done > file.size:
                    raise ValueError(f"expected {file.size} bytes, got more")
                out.write(chunk)
                report(done)
        if done < file.size:
            raise ValueError(f"expected {file.size} bytes, got {done}")

    return download


def _reason(error: Exception) -> str:
    """Why a mirror did not give the file, in a line."""
    response = getattr(error, "response", None)
    if response is not None:
        return f"HTTP {response.status_code} {response.reason}"
    cause = error.args[0] if error.args else error
    text = " ".join(str(getattr(cause, "reason", cause)).split())  # of urllib3, which says what the system said
    return text.partition(". Deleted download")[0] or type(error).__name__
