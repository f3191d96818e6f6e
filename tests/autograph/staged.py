"""What the tests of control flow on tensors share."""

from __future__ import annotations

import re
from typing import Any

import pytest

import numflow as nf


def one(x: Any) -> Any:
    return nf.constant(x)


def text_of(error: pytest.ExceptionInfo[BaseException]) -> str:
    return re.sub(r"\(?\w+\.py:\d+\)?", "HERE", str(error.value).split("\n")[0])


class Thing:
    """An object with an attribute."""

    v: Any = 0
