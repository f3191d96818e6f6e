"""tf.strings: strings in tensors."""

from __future__ import annotations

from numflow.ops.hashing import to_hash_bucket, to_hash_bucket_fast, to_hash_bucket_strong
from numflow.ops.text import (
    join,
    length,
    lower,
    reduce_join,
    regex_full_match,
    regex_replace,
    strip,
    substr,
    unsorted_segment_join,
    upper,
)
from numflow.ops.text_numbers import as_string, to_number

__all__ = [
    "as_string",
    "join",
    "length",
    "lower",
    "reduce_join",
    "regex_full_match",
    "regex_replace",
    "strip",
    "substr",
    "to_hash_bucket",
    "to_hash_bucket_fast",
    "to_hash_bucket_strong",
    "to_number",
    "unsorted_segment_join",
    "upper",
]
