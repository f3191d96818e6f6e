"""Strings to strings: case, pieces, joins, regular expressions.

A string is a sequence of bytes, as in TensorFlow. The ops run in Python, in compiled programs
between two parts of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    OutOfRangeError,
    ResourceExhaustedError,
    ShapeError,
    explain,
)
from numflow.graph.lowering import HostCall
from numflow.graph.op import Op, composites_too
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import plain
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.shape_rules import broadcast_shapes

IN_PYTHON = HostCall("strings are handled in Python")


def text(op: str, value: TensorLike, name: str = "input") -> Tensor:
    """value as a tensor of strings.

    Raises:
      DTypeError: it is of something else.
    """
    x = as_tensor(value, None, op, name)
    if x.dtype is not dtypes.string:
        raise DTypeError(explain(op, f"{name} is {x.dtype.name}, not string", {name: x.spec}))
    return x


def each(function: Callable[..., Any], dtype: Any = object) -> Callable[..., Any]:
    """function of every element, broadcasting, as an array of dtype."""
    spread = np.frompyfunc(function, function.__code__.co_argcount, 1)

    def run(*arrays: Any) -> Any:
        return np.asarray(spread(*arrays), dtype)

    return run


def _same(x: Spec, **_: Any) -> Spec:
    return x


def _map_op(name: str, function: Callable[..., bytes]) -> Op:
    """The op whose reference is function(string, **attrs) of every element."""

    def reference(x: Any, **attrs: Any) -> Any:
        return each(lambda s: function(s, **attrs))(x)

    return Op(name, _same, reference, None, IN_PYTHON)


def choice(op: str, name: str, value: Any, allowed: Sequence[str]) -> str:
    """value, refused unless it is one of allowed."""
    if not isinstance(value, str) or value not in allowed:
        shown = ", ".join(repr(a) for a in allowed)
        raise InvalidArgumentError(explain(op, f"{name} is {value!r}; it takes {shown}"))
    return str(value)


def characters(s: bytes) -> str:
    """s read as UTF-8; bytes that are none survive the way back."""
    return s.decode("utf-8", "surrogateescape")


# --- case, blanks, length ----------------------------------------------------------------


def _cased(s: bytes, *, upper: bool, encoding: str) -> bytes:
    if not encoding:
        return s.upper() if upper else s.lower()
    read = characters(s)
    return (read.upper() if upper else read.lower()).encode("utf-8", "surrogateescape")


case_op = _map_op("string_case", _cased)
strip_op = _map_op("string_strip", lambda s: s.strip())


def lower(input: TensorLike, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in lower case: of ASCII letters, or of all with encoding "utf-8".

    Example:
      >>> nf.strings.lower("Ab").numpy()
      b'ab'
    """
    kept = choice("string_lower", "encoding", encoding, ("", "utf-8"))
    return case_op(text("string_lower", input), upper=False, encoding=kept)


def upper(input: TensorLike, encoding: str = "", name: str | None = None) -> Tensor:
    """Strings in upper case: of ASCII letters, or of all with encoding "utf-8".

    Example:
      >>> nf.strings.upper("Ab").numpy()
      b'AB'
    """
    kept = choice("string_upper", "encoding", encoding, ("", "utf-8"))
    return case_op(text("string_upper", input), upper=True, encoding=kept)


def strip(input: TensorLike, name: str | None = None) -> Tensor:
    """Strings without the blanks at their ends.

    Example:
      >>> nf.strings.strip(" a b ").numpy()
      b'a b'
    """
    return strip_op(text("string_strip", input))


def _length(s: bytes, *, unit: str) -> int:
    # in UTF-8 all bytes of a character but its first begin with the bits 10
    return len(s) if unit == "BYTE" else sum(byte & 0xC0 != 0x80 for byte in s)


length_op = Op(
    "string_length",
    lambda x, **_: Spec(x.shape, dtypes.int32),
    lambda x, **attrs: each(lambda s: _length(s, **attrs), np.int32)(x),
    None,
    IN_PYTHON,
)
UNITS = ("BYTE", "UTF8_CHAR")


def length(input: TensorLike, unit: str = "BYTE", name: str | None = None) -> Tensor:
    """How long strings are, in bytes or, with unit "UTF8_CHAR", in characters: int32.

    Example:
      >>> nf.strings.length(["a", "bc"]).numpy().tolist()
      [1, 2]
    """
    kept = choice("string_length", "unit", unit, UNITS)
    return length_op(text("string_length", input), unit=kept)


# --- substr --------------------------------------------------------------------------------


def _substr_infer(x: Spec, pos: Spec, count: Spec, *, unit: str) -> Spec:
    if pos.shape != count.shape:
        shown = {"pos": pos, "len": count}
        raise ShapeError(explain("substr", "pos and len must have one shape", shown))
    for name, s in (("pos", pos), ("len", count)):
        if s.dtype not in (dtypes.int32, dtypes.int64):
            problem = f"{name} is {s.dtype.name}; it takes int32 and int64"
            raise DTypeError(explain("substr", problem, {name: s}))
    shape = broadcast_shapes("substr", x.shape, pos.shape, names=("input", "pos"))
    return Spec(shape, dtypes.string)


def _substr_reference(x: Any, pos: Any, count: Any, *, unit: str) -> Any:
    def cut(s: bytes, at: int, n: int) -> bytes:
        whole: Any = s if unit == "BYTE" else characters(s)
        if not -len(whole) <= at <= len(whole):
            problem = f"pos {at} is outside of {s!r}, which is {len(whole)} long"
            raise InvalidArgumentError(explain("substr", problem))
        begin = at + len(whole) if at < 0 else at
        part = whole[begin:] if n < 0 else whole[begin : begin + n]
        return part if unit == "BYTE" else part.encode("utf-8", "surrogateescape")

    return each(cut)(x, pos, count)


substr_op = Op("substr", _substr_infer, _substr_reference, None, IN_PYTHON)


def substr(
    input: TensorLike,
    pos: TensorLike,
    len: TensorLike,
    unit: str = "BYTE",
    name: str | None = None,
) -> Tensor:
    """Parts of strings: from pos on (negative: from the end), at most len long.

    Args:
      input: strings.
      pos, len: int32 or int64, of one shape, which broadcasts with input's. A negative len: all.
      unit: "BYTE", or "UTF8_CHAR" to count characters.

    Raises:
      InvalidArgumentError: pos is beyond a string.

    Example:
      >>> nf.strings.substr(["Hello", "World"], 1, 3).numpy().tolist()
      [b'ell', b'orl']
    """
    kept = choice("substr", "unit", unit, UNITS)
    at, count = as_tensor(pos, None, "substr", "pos"), as_tensor(len, None, "substr", "len")
    return substr_op(text("substr", input), at, count, unit=kept)


# --- join ------------------------------------------------------------------------------------


def _join_infer(*specs: Spec, separator: bytes) -> Spec:
    shaped = [s for s in specs if s.rank]
    for s in shaped:
        if s.shape != shaped[0].shape:
            shown = {f"inputs[{k}]": s for k, s in enumerate(specs)}
            problem = "inputs must have one shape, or be scalars"
            raise ShapeError(explain("string_join", problem, shown))
    return shaped[0] if shaped else Spec((), dtypes.string)


def _join_reference(*arrays: Any, separator: bytes) -> Any:
    out = np.broadcast_arrays(*arrays)
    joined = [separator.join(parts) for parts in zip(*(a.reshape(-1) for a in out), strict=True)]
    return np.array([*joined, None], object)[:-1].reshape(out[0].shape)


join_op = Op("string_join", _join_infer, _join_reference, None, IN_PYTHON)


def as_bytes(op: str, name: str, value: Any) -> bytes:
    """A plain string, such as a separator, as bytes."""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes):
        return value
    raise DTypeError(explain(op, f"{name} is of {type(value).__name__}, not a string"))


@composites_too
def join(inputs: Sequence[TensorLike], separator: str = "", name: str | None = None) -> Tensor:
    """The strings at equal places of several tensors, joined; scalars go to every place.

    Raises:
      ShapeError: shapes differ.
      DTypeError: an input is not of strings.

    Example:
      >>> nf.strings.join(["a", ["b", "c"]], "-").numpy().tolist()
      [b'a-b', b'a-c']
    """
    kept = as_bytes("string_join", "separator", separator)
    parts = [
        text("string_join", x, f"inputs[{k}]")
        for k, x in enumerate(plain.items(inputs, "string_join", "inputs"))
    ]
    return join_op(*parts, separator=kept) if parts else as_tensor("")


def _reduce_join_infer(x: Spec, *, axes: tuple[int, ...], keepdims: bool, separator: bytes) -> Spec:
    kept = (1 if k in axes else n for k, n in enumerate(x.shape) if keepdims or k not in axes)
    return Spec(tuple(kept), dtypes.string)


def _reduce_join_reference(
    x: Any, *, axes: tuple[int, ...], keepdims: bool, separator: bytes
) -> Any:
    for axis in axes:
        moved = np.moveaxis(x, axis, -1)
        flat = moved.reshape(-1, moved.shape[-1]) if moved.size else []
        out = np.full(moved.shape[:-1], b"", object)
        out.reshape(-1)[: len(flat)] = [separator.join(row) for row in flat]
        x = np.expand_dims(out, axis)
    return x if keepdims else np.squeeze(x, axes)


reduce_join_op = Op("reduce_join", _reduce_join_infer, _reduce_join_reference, None, IN_PYTHON)


def reduce_join(
    inputs: TensorLike,
    axis: Any = None,
    keepdims: bool = False,
    separator: str = "",
    name: str | None = None,
) -> Tensor:
    """Strings joined along axes: one after the other, in the order given; None: all, last first.

    Raises:
      OutOfRangeError: there is no such axis.
      InvalidArgumentError: an axis is given twice.

    Example:
      >>> nf.strings.reduce_join([["a", "b"], ["c", "d"]], axis=1).numpy().tolist()
      [b'ab', b'cd']
    """
    x = text("reduce_join", inputs, "inputs")
    rank = x.spec.rank
    given: Sequence[int] = range(rank - 1, -1, -1)
    if axis is not None:
        given = static_ints(axis, "reduce_join", "axis")
    axes = []
    for k in given:
        if not -rank <= k < rank:
            problem = f"axis {k} is outside of the {rank} axes of inputs"
            raise OutOfRangeError(explain("reduce_join", problem, {"inputs": x.spec}))
        if k % rank in axes:
            raise InvalidArgumentError(explain("reduce_join", f"axis {k} is given twice"))
        axes.append(k % rank)
    kept = as_bytes("reduce_join", "separator", separator)
    return reduce_join_op(
        x,
        axes=tuple(axes),
        keepdims=plain.flag(keepdims, "reduce_join", "keepdims"),
        separator=kept,
    )


def _segment_infer(x: Spec, ids: Spec, *, count: int, separator: bytes) -> Spec:
    if not ids.dtype.is_integer:
        problem = f"segment_ids is {ids.dtype.name}, not an integer"
        raise DTypeError(explain("unsorted_segment_join", problem, {"segment_ids": ids}))
    if x.shape[: ids.rank] != ids.shape:
        shown = {"inputs": x, "segment_ids": ids}
        problem = "the shape of segment_ids must begin that of inputs"
        raise ShapeError(explain("unsorted_segment_join", problem, shown))
    return Spec((count, *x.shape[ids.rank :]), dtypes.string)


def _segment_reference(x: Any, ids: Any, *, count: int, separator: bytes) -> Any:
    rest = x.shape[ids.ndim :]
    rows = x.reshape(ids.size, *rest)
    found: dict[int, list[Any]] = {}
    for place, row in zip(ids.reshape(-1).tolist(), rows, strict=True):
        if not 0 <= place < count:
            problem = f"segment id {place} is outside [0, {count})"
            raise InvalidArgumentError(explain("unsorted_segment_join", problem))
        found.setdefault(place, []).append(row)
    out = np.full((count, *rest), b"", object)
    for k, parts in found.items():
        out[k, ...] = _join_reference(*map(np.asarray, parts), separator=separator)
    return out


segment_join_op = Op("unsorted_segment_join", _segment_infer, _segment_reference, None, IN_PYTHON)


def unsorted_segment_join(
    inputs: TensorLike,
    segment_ids: TensorLike,
    num_segments: Any,
    separator: str = "",
    name: str | None = None,
) -> Tensor:
    """The strings of each segment, joined: string k of the result is of those with id k.

    Raises:
      InvalidArgumentError: an id is outside [0, num_segments).
      ShapeError: segment_ids' shape does not begin that of inputs.

    Example:
      >>> nf.strings.unsorted_segment_join(["a", "b", "c"], [1, 0, 1], 2).numpy().tolist()
      [b'b', b'ac']
    """
    op = "unsorted_segment_join"
    count = plain.whole(num_segments, op, "num_segments")
    if count > 1 << 48:
        raise ResourceExhaustedError(explain(op, f"num_segments is beyond any memory: {count}"))
    if count < 0:
        raise InvalidArgumentError(explain(op, f"num_segments is {count}; it takes 0 and more"))
    ids = as_tensor(segment_ids, None, op, "segment_ids")
    kept = as_bytes(op, "separator", separator)
    return segment_join_op(text(op, inputs, "inputs"), ids, count=count, separator=kept)


# --- regular expressions ---------------------------------------------------------------------

# The named classes of POSIX, which Python's expressions lack.
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}


@lru_cache(256)
def compiled(op: str, pattern: bytes) -> re.Pattern[str]:
    """A pattern of RE2's syntax, for Python: classes of POSIX, `\\z`, ASCII letters and digits.

    Raises:
      InvalidArgumentError: the pattern is malformed, or of what Python cannot express.
    """
    source = characters(pattern)
    if re.search(r"\\[pPC]", source.replace(r"\\", "")):
        problem = f"pattern {source!r} has a class of Unicode (\\p, \\P) or \\C: not served"
        raise InvalidArgumentError(explain(op, problem))
    source = re.sub(r"\[:(\w+):\]", lambda m: _CLASSES.get(m[1], m[0]), source)
    source = re.sub(r"(?<!\\)((?:\\\\)*)\\z", r"\1\\Z", source)
    try:
        return re.compile(source, re.ASCII)
    except re.error as e:
        raise InvalidArgumentError(explain(op, f"pattern {source!r} is malformed: {e}")) from None


def _replaced(s: bytes, *, pattern: bytes, rewrite: bytes, count: int) -> bytes:
    found = compiled("regex_replace", pattern)
    wanted = [int(k) for k in re.findall(rb"\\(\d)", rewrite.replace(rb"\\", b""))]
    if max(wanted, default=0) > found.groups:
        return s  # as RE2: a rewrite that asks for a group there is not changes nothing

    def result(m: re.Match[str]) -> str:
        def part(r: re.Match[str]) -> str:
            return (m[int(r[1])] or "") if r[1].isdigit() else r[1]

        return re.sub(r"\\(.)", part, characters(rewrite), flags=re.DOTALL)

    return found.sub(result, characters(s), count).encode("utf-8", "surrogateescape")


replace_op = _map_op("regex_replace", _replaced)


def regex_replace(
    input: TensorLike,
    pattern: str,
    rewrite: str,
    replace_global: bool = True,
    name: str | None = None,
) -> Tensor:
    r"""Strings with what matches pattern replaced by rewrite.

    Args:
      input: strings, read as UTF-8.
      pattern: of RE2's syntax, without classes of Unicode (\p, \C).
      rewrite: the new text; \1 to \9 stand for the groups of the match, \0 for all of it.
      replace_global: replace all matches, or the first one only.

    Raises:
      InvalidArgumentError: pattern is malformed.

    Example:
      >>> nf.strings.regex_replace("tags.<br /><b>html</b>", "<[^>]+>", " ").numpy()
      b'tags.  html '
    """
    op = "regex_replace"
    found, new = as_bytes(op, "pattern", pattern), as_bytes(op, "rewrite", rewrite)
    compiled(op, found)
    x = text(op, input)
    return replace_op(
        x,
        pattern=found,
        rewrite=new,
        count=0 if plain.flag(replace_global, op, "replace_global") else 1,
    )


def _full_match(x: Any, *, pattern: bytes) -> Any:
    found = compiled("regex_full_match", pattern)
    return each(lambda s: found.fullmatch(characters(s)) is not None, bool)(x)


full_match_op = Op(
    "regex_full_match",
    lambda x, **_: Spec(x.shape, dtypes.bool),
    _full_match,
    None,
    IN_PYTHON,
)


def regex_full_match(input: TensorLike, pattern: str, name: str | None = None) -> Tensor:
    """Whether all of each string matches pattern, of RE2's syntax without classes of Unicode.

    Raises:
      InvalidArgumentError: pattern is malformed.

    Example:
      >>> nf.strings.regex_full_match(["TF lib", "lib TF"], ".*lib$").numpy().tolist()
      [True, False]
    """
    found = as_bytes("regex_full_match", "pattern", pattern)
    compiled("regex_full_match", found)
    return full_match_op(text("regex_full_match", input), pattern=found)
