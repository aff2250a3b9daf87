"""How many examples the property tests try, and which: HYPOTHESIS_PROFILE names one of the profiles."""

import os

from hypothesis import HealthCheck, settings

_COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow], "print_blob": True}

# The same examples on every run, so that a run of the tests means the same everywhere.
settings.register_profile("quick", max_examples=60, derandomize=True, database=None, **_COMMON)
settings.register_profile("thorough", max_examples=600, derandomize=True, database=None, **_COMMON)
# Other examples on every run: for a search by hand, which keeps what it finds in .hypothesis/.
settings.register_profile("search", max_examples=3000, **_COMMON)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
