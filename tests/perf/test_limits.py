"""The machine's limits: the loops do what they claim, and the greater of two peaks counts."""

import numpy as np
import pytest

from perf.limits import Bandwidth, Limits, measure_limits
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


def test_the_peak_is_measured() -> None:
    assert measure_limits(threads=2).flop_per_second > 0


@pytest.mark.parametrize("name", STREAMS)
def test_a_bandwidth_is_measured_again_and_again(name: str) -> None:
    """Over more time and less; in a form that it found out."""
    bandwidth = Bandwidth(name, threads=2, size=64)
    assert bandwidth.form in FORMS
    assert bandwidth.nbytes == 64 * 64 * (len(STREAMS[name].reads) + len(STREAMS[name].writes))
    assert bandwidth(1e-3) > 0
    assert bandwidth(0.0) > 0


def test_the_best_of_two_measurements() -> None:
    assert Limits(1, 256, 2).best(Limits(2, 256, 2)) == Limits(2, 256, 2)
