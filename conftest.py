"""What every doctest of numflow finds without importing it: `nf`, `tf` (the same) and `np`."""

from typing import Any

import numpy as np
import pytest

import numflow


@pytest.fixture(autouse=True)
def _doctest_names(doctest_namespace: dict[str, Any]) -> None:
    """Doctests read as a user's program would, without three lines of imports each."""
    doctest_namespace.update(nf=numflow, tf=numflow, np=np)
