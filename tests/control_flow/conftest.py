"""What the tests of loops share."""

from __future__ import annotations

from typing import Any
from unittest.mock import patch

import pytest

from numflow.control import cells


@pytest.fixture(scope="module")
def _tiny_cells_too() -> Any:
    """No loop is left to registers because it is tiny."""
    with patch.object(cells, "TINY", 0):
        yield
