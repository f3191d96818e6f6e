"""String functions whose results are ragged: a tensor for a scalar, else a row for every string."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from typing import Any

from numflow import dtypes
from numflow.errors import DTypeError, InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import creation, plain
from numflow.ops import pieces as cutting
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_ints
from numflow.ops.pieces import format_op, transcode_op
from numflow.ops.text import as_bytes, choice, text
from numflow.ragged.partition import splits_of
from numflow.ragged.tensor import RaggedTensor
from numflow.shapes import product


def _cut(op: str, input: Any, how: str, **attrs: Any) -> Any:
    """The pieces of every string: one axis more than input, and that ragged."""
    if isinstance(input, RaggedTensor):
        return input.with_flat_values(_cut(op, input.flat_values, how, **attrs))
    x = text(op, input)
    values, lengths = cutting.pieces(shaping.reshape(x, (-1,)), how, **attrs)
    if not x.spec.rank:
        return values
    made: Any = RaggedTensor(values, splits_of(lengths), internal=True)
    for axis in range(x.spec.rank - 1, 0, -1):
        rows = x.spec.shape[:axis]
        made = RaggedTensor(made, _even(rows, x.spec.shape[axis]), internal=True)
    return made


def _even(rows: Any, width: Any) -> Tensor:
    """Splits of equally long rows, as many as the product of sizes."""
    count = creation.iota((product(rows) + 1,), 0, dtypes.int64)
    return count * shaping.size_tensor(width, dtypes.int64)


def split(input: Any, sep: str | None = None, maxsplit: int = -1, name: str | None = None) -> Any:
    """Strings cut at separators.

    Args:
      input: strings, a tensor or ragged.
      sep: what stands between; None or empty: blanks, of which several count as one.
      maxsplit: how often to cut at most; negative: always.

    Returns:
      Of a scalar a tensor [pieces], else a RaggedTensor with one axis more.

    Example:
      >>> nf.strings.split(["a b", "c", ""])
      <nf.RaggedTensor [[b'a', b'b'], [b'c'], []]>
    """
    between = b"" if sep is None else as_bytes("string_split", "sep", sep)
    return _cut(
        "string_split",
        input,
        "words",
        sep=between,
        maxsplit=plain.whole(maxsplit, "string_split", "maxsplit"),
    )


def bytes_split(input: Any, name: str | None = None) -> Any:
    """Strings cut into single bytes.

    Example:
      >>> nf.strings.bytes_split("abc").numpy().tolist()
      [b'a', b'b', b'c']
    """
    return _cut("string_bytes_split", input, "bytes")


# --- Unicode ---------------------------------------------------------------------------------


def _codec(op: str, encoding: str) -> str:
    try:
        return codecs.lookup(plain.word(encoding, op, "encoding")).name
    except (LookupError, UnicodeError):
        raise InvalidArgumentError(explain(op, f"there is no encoding {encoding!r}")) from None


def _reading(
    op: str, encoding: str, errors: str, replacement_char: int, controls: bool
) -> dict[str, Any]:
    return {
        "encoding": _codec(op, encoding),
        "errors": choice(op, "errors", errors, cutting.ERRORS),
        "replacement": _code_point(op, replacement_char),
        "controls": plain.flag(controls, op, "replace_control_characters"),
    }


def _code_point(op: str, value: int) -> int:
    value = plain.whole(value, op, "replacement_char")
    if not 0 <= value < 0x110000 or 0xD800 <= value < 0xE000:
        problem = f"replacement_char {value} is no code point of Unicode"
        raise InvalidArgumentError(explain(op, problem))
    return value


def unicode_decode(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """The code points, int32, of every string.

    Args:
      input: strings, a tensor or ragged.
      input_encoding: such as "UTF-8", "UTF-16-BE", "latin1".
      errors: what to do with malformed bytes: "replace", "ignore", or "strict" to refuse them.
      replacement_char: the code point that replaces them.
      replace_control_characters: replace code points below 32 too.

    Raises:
      InvalidArgumentError: a string is malformed (strict), or an option unknown.

    Example:
      >>> nf.strings.unicode_decode(["G\\u00f6"], "UTF-8").to_list()
      [[71, 246]]
    """
    op = "unicode_decode"
    how = _reading(op, input_encoding, errors, replacement_char, replace_control_characters)
    return _cut(op, input, "points", **how)


def unicode_decode_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> tuple[Any, Any]:
    """(code points, int64 the byte at which each begins); arguments as for unicode_decode.

    Example:
      >>> points, places = nf.strings.unicode_decode_with_offsets("\\u00f6!", "UTF-8")
      >>> points.numpy().tolist(), places.numpy().tolist()
      ([246, 33], [0, 2])
    """
    op = "unicode_decode"
    how = _reading(op, input_encoding, errors, replacement_char, replace_control_characters)
    return _cut(op, input, "points", **how), _cut(op, input, "places", **how)


def unicode_split(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """The characters of every string, in the same encoding; arguments as for unicode_decode.

    Example:
      >>> nf.strings.unicode_split("ab", "UTF-8").numpy().tolist()
      [b'a', b'b']
    """
    op = "unicode_split"
    return _cut(
        op, input, "characters", **_reading(op, input_encoding, errors, replacement_char, False)
    )


def unicode_split_with_offsets(
    input: Any,
    input_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> tuple[Any, Any]:
    """(characters, int64 the byte at which each begins); arguments as for unicode_decode.

    Example:
      >>> parts, places = nf.strings.unicode_split_with_offsets("ab", "UTF-8")
      >>> places.numpy().tolist()
      [0, 1]
    """
    op = "unicode_split"
    how = _reading(op, input_encoding, errors, replacement_char, False)
    return _cut(op, input, "characters", **how), _cut(op, input, "places", **how)


def unicode_encode(
    input: Any,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    name: str | None = None,
) -> Any:
    """The strings of code points: the last axis of input goes.

    Args:
      input: int32 [..., points], or ragged.
      output_encoding: "UTF-8", "UTF-16-BE" or "UTF-32-BE".
      errors, replacement_char: as for unicode_decode, of integers that are no code points.

    Raises:
      InvalidArgumentError: a number is no code point (strict), or an option unknown.

    Example:
      >>> nf.strings.unicode_encode([71, 246], "UTF-8").numpy()
      b'G\\xc3\\xb6'
    """
    op = "unicode_encode"
    kept = choice(op, "output_encoding", output_encoding, cutting.ENCODINGS)
    how = {
        "encoding": _codec(op, kept),
        "errors": choice(op, "errors", errors, cutting.ERRORS),
        "replacement": _code_point(op, replacement_char),
    }
    if isinstance(input, RaggedTensor):
        if isinstance(input.values, RaggedTensor):
            inner = unicode_encode(input.values, output_encoding, errors, replacement_char)
            return input.with_values(inner)
        return cutting.encode_op(_points(op, input.values), input.row_splits, **how)
    x = _points(op, as_tensor(input, None, op, "input"))
    if not x.spec.rank:
        raise ShapeError(explain(op, "input is a scalar: it needs an axis", {"input": x.spec}))
    rows = x.spec.shape[:-1]
    splits = _even(rows, x.spec.shape[-1])
    return shaping.reshape(cutting.encode_op(shaping.reshape(x, (-1,)), splits, **how), rows)


def _points(op: str, x: Tensor) -> Tensor:
    if x.dtype is not dtypes.int32:
        raise DTypeError(explain(op, f"input is {x.dtype.name}, not int32", {"input": x.spec}))
    return x


def unicode_transcode(
    input: Any,
    input_encoding: str,
    output_encoding: str,
    errors: str = "replace",
    replacement_char: int = 65533,
    replace_control_characters: bool = False,
    name: str | None = None,
) -> Any:
    """Strings in another encoding; arguments as for unicode_decode and unicode_encode.

    Example:
      >>> nf.strings.unicode_transcode("a", "UTF-8", "UTF-16-BE").numpy()
      b'\\x00a'
    """
    op = "unicode_transcode"
    how = _reading(op, input_encoding, errors, replacement_char, replace_control_characters)
    kept = _codec(op, choice(op, "output_encoding", output_encoding, cutting.ENCODINGS))
    how["source"], how["encoding"] = how["encoding"], kept
    if isinstance(input, RaggedTensor):
        return input.with_flat_values(transcode_op(text(op, input.flat_values), **how))
    return transcode_op(text(op, input), **how)


# --- runs of words ---------------------------------------------------------------------------


def ngrams(
    data: Any,
    ngram_width: int | Sequence[int],
    separator: str = " ",
    pad_values: Any = None,
    padding_width: int | None = None,
    preserve_short_sequences: bool = False,
    name: str | None = None,
) -> Any:
    """Every run of neighbours along the last axis, joined.

    Args:
      data: strings [..., n], or ragged.
      ngram_width: how many words a run has; or several numbers, in whose order the runs come.
      separator: what stands between the words of a run.
      pad_values: a word, or one for each side, to fill up at the ends; None: do not.
      padding_width: how many of them; default one less than the width.
      preserve_short_sequences: a row shorter than every width becomes one run.

    Raises:
      InvalidArgumentError: a width is below 1.
      ShapeError: data is a scalar.

    Example:
      >>> nf.strings.ngrams(["a", "b", "c"], 2).numpy().tolist()
      [b'a b', b'b c']
    """
    op = "ngrams"
    widths = static_ints(ngram_width, op, "ngram_width")
    if not widths or min(widths) < 1:
        raise InvalidArgumentError(
            explain(op, f"ngram_width is {ngram_width}; it takes 1 and more")
        )
    if padding_width is not None:
        padding_width = plain.whole(padding_width, op, "padding_width")
    if padding_width is not None and padding_width < 1:
        problem = f"padding_width is {padding_width}; it takes 1 and more"
        raise InvalidArgumentError(explain(op, problem))
    sides = (pad_values, pad_values) if isinstance(pad_values, str | bytes) else pad_values
    if sides is not None and len(sides := plain.items(sides, op, "pad_values")) != 2:
        raise InvalidArgumentError(explain(op, f"pad_values has {len(sides)} words; it takes 2"))
    how = {
        "widths": widths,
        "separator": as_bytes(op, "separator", separator),
        "pads": None if sides is None else tuple(as_bytes(op, "pad_values", s) for s in sides),
        "padding": -1 if padding_width is None else padding_width,
        "short": plain.flag(preserve_short_sequences, op, "preserve_short_sequences"),
    }
    if isinstance(data, RaggedTensor):
        if isinstance(data.values, RaggedTensor):
            inner = ngrams(data.values, ngram_width, separator, pad_values, padding_width,
                           preserve_short_sequences)  # fmt: skip
            return data.with_values(inner)
        values, lengths = cutting.ragged_runs(text(op, data.values), data.row_splits, **how)
        return RaggedTensor(values, splits_of(lengths), internal=True)
    x = text(op, data, "data")
    if not x.spec.rank:
        raise ShapeError(explain(op, "data is a scalar: it needs an axis", {"data": x.spec}))
    int(x.shape[-1])  # its size decides that of the result
    return cutting.runs_op(x, **how)


# --- format ------------------------------------------------------------------------------------


def format(
    template: str,
    inputs: Any,
    placeholder: str = "{}",
    summarize: int = 3,
    name: str | None = None,
) -> Tensor:
    """template with tensors, as nf.print shows them, in its holes.

    Args:
      template: text with a placeholder for each input.
      inputs: a tensor, or a list or tuple of them.
      placeholder: what marks a hole.
      summarize: how many elements to show at each end of an axis; -1: all.

    Raises:
      ValueError: there are more or fewer holes than inputs.

    Example:
      >>> nf.strings.format("x is {}", nf.constant([1, 2])).numpy()
      b'x is [1 2]'
    """
    given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
    tensors = [as_tensor(x, None, "string_format", "inputs") for x in given]
    op = "string_format"
    if not plain.word(placeholder, op, "placeholder"):
        raise ValueError(explain(op, "placeholder is empty"))
    holes = plain.word(template, op, "template").count(placeholder)
    if holes != len(tensors):
        problem = f"template has {holes} holes {placeholder!r}, and there are {len(tensors)} inputs"
        raise ValueError(explain("string_format", problem))
    parts = tuple(template.split(placeholder))
    found: Tensor = format_op(
        *tensors, parts=parts, summarize=plain.whole(summarize, op, "summarize")
    )
    return found
