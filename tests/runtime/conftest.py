"""Tests that ask for `path` run twice: with the native entry, and with the Python one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from numflow.runtime import entry, native
from tests.runtime.samples import Tensor


@pytest.fixture(params=["native", "python"])
def path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which of the two; arguments and results may be of the class Tensor."""
    if request.param == "python":
        native.address_function.cache_clear()
        monkeypatch.setattr(native, "layouts_known", lambda: False)
    else:
        assert native.layouts_known()
    monkeypatch.setattr(native, "_registered", [])
    entry.register_tensor_class(Tensor, "_array")
    yield request.param
    native.address_function.cache_clear()
