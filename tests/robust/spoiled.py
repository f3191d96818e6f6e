"""What is put in place of a right argument: strange things, and arrays with something wrong."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import numflow as nf

STRANGE: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "text": lambda: "text",
    "bytes": lambda: b"\xff\x00",
    "object": object,
    "ragged list": lambda: [[1], [1, 2]],
    "dict": dict,
    "1e400": lambda: 1e400,
    "-inf": lambda: float("-inf"),
    "nan": lambda: float("nan"),
    "1e30": lambda: 1e30,
    "-1": lambda: -1,
    "-3": lambda: -3,
    "0": lambda: 0,
    "7": lambda: 7,
    "0.5": lambda: 0.5,
    "2**31": lambda: 2**31,
    "-2**31": lambda: -(2**31),
    "2**62": lambda: 2**62,
    "2**63": lambda: 2**63,
    "2**70": lambda: 2**70,
    "True": lambda: True,
    "1j": lambda: 1j,
    "[]": list,
    "[[]]": lambda: [[]],
    "[None]": lambda: [None],
    "[nan]": lambda: [float("nan")],
    "[-1]": lambda: [-1],
    "[0, 0]": lambda: [0, 0],
    "[-5, 2]": lambda: [-5, 2],
    "[2**31]": lambda: [2**31],
    "[2**62, 2**62]": lambda: [2**62, 2**62],
    "['q']": lambda: ["q"],
    "(1, 'q')": lambda: (1, "q"),
    "slice": lambda: slice(1),
    "range": lambda: range(3),
    "a dtype": lambda: nf.float32,
    "a function": lambda: len,
    "a date": lambda: np.datetime64("2020"),
    "an array of objects": lambda: np.array([None]),
    "big-endian": lambda: np.array([1, 0], ">i4"),
    "unaligned columns": lambda: np.arange(6).reshape(2, 3)[:, ::-1],
    "a tensor of text": lambda: nf.constant(["q"]),
    "an empty tensor": lambda: nf.zeros((0,)),
    "an empty matrix": lambda: nf.zeros((0, 3)),
    "an empty tensor of ints": lambda: nf.zeros((0,), nf.int32),
    "tensor [-5]": lambda: nf.constant([-5]),
    "tensor -1": lambda: nf.constant(-1),
    "tensor 2**31 - 1": lambda: nf.constant(2**31 - 1),
    "tensor 2**40": lambda: nf.constant(2**40, nf.int64),
    "tensor [2**40]": lambda: nf.constant([2**40], nf.int64),
    "tensor nan": lambda: nf.constant(np.nan),
    "tensor -inf": lambda: nf.constant(-np.inf),
    "seven axes": lambda: nf.zeros((1, 1, 1, 1, 1, 1, 1)),
    "a ragged tensor": lambda: nf.ragged.constant([[1.0, 2.0], [3.0]]),
    "a sparse tensor": lambda: nf.SparseTensor([[0, 1]], [1.0], [2, 3]),
    "slices": lambda: nf.IndexedSlices(nf.ones([1, 3]), nf.constant([1])),
    "a variable": lambda: nf.Variable([1.0, 2.0]),
}


def _last(x: Any) -> Any:
    return x if not x.ndim else np.concatenate([x, x[..., -1:]], -1)


def _with(x: Any, value: Any) -> Any:
    """x, with value as its last element."""
    out = np.array(x)
    if out.size and (out.dtype.kind in "fc" or isinstance(value, int)):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            out.reshape(-1)[-1] = np.asarray(value).astype(out.dtype)
    return out


# Of an argument that is an array, or a list of numbers: what it becomes.
SPOILED: dict[str, Callable[[Any], Any]] = {
    "one axis more": lambda x: x[None],
    "one axis less": lambda x: x[0] if x.ndim and len(x) else x,
    "no rows": lambda x: x[:0] if x.ndim else x,
    "no columns": lambda x: x[..., :0] if x.ndim else x,
    "twice the rows": lambda x: np.concatenate([x, x]) if x.ndim else x,
    "one column more": _last,
    "as float32": lambda x: x.real.astype(np.float32),
    "as float64": lambda x: x.real.astype(np.float64),
    "as float16": lambda x: x.real.astype(np.float16),
    "as int32": lambda x: x.real.astype(np.int32),
    "as int64": lambda x: x.real.astype(np.int64),
    "as uint8": lambda x: np.abs(x).astype(np.uint8),
    "as bool": lambda x: x.astype(bool),
    "as complex64": lambda x: x.astype(np.complex64),
    "as text": lambda x: x.astype(str),
    "columns reversed": lambda x: x[..., ::-1],
    "transposed": lambda x: x.T,
    "last nan": lambda x: _with(x, np.nan),
    "last inf": lambda x: _with(x, np.inf),
    "last 1e38": lambda x: _with(x, 1e38),
    "last -1": lambda x: _with(x, -1),
    "last 0": lambda x: _with(x, 0),
    "last 1000": lambda x: _with(x, 1000),
    "last 2**31 - 1": lambda x: _with(x, 2**31 - 1),
    "last -2**31": lambda x: _with(x, -(2**31)),
    "all nan": lambda x: _with(x, np.nan) * 0 if x.dtype.kind == "f" else x,
    "all -1": lambda x: np.full_like(x, -1) if x.dtype.kind in "if" else x,
    "all the same": lambda x: np.full_like(x, x.reshape(-1)[0]) if x.size else x,
}


def numbers_of(value: Any) -> Any:
    """The array of an argument that is one, or a list of numbers; None for others."""
    if isinstance(value, np.ndarray):
        return value
    if isinstance(value, list) and value and not any(isinstance(v, list) for v in value):
        if all(type(v) in (int, float) for v in value):
            return np.array(value)
    if isinstance(value, list) and value and all(isinstance(v, list) for v in value):
        try:
            found = np.array(value)
        except ValueError:
            return None
        return found if found.dtype.kind in "if" else None
    return None
