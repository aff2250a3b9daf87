"""Packages that are needed for a part of this one, and what to type where they are missing."""

from __future__ import annotations

import importlib.util
import re
from importlib import metadata

# Where a package is imported by another name than it is installed by.
_IMPORTED_AS = {"pillow": "PIL", "scikit-learn": "sklearn", "torch-fidelity": "torch_fidelity"}
_INSTALLED_AS = {imported: name for name, imported in _IMPORTED_AS.items()}


def requirements(extra: str) -> dict[str, str]:
    """The packages of an extra: the name each is imported by, and the one it is installed by.

    Empty where infogan-fast itself is not installed, as in a source tree that is only on the path.
    """
    try:
        required = metadata.requires("infogan-fast") or []
    except metadata.PackageNotFoundError:
        return {}
    of_extra = [text for text in required if re.search(rf"""extra\s*==\s*['"]{extra}['"]""", text)]
    names = [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0].lower() for text in of_extra]
    return {_IMPORTED_AS.get(name, name.replace("-", "_")): name for name in names}


def how_to_install(extra: str, package: str) -> str:
    """What to type where a package cannot be imported. No index has infogan-fast: the packages are named themselves.

    Args:
        extra: of which the package is one; the others that are missing are named with it.
        package: the name that it is imported by.
    """
    installed_by = requirements(extra)
    missing = {installed_by.get(package, _INSTALLED_AS.get(package, package))}
    missing |= {name for imported, name in installed_by.items() if importlib.util.find_spec(imported) is None}
    return f"pip install {' '.join(sorted(missing))} (in a checkout of infogan-fast: pip install '.[{extra}]')"
