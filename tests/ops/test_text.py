"""String ops: what TensorFlow gives for the same input, eagerly and compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf

S = nf.strings

# function of tensors, inputs, what TensorFlow 2.21 returns
RECORDED: list[tuple[Any, list[Any], Any]] = [
    (S.lower, ["ÀBc"], "Àbc".encode()),
    (lambda x: S.lower(x, "utf-8"), ["ÀBc"], "àbc".encode()),
    (lambda x: S.upper(x, "utf-8"), ["àbß"], "ÀBSS".encode()),
    (S.upper, [[]], []),
    (S.strip, ["\t a b\n\x0b "], b"a b"),
    (S.length, [["héllo", ""]], [6, 0]),
    (lambda x: S.length(x, "UTF8_CHAR"), [["héllo"]], [5]),
    (S.substr, [["Hello", "World"], [1, -3], [2, 9]], [b"el", b"rld"]),
    (S.substr, ["abc", 3, 1], b""),
    (S.substr, ["abc", 0, -1], b"abc"),
    (S.substr, ["abc", [0, 1], [1, 1]], [b"a", b"b"]),
    (
        S.substr,
        [[["ab", "cd"], ["ef", "gh"]], [0, 1], [1, 1]],
        [[b"a", b"d"], [b"e", b"h"]],
    ),
    (lambda x: S.substr(x, 1, 2, unit="UTF8_CHAR"), ["héllo"], "él".encode()),
    (lambda *x: S.join(x, "-"), ["a", ["b", "c"], "d"], [b"a-b-d", b"a-c-d"]),
    (lambda *x: S.join(x), [["a"], ["b"]], [b"ab"]),
    (lambda x: S.join([x]), [np.zeros((2, 0), object).astype(str)], np.zeros((2, 0))),
    (S.reduce_join, [[["a", "b"], ["c", "d"]]], b"abcd"),
    (lambda x: S.reduce_join(x, [0, 1], separator="."), [[["a", "b"], ["c", "d"]]], b"a.c.b.d"),
    (lambda x: S.reduce_join(x, -1, True), [[["a", "b"], ["c", "d"]]], [[b"ab"], [b"cd"]]),
    (S.reduce_join, ["a"], b"a"),
    (lambda x: S.reduce_join(x, []), [["a", "b"]], [b"a", b"b"]),
    (lambda x: S.reduce_join(x, 0), [np.zeros((0, 2), str)], [b"", b""]),
    (lambda x: S.regex_replace(x, "(b)(c)", r"[\2\1\0]\\"), ["abc abc"], b"a[cbbc]\\ a[cbbc]\\"),
    (lambda x: S.regex_replace(x, "b", r"\3"), ["abc"], b"abc"),
    (lambda x: S.regex_replace(x, "X", "-", replace_global=False), ["aXbX"], b"a-bX"),
    (lambda x: S.regex_replace(x, "[[:punct:]]", ""), ["naïve, été!"], "naïve été".encode()),
    (lambda x: S.regex_replace(x, r"\w", "w"), ["naïve été 5"], "wwïww éwé w".encode()),
    (lambda x: S.regex_replace(x, "", "-"), ["abc"], b"-a-b-c-"),
    (lambda x: S.regex_full_match(x, "a.c"), [["abc", "ab"]], [True, False]),
    (lambda x: S.regex_full_match(x, "a."), ["a\n"], False),
    (lambda x: S.regex_full_match(x, "a$"), ["a"], True),
    (
        lambda x: S.unsorted_segment_join(x, [1, 0, 1], 3, ":"),
        [["a", "b", "c"]],
        [b"b", b"a:c", b""],
    ),
    (
        lambda x: S.unsorted_segment_join(x, [0, 0], 1),
        [[["a", "q"], ["b", "r"]]],
        [[b"ab", b"qr"]],
    ),
    (S.to_number, [[" 1.5 ", "nan", "-inf", "1e3", "0x10"]], [1.5, np.nan, -np.inf, 1e3, 16]),
    (lambda x: S.to_number(x, nf.int64), [" 7 "], 7),
    (lambda x: S.to_number(x, nf.int32), ["+5"], 5),
    (S.to_number, ["1e400"], np.inf),
    (
        S.as_string,
        [np.array([3.14159, 2, np.nan, np.inf, 1e20], np.float32)],
        [b"3.141590", b"2.000000", b"nan", b"inf", b"100000002004087734272.000000"],
    ),
    (
        lambda x: S.as_string(x, precision=2, width=8, fill="0"),
        [[3.14159, 2.0]],
        [b"00003.14", b"00002.00"],
    ),
    (lambda x: S.as_string(x, scientific=True), [[3.14159]], [b"3.141590e+00"]),
    (lambda x: S.as_string(x, shortest=True), [[3.14159, 2.0, 1e-7]], [b"3.14159", b"2", b"1e-07"]),
    (lambda x: S.as_string(x, width=5, fill="-"), [[3, -2]], [b"3    ", b"-2   "]),
    (lambda x: S.as_string(x, width=5, fill="+"), [[3, -2]], [b"   +3", b"   -2"]),
    (lambda x: S.as_string(x, width=5), [[3, -2]], [b"    3", b"   -2"]),
    (lambda x: S.as_string(x, width=7), [[True, False]], [b"true", b"false"]),
    (S.as_string, [[1 + 2j]], [b"(1.000000,2.000000)"]),
    (S.as_string, ["abc"], b"abc"),
    (
        lambda x: S.to_hash_bucket(x, 1 << 62),
        [["", "a", "hello", "x" * 100]],
        [105434511174508091, 2996632905371535868, 1331861223480393034, 1482511825497849095],
    ),
    (
        lambda x: S.to_hash_bucket_strong(x, 1 << 62, [1, 2]),
        [["", "a", "hello"]],
        [443797209252341627, 546566331822570742, 2957200328589801622],
    ),
    (
        lambda x: S.to_hash_bucket_fast(x, 1 << 62),
        [["", "a", "hello", "hello world this is long enough to be more than 32 bytes", "x" * 100]],
        [
            1936946117179621455,
            3694432073954588131,
            3786372426573024488,
            1707875753669160537,
            1978794067220662815,
        ],
    ),
]


@pytest.mark.parametrize("case", range(len(RECORDED)))
def test_as_tensorflow(case: int) -> None:
    """Value and promised spec; the compiled function gives the same."""
    function, inputs, want = RECORDED[case]
    tensors = [nf.constant(x, nf.string) if len(np.shape(x)) and not np.size(x) else nf.constant(x)
               for x in inputs]  # fmt: skip
    for got in (function(*tensors), nf.function(function)(*tensors)):
        assert got.shape == np.shape(want)
        if got.dtype.is_floating:
            np.testing.assert_array_equal(got.numpy(), np.asarray(want, np.float32))
        else:
            assert np.array_equal(np.asarray(got.numpy(), object), np.asarray(want, object))


@pytest.mark.parametrize("length", [0, 1, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 127, 128])
def test_fingerprints_of_every_branch(length: int) -> None:
    """Hashes of strings around each border, against recorded ones of TensorFlow."""
    data = (b"The quick brown fox jumps over the lazy dog. " * 3)[:length]
    got = int(S.to_hash_bucket_fast(nf.constant(data), 1000003).numpy())
    assert got == FINGERPRINTS[length]


FINGERPRINTS = {
    0: 377723,
    1: 740147,
    3: 396929,
    4: 538906,
    7: 117156,
    8: 650604,
    15: 651476,
    16: 784130,
    17: 156564,
    31: 188545,
    32: 292266,
    33: 887537,
    63: 138263,
    64: 299307,
    65: 651229,
    127: 820623,
    128: 277860,
}


@pytest.mark.parametrize(
    ("run", "error", "words"),
    [
        (lambda: S.to_number("abc"), "InvalidArgumentError", "no float32"),
        (lambda: S.to_number("1_0"), "InvalidArgumentError", "no float32"),
        (lambda: S.to_number(""), "InvalidArgumentError", "no float32"),
        (lambda: S.to_number("99999999999", nf.int32), "InvalidArgumentError", "no int32"),
        (lambda: S.to_number("1.0", nf.int32), "InvalidArgumentError", "no int32"),
        (lambda: S.to_number("1", nf.uint8), "DTypeError", "out_type is uint8"),
        (lambda: S.to_number([1.0]), "DTypeError", "float32, not string"),
        (lambda: S.substr("abc", 4, 1), "InvalidArgumentError", "pos 4"),
        (lambda: S.substr("abc", [1], 1), "ShapeError", "one shape"),
        (lambda: S.substr("abc", 1.0, 1.0), "DTypeError", "pos is float32"),
        (lambda: S.join([["a"], ["b", "c"]]), "ShapeError", "one shape"),
        (lambda: S.join([["a"], [1.0]]), "DTypeError", r"inputs\[1\]"),
        (lambda: S.reduce_join([["a"]], 2), "OutOfRangeError", "axis 2"),
        (lambda: S.reduce_join([["a"]], [0, 0]), "InvalidArgumentError", "twice"),
        (lambda: S.regex_replace("a", "(", ""), "InvalidArgumentError", "malformed"),
        (lambda: S.regex_replace("a", r"\pN", ""), "InvalidArgumentError", "Unicode"),
        (lambda: S.length("a", "x"), "InvalidArgumentError", "BYTE"),
        (lambda: S.lower("A", "latin1"), "InvalidArgumentError", "latin1"),
        (lambda: S.unsorted_segment_join(["a"], [5], 1), "InvalidArgumentError", "id 5"),
        (lambda: S.unsorted_segment_join(["a"], [-1], 1), "InvalidArgumentError", "id -1"),
        (lambda: S.as_string([3], precision=2), "InvalidArgumentError", "precision"),
        (lambda: S.as_string([3.0], fill="x"), "InvalidArgumentError", "fill"),
        (
            lambda: S.as_string([3.0], scientific=True, shortest=True),
            "InvalidArgumentError",
            "exclude",
        ),
        (lambda: S.to_hash_bucket("a", 0), "InvalidArgumentError", "num_buckets is 0"),
        (lambda: S.to_hash_bucket_strong("a", 5, [1]), "InvalidArgumentError", "takes 2"),
    ],
)
def test_bad_input(run: Any, error: str, words: str) -> None:
    with pytest.raises(getattr(nf.errors, error), match=words):
        run()


def test_an_error_in_a_compiled_program_names_the_string() -> None:
    with pytest.raises(nf.errors.InvalidArgumentError, match="b'x'"):
        nf.function(S.to_number)(nf.constant(["1", "x"]))


def test_symbolic_sizes() -> None:
    run = nf.function(S.length, input_signature=[nf.TensorSpec([None], nf.string)])
    for n in (0, 1, 5):
        got = run(nf.constant(["ab"] * n, nf.string, shape=(n,)))
        assert got.numpy().tolist() == [2] * n
