"""The machine's limits: the loops do what they claim, and the greater of two figures counts."""

import numpy as np
import pytest

from perf.limits import Limits, measure_limits
from perf.loops import FORMS, STREAMS, compiled


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_reads_and_writes_its_arrays(name: str, form: str) -> None:
    """Vectors begin..end and no others; a*b+c, or the product of what is read."""
    raw = [np.empty(16 * 9 + 16, np.float32) for _ in range(4)]
    arrays = [a[-a.ctypes.data % 64 // 4 :][: 16 * 9] for a in raw]
    for k, a in enumerate(arrays):
        a[:] = k + 2
    addresses = np.array([a.ctypes.data for a in arrays], np.int64)
    compiled().streams[name][form](addresses.ctypes.data, 1, 5)
    wanted = 2 * 3 + 4 if name == "a*b+c" else np.prod([k + 2 for k in STREAMS[name].reads])
    for k, a in enumerate(arrays):
        expected = np.full(a.shape, k + 2.0)
        if k in STREAMS[name].writes:
            expected[16:80] = wanted
        np.testing.assert_array_equal(a, expected)


def test_all_limits_are_measured() -> None:
    limits = measure_limits(threads=2, size=64)
    assert limits.flop_per_second > 0
    assert limits.bytes_per_second > 0
    assert limits.stream_bytes_per_second > 0
    assert limits.update_bytes_per_second > 0
    assert len(limits.forms) == len(STREAMS)


def test_the_best_of_two_measurements() -> None:
    one, two = Limits(1, 4, 256, 2, 5, 8), Limits(2, 3, 256, 2, 6, 7)
    assert one.best(two) == Limits(2, 4, 256, 2, 6, 8)
