"""Data to train on: ``load`` makes an ``ImageData`` by name or from a path, ``from_python`` one from Python.

Data go one way: a source (``sources``, ``sprites``) gives images or items, held in memory or stored (``stored``), which
are resized (``resize``) where that is asked for, and are an ``ImageData`` (``images``) that batches are taken from.
"""

from infogan_fast.data.errors import DataError
from infogan_fast.data.images import ImageData
from infogan_fast.data.loading import NAMES, canonical, is_general_images, is_image_folder, is_path, load
from infogan_fast.data.sources.download import Progress
from infogan_fast.data.sources.idx import read_idx
from infogan_fast.data.sources.python import PythonData, from_python
from infogan_fast.data.stored import StoredImages

__all__ = [
    "NAMES",
    "DataError",
    "ImageData",
    "Progress",
    "PythonData",
    "StoredImages",
    "canonical",
    "from_python",
    "is_general_images",
    "is_image_folder",
    "is_path",
    "load",
    "read_idx",
]
