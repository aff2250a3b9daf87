"""Puts the shared helpers of each test folder on the path."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent / "ops"))
