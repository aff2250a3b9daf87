"""The images that the finished run was trained on."""

import pytest


@pytest.fixture
def images(finished):
    """A folder of IDX files."""
    return finished / "images"
