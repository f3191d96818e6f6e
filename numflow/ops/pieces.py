"""Strings cut into pieces, a different number of each: words, bytes, characters, code points.

Two ops: one counts the pieces of each string, the other makes them all, behind one another. Between
them the number of all is bound as a size, so that both run in traced functions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import InvalidArgumentError, explain
from numflow.graph.op import Op
from numflow.graph.spec import Spec
from numflow.graph.tensor import Tensor
from numflow.ops import reduce as reductions
from numflow.ops import run_time
from numflow.ops import shape as shaping
from numflow.ops.array_text import array_text
from numflow.ops.text import IN_PYTHON, each
from numflow.shapes import Extent

# --- how a string is cut -----------------------------------------------------------


def words(s: bytes, *, sep: bytes, maxsplit: int) -> list[bytes]:
    """Between separators; between blanks, without empty ones, where sep is empty."""
    return s.split(sep or None, maxsplit)


def single_bytes(s: bytes) -> list[bytes]:
    """Each byte."""
    return [s[k : k + 1] for k in range(len(s))]


ERRORS = ("replace", "strict", "ignore")
ENCODINGS = ("UTF-8", "UTF-16-BE", "UTF-32-BE")


def decoded(
    s: bytes, *, encoding: str, errors: str, replacement: int, controls: bool
) -> list[tuple[int, int]]:
    """(code point, place of its first byte) of every character; malformed bytes as errors says."""
    out: list[tuple[int, int]] = []
    at = 0
    while at < len(s):
        try:
            good, bad = s[at:].decode(encoding), 0
        except UnicodeDecodeError as e:
            good, bad = s[at : at + e.start].decode(encoding), e.end - e.start
        for c in good:
            point = ord(c)
            out.append((replacement if controls and point < 32 else point, at))
            at += len(c.encode(encoding))
        if bad and errors == "strict":
            problem = f"byte {at} of {s[:60]!r} is malformed {encoding}"
            raise InvalidArgumentError(explain("unicode_decode", problem))
        if bad and errors == "replace":
            out.append((replacement, at))
        at += bad
    return out


def _code_points(s: bytes, **how: Any) -> list[int]:
    return [point for point, _ in decoded(s, **how)]


def _places(s: bytes, **how: Any) -> list[int]:
    return [place for _, place in decoded(s, **how)]


def _split_characters(s: bytes, **how: Any) -> list[bytes]:
    """Every character, in the encoding of the string."""
    return [chr(point).encode(how["encoding"]) for point, _ in decoded(s, **how)]


CUTS: dict[str, Callable[..., list[Any]]] = {
    "words": words,
    "bytes": single_bytes,
    "points": _code_points,
    "places": _places,
    "characters": _split_characters,
}
DTYPES = {"points": dtypes.int32, "places": dtypes.int64}

# --- the ops -----------------------------------------------------------


def _count_reference(x: Any, *, how: str, **attrs: Any) -> Any:
    cut = CUTS[how]
    return np.array([len(cut(s, **attrs)) for s in x], np.int64)


def _cut_infer(x: Spec, *, how: str, count: Extent, **_: Any) -> Spec:
    return Spec((count,), DTYPES.get(how, dtypes.string))


def _cut_reference(x: Any, *, how: str, count: int, **attrs: Any) -> Any:
    cut = CUTS[how]
    out = np.empty(count, DTYPES.get(how, dtypes.string).numpy)
    out[:] = [piece for s in x for piece in cut(s, **attrs)]
    return out


count_op = Op(
    "count_pieces",
    lambda x, **_: Spec(x.shape, dtypes.int64),
    _count_reference,
    None,
    IN_PYTHON,
)
cut_op = Op("cut_pieces", _cut_infer, _cut_reference, None, IN_PYTHON)


def pieces(x: Tensor, how: str, **attrs: Any) -> tuple[Tensor, Tensor]:
    """(all pieces of strings [n] behind one another, int64 how many each has [n])."""
    lengths = count_op(x, how=how, **attrs)
    (count,) = run_time.sizes_of(shaping.reshape(reductions.reduce_sum(lengths), (1,)))
    return cut_op(x, how=how, count=count, **attrs), lengths


# --- the other way: code points to strings ---------------------------------


def joined(points: Sequence[int], *, encoding: str, errors: str, replacement: int) -> bytes:
    """The string of code points; those that are none as errors says."""
    out = []
    for point in points:
        valid = 0 <= point < 0x110000 and not 0xD800 <= point < 0xE000
        if not valid and errors == "strict":
            problem = f"{point} is no code point of Unicode, or a surrogate"
            raise InvalidArgumentError(explain("unicode_encode", problem))
        if valid or errors == "replace":
            out.append(chr(point if valid else replacement))
    return "".join(out).encode(encoding)


def _encode_reference(points: Any, splits: Any, **how: Any) -> Any:
    out = np.empty(len(splits) - 1, object)
    flat = points.tolist()
    out[:] = [joined(flat[a:b], **how) for a, b in pairwise(splits)]
    return out


encode_op = Op(
    "unicode_encode",
    lambda points, splits, **_: Spec((splits.shape[0] - 1,), dtypes.string),
    _encode_reference,
    None,
    IN_PYTHON,
)


def transcoded(s: bytes, *, source: str, encoding: str, errors: str, replacement: int,
               controls: bool) -> bytes:  # fmt: skip
    """A string in another encoding."""
    found = decoded(s, encoding=source, errors=errors, replacement=replacement, controls=controls)
    return joined(
        [point for point, _ in found], encoding=encoding, errors=errors, replacement=replacement
    )


transcode_op = Op(
    "unicode_transcode",
    lambda x, **_: x,
    lambda x, **how: each(lambda s: transcoded(s, **how))(x),
    None,
    IN_PYTHON,
)

# --- runs of words -----------------------------------------------------------


def runs(
    row: Sequence[bytes],
    *,
    widths: tuple[int, ...],
    separator: bytes,
    pads: tuple[bytes, bytes] | None,
    padding: int,
    short: bool,
) -> list[bytes]:
    """Every run of neighbours in a row, of each width in turn, joined."""
    out: list[bytes] = []
    for width in widths:
        side = 0 if pads is None else min(padding if padding >= 0 else width - 1, width - 1)
        left, right = pads or (b"", b"")
        whole = [left] * side + list(row) + [right] * side
        found = [separator.join(whole[k : k + width]) for k in range(len(whole) - width + 1)]
        if not found and short and whole and width == max(widths):
            found = [separator.join(whole)]
        out += found
    return out


def number_of_runs(n: int, **how: Any) -> int:
    """How many runs a row of n has."""
    return len(runs([b""] * n, **how))


def _runs_infer(x: Spec, **how: Any) -> Spec:
    n = x.shape[-1]
    assert isinstance(n, int)
    return Spec((*x.shape[:-1], number_of_runs(n, **how)), dtypes.string)


def _runs_reference(x: Any, **how: Any) -> Any:
    rows = x.reshape(-1, x.shape[-1])
    count = number_of_runs(x.shape[-1], **how)
    out = np.empty((len(rows), count), object)
    for k, row in enumerate(rows):
        out[k] = runs(row, **how)
    return out.reshape(*x.shape[:-1], count)


runs_op = Op("ngrams", _runs_infer, _runs_reference, None, IN_PYTHON)


def _ragged_runs(values: Any, splits: Any, **how: Any) -> list[list[bytes]]:
    ends = splits.tolist()
    return [runs(values[a:b], **how) for a, b in pairwise(ends)]


def _count_runs_reference(values: Any, splits: Any, **how: Any) -> Any:
    return np.array([len(row) for row in _ragged_runs(values, splits, **how)], np.int64)


def _ragged_runs_reference(values: Any, splits: Any, *, count: int, **how: Any) -> Any:
    out = np.empty(count, object)
    out[:] = [piece for row in _ragged_runs(values, splits, **how) for piece in row]
    return out


count_runs_op = Op(
    "count_ngrams",
    lambda values, splits, **_: Spec((splits.shape[0] - 1,), dtypes.int64),
    _count_runs_reference,
    None,
    IN_PYTHON,
)
ragged_runs_op = Op(
    "ragged_ngrams",
    lambda values, splits, *, count, **_: Spec((count,), dtypes.string),
    _ragged_runs_reference,
    None,
    IN_PYTHON,
)


def ragged_runs(values: Tensor, splits: Tensor, **how: Any) -> tuple[Tensor, Tensor]:
    """(all runs of the rows of values behind one another, how many each row has)."""
    lengths = count_runs_op(values, splits, **how)
    (count,) = run_time.sizes_of(shaping.reshape(reductions.reduce_sum(lengths), (1,)))
    return ragged_runs_op(values, splits, count=count, **how), lengths


# --- format -----------------------------------------------------------


def _format_reference(*arrays: Any, parts: tuple[str, ...], summarize: int) -> Any:
    shown = [array_text(np.asarray(a), summarize) for a in arrays]
    out = parts[0] + "".join(s + p for s, p in zip(shown, parts[1:], strict=True))
    return np.array(out.encode(), object)


format_op = Op(
    "string_format",
    lambda *_, **__: Spec((), dtypes.string),
    _format_reference,
    None,
    IN_PYTHON,
)
