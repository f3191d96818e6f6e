"""String functions with ragged results: what TensorFlow gives, eagerly and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

S = nf.strings

# function, input, what TensorFlow 2.21 returns, as nested lists
RECORDED: list[tuple[Any, Any, Any]] = [
    (S.split, "a  b c", [b"a", b"b", b"c"]),
    (S.split, ["a b", "", "c"], [[b"a", b"b"], [], [b"c"]]),
    (lambda x: S.split(x, ","), "a,,b", [b"a", b"", b"b"]),
    (lambda x: S.split(x, ","), "", [b""]),
    (S.split, [["a b", "c"], ["d", ""]], [[[b"a", b"b"], [b"c"]], [[b"d"], []]]),
    (lambda x: S.split(x, ",", 1), "a,b,c", [b"a", b"b,c"]),
    (lambda x: S.split(x, maxsplit=1), " a b c ", [b"a", b"b c "]),
    (lambda x: S.split(x, ",", 0), "a,b,c", [b"a,b,c"]),
    (S.bytes_split, ["abc", ""], [[b"a", b"b", b"c"], []]),
    (S.bytes_split, "ab", [b"a", b"b"]),
    (lambda x: S.unicode_decode(x, "UTF-8"), "héllo", [104, 233, 108, 108, 111]),
    (lambda x: S.unicode_decode(x, "UTF-8"), [b"h\xc3\xa9", b"\xff"], [[104, 233], [65533]]),
    (lambda x: S.unicode_decode(x, "UTF-8", errors="ignore"), b"a\xff", [97]),
    (lambda x: S.unicode_decode(x, "UTF-8", replacement_char=63), b"a\xff\xfe", [97, 63, 63]),
    (
        lambda x: S.unicode_decode(x, "UTF-8", replace_control_characters=True),
        "a\x01b",
        [97, 65533, 98],
    ),
    (lambda x: S.unicode_split(x, "UTF-8"), ["hé", "ab"], [[b"h", b"\xc3\xa9"], [b"a", b"b"]]),
    (lambda x: S.unicode_split_with_offsets(x, "UTF-8")[1], "hé!", [0, 1, 3]),
    (lambda x: S.unicode_decode_with_offsets(x, "UTF-8")[1], ["hé!"], [[0, 1, 3]]),
    (lambda x: S.unicode_encode(x, "UTF-8"), [104, 233], "hé".encode()),
    (
        lambda x: S.unicode_encode(x, "UTF-16-BE"),
        [[104, 233], [97, 98]],
        [b"\x00h\x00\xe9", b"\x00a\x00b"],
    ),
    (lambda x: S.unicode_encode(x, "UTF-8"), [0x110000], b"\xef\xbf\xbd"),
    (
        lambda x: S.unicode_transcode(x, "UTF-8", "UTF-16-BE"),
        [b"h\xc3\xa9", b"\xff"],
        [b"\x00h\x00\xe9", b"\xff\xfd"],
    ),
    (lambda x: S.unicode_transcode(x, "latin1", "UTF-8"), ["hé"], [b"h\xc3\x83\xc2\xa9"]),
    (lambda x: S.unicode_transcode(x, "UTF-8", "UTF-8"), [b"\xe2\x82"], [b"\xef\xbf\xbd"]),
    (lambda x: S.ngrams(x, 2), ["a", "b", "c"], [b"a b", b"b c"]),
    (
        lambda x: S.ngrams(x, [1, 2], pad_values=("L", "R")),
        ["a", "b", "c"],
        [b"a", b"b", b"c", b"L a", b"a b", b"b c", b"c R"],
    ),
    (lambda x: S.ngrams(x, 3), ["a"], []),
    (lambda x: S.ngrams(x, 3, preserve_short_sequences=True), ["a"], [b"a"]),
    (lambda x: S.ngrams(x, 2, "|"), [["a", "b"], ["c", "d"]], [[b"a|b"], [b"c|d"]]),
    (
        lambda x: S.ngrams(x, 3, pad_values="_", padding_width=1),
        ["a", "b", "c"],
        [b"_ a b", b"a b c", b"b c _"],
    ),
    (lambda x: S.ngrams(S.split(x), 2), ["a b c", "d"], [[b"a b", b"b c"], []]),
    (lambda x: S.format("x {} y", x), [1, 2, 3, 4, 5, 6, 7, 8], b"x [1 2 3 ... 6 7 8] y"),
    (lambda x: S.format("%t|", x, "%t"), [[1.0, 1.0], [1.0, 1.0]], b"[[1 1]\n [1 1]]|"),
    (lambda x: S.format("{}", x), ["s", "t"], b'["s" "t"]'),
]


def _plain(x: Any) -> Any:
    if isinstance(x, nf.RaggedTensor):
        return x.to_list()
    value = x.numpy()
    return value.tolist() if isinstance(value, np.ndarray) else value


@pytest.mark.parametrize("case", range(len(RECORDED)))
def test_as_tensorflow(case: int) -> None:
    """The compiled function returns the values of the ragged result and its splits."""
    function, given, want = RECORDED[case]
    x = nf.constant(given)
    eager = function(x)
    assert _plain(eager) == want

    @nf.function
    def compiled(x: Any) -> Any:
        y = function(x)
        return (y.flat_values, *y.nested_row_splits) if isinstance(y, nf.RaggedTensor) else (y,)

    parts = compiled(x)
    if isinstance(eager, nf.RaggedTensor):
        assert _plain(parts[0]) == _plain(eager.flat_values)
        for got, splits in zip(parts[1:], eager.nested_row_splits, strict=True):
            assert _plain(got) == _plain(splits)
    else:
        assert _plain(parts[0]) == want


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: S.unicode_decode(b"a\xff", "UTF-8", "strict"), "InvalidArgumentError", "byte 1"),
        (lambda: S.unicode_encode([0xD800], "UTF-8", "strict"), "InvalidArgumentError", "55296"),
        (lambda: S.unicode_encode([97], "latin1"), "InvalidArgumentError", "UTF-16-BE"),
        (lambda: S.unicode_decode("a", "nonsense"), "InvalidArgumentError", "nonsense"),
        (lambda: S.unicode_encode([1.0], "UTF-8"), "DTypeError", "float32"),
        (lambda: S.ngrams(["a"], 0), "InvalidArgumentError", "ngram_width"),
        (lambda: S.ngrams("a", 1), "ShapeError", "scalar"),
        (lambda: S.split([1.0]), "DTypeError", "float32"),
    ],
)
def test_bad_input(run: Any, error: str, words: str) -> None:
    with pytest.raises(getattr(nf.errors, error), match=words):
        run()


def test_format_counts_its_holes() -> None:
    with pytest.raises(ValueError, match="2 holes"):
        S.format("{} {}", nf.constant("s"))
