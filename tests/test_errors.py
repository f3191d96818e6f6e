"""Exceptions and the one message format."""

from __future__ import annotations

import pytest

import numflow as nf
from numflow import errors
from numflow.errors import explain


def test_message_format() -> None:
    """Op and problem, a line per value, the remedy, the user's line."""
    text = explain("add", "it does not fit", {"x": "float32 [2]"}, fix="nf.cast")
    assert text.splitlines()[:3] == ["add: it does not fit", "  x: float32 [2]", "  try: nf.cast"]
    assert text.splitlines()[3].startswith("  at test_errors.py:")


def test_tensorflows_classes() -> None:
    """A program's except clauses work whichever of TensorFlow's types they name."""
    for catch in (ValueError, nf.errors.InvalidArgumentError, nf.errors.OpError):
        with pytest.raises(catch):
            nf.reshape([1, 2], [3])
    for other in (TypeError, nf.errors.InvalidArgumentError):
        with pytest.raises(other):
            nf.constant([1.0]) + nf.constant([1])
    error = nf.errors.NotFoundError(None, None, "no such file")
    assert error.message == str(error) == "no such file" and error.op is None


def test_the_last_line_is_the_users() -> None:
    """File, line and code where the op was called."""
    with pytest.raises(nf.errors.ShapeError) as e:
        nf.matmul(nf.ones([2, 3]), nf.ones([2, 3]))
    assert str(e.value).splitlines()[-1].strip().startswith("at test_errors.py:")
    assert "nf.matmul(nf.ones([2, 3]), nf.ones([2, 3]))" in str(e.value)


def test_codes_are_those_of_tensorflow() -> None:
    """Each class has its number; one given with the arguments counts."""
    kinds = ["Cancelled", "Unknown", "InvalidArgument", "DeadlineExceeded", "NotFound",
             "AlreadyExists", "PermissionDenied", "ResourceExhausted", "FailedPrecondition",
             "Aborted", "OutOfRange", "Unimplemented", "Internal", "Unavailable", "DataLoss",
             "Unauthenticated"]  # fmt: skip
    assert [getattr(errors, f"{k}Error")(None, None, "m").error_code for k in kinds] == [
        *range(1, 17)
    ]
    assert errors.ShapeError("m").error_code == errors.INVALID_ARGUMENT == 3
    assert (errors.OK, errors.CANCELLED, errors.OUT_OF_RANGE) == (0, 1, 11)
    assert errors.OpError(None, None, "m", 7).error_code == 7


def test_a_traced_tensor_as_a_bool_is_no_operator_of_graphs() -> None:
    with pytest.raises(errors.OperatorNotAllowedInGraphError):
        nf.function(lambda x: bool(x), autograph=False)(nf.constant(1.0))
