"""print: tensors, texts and structures of them, in TensorFlow's format.

Eagerly it prints at once. In a traced function it is a host call with an effect: it runs in program
order with assertions and other host calls, every time the program runs, and is never dropped. Each
print ends a stretch of compiled code; what it shows has to be in memory there.

Source: TensorFlow's `tf.print` (python/ops/logging_ops.py), for what a template looks like.
"""

from __future__ import annotations

import os
import pprint
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from numflow import nest
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op
from numflow.graph.operation import Operation, building, run_for_effect
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.logs import get_logger
from numflow.ops.array_text import array_text
from numflow.ops.convert import as_tensor

_HOLE = "\0nf\0"  # stands for a tensor in a template; as wide as TensorFlow's '{}'
_LEVELS = {"info": 20, "warning": 30, "warn": 30, "error": 40, "debug": 10, "fatal": 50,
           "critical": 50}  # fmt: skip


class Printed(NamedTuple):
    """What a print writes, and where: "stdout", "stderr", "log:20" or "file://path"."""

    template: str
    end: str
    summarize: int
    stream: str

    def write(self, arrays: Sequence[Any]) -> None:
        """Write the template with the arrays in its holes."""
        parts = self.template.split(_HOLE)
        shown = [array_text(np.asarray(a), self.summarize) for a in arrays]
        text = parts[0] + "".join(s + p for s, p in zip(shown, parts[1:], strict=True))
        if self.stream.startswith("log:"):
            get_logger().log(int(self.stream[4:]), "%s", text)
        elif self.stream.startswith("file://"):
            with open(self.stream.removeprefix("file://"), "a", encoding="utf-8") as file:
                file.write(text + self.end)
        else:
            stream = sys.stdout if self.stream == "stdout" else sys.stderr
            stream.write(text + self.end)
            stream.flush()


def _print_infer(*_: Spec, printed: Printed) -> tuple[Spec, ...]:
    return ()


def _print_reference(*arrays: Any, printed: Printed) -> tuple[Any, ...]:
    printed.write(arrays)
    return ()


print_op = Op(
    "print",
    _print_infer,
    _print_reference,
    None,
    HostCall("what it shows is written by Python"),
    effect="host",
)


def print(*inputs: Any, **kwargs: Any) -> Operation | None:
    """Write tensors, texts and structures of them.

    Args:
      inputs: tensors, variables, Python values, and lists, tuples and dictionaries of them.
      kwargs: output_stream: sys.stderr (default), sys.stdout, a function of logging (info,
        warning, error), or "file://path", to which it appends; summarize: elements shown at each
        end of an axis, default 3, -1 for all; sep: between inputs, default " "; end: default a
        new line; name.

    Returns:
      None eagerly; in a traced function an Operation. It prints whether that is used or not.

    Raises:
      ValueError: an output_stream of another kind, or an unknown keyword.

    Example:
      >>> import sys
      >>> nf.print("x =", nf.range(8), {"half": nf.constant(0.5)}, output_stream=sys.stdout)
      x = [0 1 2 ... 5 6 7] {'half': 0.5}
    """
    stream = kwargs.pop("output_stream", sys.stderr)
    name = kwargs.pop("name", None)
    summarize = kwargs.pop("summarize", 3)
    sep, end = kwargs.pop("sep", " "), kwargs.pop("end", None)
    if kwargs:
        raise ValueError(explain("print", f"Unrecognized keyword arguments for nf.print: {kwargs}"))
    if isinstance(summarize, bool) or not hasattr(summarize, "__index__"):
        raise TypeError(
            explain("print", f"Expected int for argument 'summarize' not {summarize!r}.")
        )
    if not isinstance(sep, str) or not isinstance(end, str | None):
        raise TypeError(explain("print", "sep and end are texts", {"sep": sep, "end": end}))
    tensors: list[Tensor] = []
    template = sep.join(_template(x, tensors) for x in inputs)
    last = os.linesep if end is None else end
    printed = Printed(template, last, summarize.__index__(), _stream(stream))
    if building() is None:
        printed.write(tensors)
        return None
    return run_for_effect(print_op, tensors, {"printed": printed}, name or "print")


class _Hole:
    """Stands for a tensor while a structure is formatted."""

    def __repr__(self) -> str:
        return _HOLE


def _template(x: Any, tensors: list[Tensor]) -> str:
    """x as text, with a hole for each tensor, which is added to tensors."""

    def leaf(value: Any) -> Any:
        if isinstance(value, Tensor) or hasattr(value, "_as_tensor"):
            tensors.append(as_tensor(value, None, "print", "input"))
            return _Hole()
        return value

    if isinstance(x, str):
        return x
    if isinstance(x, Tensor) or not nest.is_nested(x):
        found = leaf(x)
        return _HOLE if isinstance(found, _Hole) else pprint.pformat(found)
    return pprint.pformat(nest.map_structure(leaf, _sorted(x)))


def _sorted(x: Any) -> Any:
    """Dictionaries with their keys in the order in which they are shown."""
    if isinstance(x, dict):
        try:
            keys = sorted(x)
        except TypeError:
            keys = list(x)
        return {k: _sorted(x[k]) for k in keys}
    if type(x) in (list, tuple):
        return type(x)(map(_sorted, x))
    return x


def _stream(stream: Any) -> str:
    if stream is sys.stdout or stream is sys.__stdout__:
        return "stdout"
    if stream is sys.stderr or stream is sys.__stderr__:
        return "stderr"
    if isinstance(stream, str) and stream.startswith("file://"):
        if not stream.removeprefix("file://"):
            raise InvalidArgumentError(explain("print", "the path of output_stream is empty"))
        return stream
    kind = getattr(stream, "__name__", "")
    home = getattr(stream, "__module__", "") or type(getattr(stream, "__self__", None)).__module__
    if callable(stream) and kind in _LEVELS and "logging" in str(home):
        return f"log:{_LEVELS[kind]}"
    problem = (
        f"Unsupported output stream, logging level, or file.{stream}. Supported streams are "
        "sys.stdout, sys.stderr, logging.info, logging.warning, logging.error. File needs to be in "
        "the form of 'file://<filepath>'."
    )
    raise ValueError(explain("print", problem))
