"""tf.compat.v1's functions of sequences: their own names of axes."""

from __future__ import annotations

import pytest

import numflow as nf
from numflow.compat import v1


def test_reverse_sequence_by_both_names() -> None:
    x, lengths = nf.constant([[1, 2, 3], [4, 5, 6]]), [2, 3]
    wanted = [[2, 1, 3], [6, 5, 4]]
    assert v1.reverse_sequence(x, lengths, 1, 0).numpy().tolist() == wanted
    assert v1.reverse_sequence(x, lengths, seq_dim=1, batch_dim=0).numpy().tolist() == wanted
    with pytest.raises(ValueError, match="seq_dim"):
        v1.reverse_sequence(x, lengths, seq_axis=1, seq_dim=1)


def test_names_that_are_the_same() -> None:
    assert v1.sequence_mask is nf.sequence_mask
    assert v1.edit_distance is nf.edit_distance
