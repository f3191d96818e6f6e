"""Graphs as text. text.py parses it; see there for the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from numflow import dtypes
from numflow.graph.spec import Spec

if TYPE_CHECKING:
    from numflow.graph.graph import Graph, Node, Value

INLINE = 16  # elements: larger arrays are shown by a digest of their bytes

SHORT = {
    dtypes.float16: "f16",
    dtypes.bfloat16: "bf16",
    dtypes.float32: "f32",
    dtypes.float64: "f64",
    dtypes.int8: "i8",
    dtypes.int16: "i16",
    dtypes.int32: "i32",
    dtypes.int64: "i64",
    dtypes.uint8: "u8",
    dtypes.uint16: "u16",
    dtypes.uint32: "u32",
    dtypes.uint64: "u64",
    dtypes.bool: "bool",
    dtypes.complex64: "c64",
    dtypes.complex128: "c128",
    dtypes.string: "string",
}


def to_text(graph: Graph, lines: bool = False) -> str:
    """The graph in the text form; lines: with the user's line of each node, as a comment."""
    return "\n".join(_graph_lines(graph, lines, {}))


def _graph_lines(graph: Graph, lines: bool, variables: dict[str, Any]) -> list[str]:
    """variables: those met so far, by the names that they have in the text."""
    names: dict[Value, str] = {}
    for v in graph.inputs:
        names[v] = f"%{len(names)}"
    inputs = ", ".join(f"{names[v]}: {spec_text(v.spec)}" for v in graph.inputs)
    text = [f"graph({inputs})"]
    places = {node: k for k, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        for v in node.outputs:
            names[v] = f"%{len(names)}"
        text.append("  " + _node_text(node, names, places, lines, variables))
        for inner in node.subgraphs:
            text += [f"    {line}" for line in _graph_lines(inner, lines, variables)]
    results = ", ".join(names.get(v, "%?") for v in graph.outputs)
    text.append(f"  return {results}".rstrip())
    return text


def _node_text(
    node: Node,
    names: dict[Value, str],
    places: dict[Node, int],
    lines: bool,
    variables: dict[str, Any],
) -> str:
    args = [names.get(v, "%?") for v in node.inputs]
    for k, x in node.attrs.items():
        if k == "graphs":
            continue  # they follow the node
        shown = repr(_variable_name(x, variables)) if _is_variable(x) else attribute_text(x)
        args.append(f"{k}={shown}")
    if node.control_inputs:
        args.append(
            f"_after={attribute_text(tuple(places.get(n, -1) for n in node.control_inputs))}"
        )
    if node.device:
        args.append(f"_device={node.device!r}")
    outputs = ", ".join(names[v] for v in node.outputs)
    text = f"{outputs} = " if outputs else ""
    text += f"{node.op.name}({', '.join(args)})"
    if lines and node.line is not None:
        text += f"  # {str(node.line).split(' in ')[0]}"
    return text


def _is_variable(x: Any) -> bool:
    return hasattr(x, "spec") and hasattr(x, "name")


def _variable_name(x: Any, variables: dict[str, Any]) -> str:
    """Its own name; a second variable of that name is `name#2`."""
    name, count = str(x.name), 1
    while variables.setdefault(name, x) is not x:
        count += 1
        name = f"{x.name}#{count}"
    return name


def spec_text(spec: Spec) -> str:
    """As in f32[batch, 3]."""
    return f"{SHORT[spec.dtype]}[{', '.join(map(str, spec.shape))}]"


def attribute_text(x: Any) -> str:
    """An attribute, such that parse reads it back where it can."""
    if isinstance(x, dtypes.DType):
        return SHORT[x]
    if isinstance(x, tuple):
        return f"({', '.join(map(attribute_text, x))}{',' if len(x) == 1 else ''})"
    if isinstance(x, list):
        return f"[{', '.join(map(attribute_text, x))}]"
    if isinstance(x, dict):
        return f"{{{', '.join(f'{k!r}: {attribute_text(v)}' for k, v in x.items())}}}"
    if isinstance(x, np.ndarray):
        return array_text(x)
    if isinstance(x, np.generic):
        return array_text(np.asarray(x))
    if _is_variable(x):
        return repr(str(x.name))
    if x is None or isinstance(x, bool | int | float | str | bytes) or hasattr(x, "terms"):
        return str(x) if hasattr(x, "terms") else repr(x)
    return f"opaque({getattr(x, '__qualname__', None) or type(x).__qualname__!r})"


def array_text(array: np.ndarray[Any, Any]) -> str:
    """As in f32[2]([0.5, 1.0]); a large array by its digest."""
    spec = spec_text(Spec(array.shape, dtypes.from_numpy(array.dtype)))
    if array.dtype == object:
        return f"{spec}({array.tolist()!r})"
    if array.size > INLINE:
        import hashlib  # late: it loads OpenSSL, 4 ms

        digest = hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=8).hexdigest()
        return f"{spec}(digest({digest!r}))"
    return f"{spec}({_nested(array)})"


def _nested(array: np.ndarray[Any, Any]) -> str:
    if array.ndim == 0:
        return str(array[()])  # the shortest text that reads back as the same number
    return f"[{', '.join(_nested(row) for row in array)}]"
