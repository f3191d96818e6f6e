"""The text form of graphs: `str(graph)` prints it, `parse` reads it, and tests use it.

    graph(%0: f32[batch, 3], %1: i32[])
      %2 = constant(value=f32[](0.5))
      %3 = multiply(%0, %2)  # train.py:31
      %4, %5 = top_k(%3, k=2)
      assign(%4, variable="best")
      return %3, %5

A line per node: outputs, op, inputs, attributes, perhaps the user's line as a comment. Sizes are
numbers, names or expressions of names (`2*batch+1`, `(rows//2)`). Small arrays stand in the line,
larger ones as the digest of their bytes, which cannot be read back. Variables go by their names, a
second one of a name by `name#2`.
The graphs that a node holds follow it, indented. What few nodes have stands among the attributes:
`_device`, and `_after`, the places of the nodes that it waits for. Apart from `%` and `[]` each
line is Python's syntax, so Python's parser reads it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from textwrap import dedent
from typing import Any

import numpy as np

from numflow.dtypes import DType
from numflow.graph.graph import Graph, GraphBuilder, Node, Value
from numflow.graph.op import REGISTRY, Attrs
from numflow.graph.printing import SHORT, to_text
from numflow.graph.spec import Spec
from numflow.shapes import Dim, maximum, minimum

__all__ = ["parse", "to_text"]

_LONG = {short: dtype for dtype, short in SHORT.items()}
_VALUE = re.compile(r"(?<![\w)])%(\w+)")  # behind a size % is the remainder
_AXIS = re.compile(r"\b([A-Za-z_]\w*)\.(\d+)\b")  # a size that is named after an axis: x.0
_DOT = "__axis__"
_RUN_TIME = re.compile(r"\?(\d+)")  # a size that depends on values: ?1
_NUMBER = "run__time__"
_SCALAR = re.compile(rf"\b({'|'.join(_LONG)})\[\]")


def parse(text: str, variables: Mapping[str, Any] | None = None) -> Graph:
    """The graph that text describes.

    Args:
      text: in the form above, indented as you like.
      variables: by the names that stand in the text.

    Raises:
      ValueError: not in the form: the message shows the line.
    """
    lines = [line for line in dedent(text).splitlines() if line.strip()]
    graph, rest = _graph(lines, 0, variables or {})
    if rest != len(lines):
        raise _refused(lines[rest], "text behind the end of the graph")
    return graph


def _graph(lines: Sequence[str], at: int, variables: Mapping[str, Any]) -> tuple[Graph, int]:
    """The graph whose first line is number `at`, and the number of the line behind it."""
    builder = GraphBuilder()
    values: dict[str, Value] = {}
    head = _python(lines[at].strip().replace("graph(", "def graph(", 1) + ": pass", lines[at])
    if not isinstance(head, ast.FunctionDef):
        raise _refused(lines[at], "a graph begins with its inputs: graph(%0: f32[2])")
    for arg in head.args.args:
        values[arg.arg] = builder.add_input(_spec(arg.annotation, lines[at]))
    at += 1
    while at < len(lines):
        line, place = lines[at], at
        at += 1
        statement = _python(line.strip(), line)
        if isinstance(statement, ast.Return):
            return builder.freeze([values[n] for n in _names(statement.value, values, line)]), at
        subgraphs = []
        while at < len(lines) and _indent(lines[at]) > _indent(lines[place]):
            inner, at = _graph(lines, at, variables)
            subgraphs.append(inner)
        targets, call = _parts(statement, line)
        node = _node(builder, call, values, variables, tuple(subgraphs), line)
        if len(targets) != len(node.outputs):
            raise _refused(line, f"{node.op.name} has {len(node.outputs)} outputs")
        values.update(zip(targets, node.outputs, strict=True))
    raise ValueError("parse: the graph ends without `return`")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _python(line: str, shown: str) -> ast.stmt:
    """The line as a Python statement: %1 is the name v1, f32[] is f32, x.0 is x__axis__0."""
    line = _RUN_TIME.sub(rf"{_NUMBER}\1", line)
    line = _AXIS.sub(rf"\1{_DOT}\2", _SCALAR.sub(r"\1", _VALUE.sub(r"v\1", line)))
    try:
        (statement,) = ast.parse(line).body
    except (SyntaxError, ValueError):
        raise _refused(shown, "not in the form of a node, see numflow/graph/text.py") from None
    return statement


def _parts(statement: ast.stmt, line: str) -> tuple[list[str], ast.Call]:
    """(names of the outputs, the call) of a node's line."""
    targets: list[str] = []
    if isinstance(statement, ast.Assign):
        (target,) = statement.targets
        items = target.elts if isinstance(target, ast.Tuple) else [target]
        targets = [item.id for item in items if isinstance(item, ast.Name)]
    value = getattr(statement, "value", None)
    if not isinstance(value, ast.Call) or not isinstance(value.func, ast.Name):
        raise _refused(line, "a node is `%1 = op(%0, attribute=...)`")
    return targets, value


def _node(
    builder: GraphBuilder,
    call: ast.Call,
    values: Mapping[str, Value],
    variables: Mapping[str, Any],
    subgraphs: tuple[Graph, ...],
    line: str,
) -> Node:
    assert isinstance(call.func, ast.Name)
    op = REGISTRY.get(call.func.id)
    if op is None:
        raise _refused(line, f"no op is called {call.func.id}")
    inputs = [values[n] for arg in call.args for n in _names(arg, values, line)]
    attrs: Attrs = {k.arg: _attribute(k.value, line) for k in call.keywords if k.arg}
    if "variable" in attrs:
        if attrs["variable"] not in variables:
            raise _refused(line, f"no variable {attrs['variable']!r} was given to parse")
        attrs["variable"] = variables[attrs["variable"]]
    after = tuple(builder.nodes[k] for k in attrs.pop("_after", ()))
    device = attrs.pop("_device", "")
    if subgraphs:
        attrs["graphs"] = subgraphs
    return builder.add(op, inputs, attrs, control_inputs=after, device=device)


def _names(x: ast.expr | None, values: Mapping[str, Value], line: str) -> list[str]:
    """The names of values in x, one or several."""
    items = [] if x is None else x.elts if isinstance(x, ast.Tuple) else [x]
    names = [item.id if isinstance(item, ast.Name) else "" for item in items]
    for name in names:
        if name not in values:
            raise _refused(line, f"%{name[1:]} is not defined before" if name else "no value")
    return names


def _spec(x: ast.expr | None, line: str) -> Spec:
    if isinstance(x, ast.Name) and x.id in _LONG:
        return Spec((), _LONG[x.id])
    if isinstance(x, ast.Subscript) and isinstance(x.value, ast.Name) and x.value.id in _LONG:
        sizes = x.slice.elts if isinstance(x.slice, ast.Tuple) else [x.slice]
        return Spec(tuple(_attribute(n, line) for n in sizes), _LONG[x.value.id])
    raise _refused(line, "a type is written f32[2, batch]")


_OPERATORS: dict[type[ast.operator], Any] = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.FloorDiv: lambda x, y: x // y,
    ast.Mod: lambda x, y: x % y,
}


def _attribute(x: ast.expr, line: str) -> Any:
    """The value of an attribute: numbers, strings, tuples, dtypes, sizes, arrays."""
    match x:
        case ast.Constant():
            return x.value
        case ast.Tuple():
            return tuple(_attribute(v, line) for v in x.elts)
        case ast.List():
            return [_attribute(v, line) for v in x.elts]
        case ast.Dict():
            keys = [_attribute(k, line) for k in x.keys if k is not None]
            return {k: _attribute(v, line) for k, v in zip(keys, x.values, strict=True)}
        case ast.Name():
            return _named(x.id)
        case ast.UnaryOp(op=ast.USub()):
            return -_attribute(x.operand, line)
        case ast.BinOp() if type(x.op) in _OPERATORS:
            left, right = _attribute(x.left, line), _attribute(x.right, line)
            return _OPERATORS[type(x.op)](left, right)
        case ast.Call(func=ast.Name(id="max" | "min" as name), args=[first, second]):
            chosen = maximum if name == "max" else minimum
            return chosen(_attribute(first, line), _attribute(second, line))
        case ast.Call(args=[content]) if not isinstance(content, ast.Call):
            if not (isinstance(x.func, ast.Name) and x.func.id == "opaque"):
                spec = _spec(x.func, line)
                return np.array(_attribute(content, line), spec.dtype.numpy).reshape(spec.shape)
    raise _refused(line, "an attribute that cannot be read back")


def _named(name: str) -> DType | Dim | float:
    """A dtype, inf or nan; any other name is a size."""
    if name in ("inf", "nan"):
        return float(name)
    return _LONG.get(name) or Dim.symbol(name.replace(_DOT, ".").replace(_NUMBER, "?"))


def _refused(line: str, problem: str) -> ValueError:
    return ValueError(f"parse: {problem}\n  {line.strip()}")
