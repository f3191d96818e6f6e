"""Fourier and cosine transforms, frames, short-time spectra: against NumPy and SciPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.contract import SINGLE_AND_DOUBLE, Case, check, floats, ids

signal = nf.signal


def _parts(z: Any) -> list[Any]:
    return [nf.math.real(z), nf.math.imag(z)]


def _np_parts(z: Any) -> list[Any]:
    return [np.real(z), np.imag(z)]


def of_complex(a: Any, b: Any, name: str, **how: Any) -> Any:
    """A transform of a + ib, as real and imaginary parts."""
    return _parts(getattr(signal, name)(nf.complex(a, b), **how))


def of_real(a: Any, name: str, **how: Any) -> Any:
    return _parts(getattr(signal, name)(a, **how))


def to_real(a: Any, b: Any, name: str, **how: Any) -> Any:
    return getattr(signal, name)(nf.complex(a, b), **how)


def frame(x: Any, length: int, step: int, **how: Any) -> Any:
    return signal.frame(x, length, step, **how)


def spectrogram(x: Any) -> Any:
    return _parts(signal.stft(x, 5, 2))


def _np_frames(x: Any, length: int, step: int, pad: bool = False) -> Any:
    n = x.shape[-1]
    count = -(-n // step) if pad else max(0, (n - length) // step + 1)
    wide = np.concatenate([x, np.full((*x.shape[:-1], length), 7.0)], -1)
    rows = [wide[..., k * step : k * step + length] for k in range(count)]
    return np.stack(rows, -2) if rows else np.zeros((*x.shape[:-1], 0, length))


def _np_stft(x: Any) -> Any:
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(5) / 5)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(5) / 4)  # an odd one is symmetric
    return _np_parts(np.fft.rfft(_np_frames(x, 5, 2) * window, 8))


def _np_overlap(x: Any, step: int) -> Any:
    count, length = x.shape[-2:]
    out = np.zeros((*x.shape[:-2], (count - 1) * step + length))
    for k in range(count):
        out[..., k * step : k * step + length] += x[..., k, :]
    return out


def _complex_case(name: str, oracle: Callable[[Any], Any], *shape: int, **how: Any) -> Case:
    return Case(
        of_complex, lambda a, b: _np_parts(oracle(a + 1j * b)), [floats(*shape)] * 2,
        {"name": name, **how}, dtypes=SINGLE_AND_DOUBLE, slack=9,
    )  # fmt: skip


def _real_case(name: str, oracle: Callable[[Any], Any], *shape: int, **how: Any) -> Case:
    return Case(
        of_real, lambda a: _np_parts(oracle(a)), [floats(*shape)],
        {"name": name, **how}, dtypes=SINGLE_AND_DOUBLE, slack=9,
    )  # fmt: skip


def _back_case(name: str, oracle: Callable[[Any], Any], *shape: int, **how: Any) -> Case:
    return Case(
        to_real, lambda a, b: oracle(a + 1j * b), [floats(*shape)] * 2,
        {"name": name, **how}, dtypes=SINGLE_AND_DOUBLE, slack=9,
    )  # fmt: skip


CASES = [
    *(_complex_case("fft", np.fft.fft, *s) for s in [(7,), (2, 8), (1,), (0, 3)]),
    _complex_case("ifft", np.fft.ifft, 2, 5),
    _complex_case("fft2d", np.fft.fft2, 2, 3, 5),
    _complex_case("ifft2d", np.fft.ifft2, 3, 4),
    _complex_case("fft3d", np.fft.fftn, 2, 3, 5),
    _complex_case("ifft3d", np.fft.ifftn, 2, 3, 2),
    _complex_case(
        "fftnd",
        lambda z: np.fft.fftn(z, (4, 3), (0, 2), norm="ortho"),
        *(3, 2, 5),
        fft_length=[4, 3],
        axes=[0, 2],
        norm="ortho",
    ),
    _complex_case("ifftnd", lambda z: np.fft.ifftn(z, norm="forward"), 2, 3, norm="forward"),
    *(_real_case("rfft", np.fft.rfft, *s) for s in [(7,), (2, 8), (1,), (0, 3)]),
    _real_case("rfft", lambda x: np.fft.rfft(x, 5), 2, 8, fft_length=[5]),
    _real_case("rfft", lambda x: np.fft.rfft(x, 11), 2, 8, fft_length=[11]),
    _real_case("rfft2d", lambda x: np.fft.rfft2(x, (4, 3)), 2, 3, 5, fft_length=[4, 3]),
    _real_case("rfft3d", lambda x: np.fft.rfftn(x), 2, 3, 5),
    _real_case("rfftnd", lambda x: np.fft.rfftn(x, axes=(1, 0)), 3, 5, axes=[1, 0]),
    *(_back_case("irfft", np.fft.irfft, *s) for s in [(5,), (2, 3)]),
    _back_case("irfft", lambda z: np.fft.irfft(z, 5), 2, 4, fft_length=[5]),
    _back_case("irfft", lambda z: np.fft.irfft(z, 9), 2, 4, fft_length=[9]),
    _back_case("irfft2d", lambda z: np.fft.irfft2(z, (2, 5)), 3, 3, fft_length=[2, 5]),
    _back_case("irfft3d", np.fft.irfftn, 2, 3, 3),
    _back_case("irfftnd", lambda z: np.fft.irfftn(z, (4,), (0,)), 3, 2, axes=[0], fft_length=[4]),
    *(
        Case(
            frame,
            lambda x, n=n, step=step, pad=pad: _np_frames(x, n, step, pad),
            [floats(2, 11)],
            {"length": n, "step": step, "pad_end": pad, "pad_value": 7.0},
        )
        for n, step in [(3, 2), (5, 5), (11, 1), (12, 3), (2, 7)]
        for pad in (False, True)
    ),
    Case(
        frame,
        lambda x: np.moveaxis(_np_frames(np.moveaxis(x, 0, -1), 2, 1), (1, 2), (0, 1)),
        [floats(5, 3)],
        {"length": 2, "step": 1, "axis": 0},
    ),
    *(
        Case(
            signal.overlap_and_add,
            lambda x, step=step: _np_overlap(x, step),
            [floats(2, 3, 5)],
            {"frame_step": step},
            dtypes=SINGLE_AND_DOUBLE,
        )
        for step in (1, 3, 5, 7)
    ),
    Case(spectrogram, _np_stft, [floats(2, 17)], dtypes=SINGLE_AND_DOUBLE, slack=9),
]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_op(case: Case) -> None:
    check(case)


@pytest.mark.parametrize("norm", [None, "ortho"])
@pytest.mark.parametrize("kind", [1, 2, 3, 4])
@pytest.mark.parametrize("size", [5, 8])
def test_cosine_transforms(kind: int, norm: Any, size: int) -> None:
    """SciPy's, and the way back; lengths cut and filled up; the gradient."""
    fft = pytest.importorskip("scipy.fft")
    x = np.random.default_rng(size).standard_normal((2, size))
    if kind == 1 and norm:
        with pytest.raises(ValueError, match="there is no orthonormal transform of type 1"):
            signal.dct(x, 1, norm=norm)
        return
    for n in (None, 4, 9):
        want = fft.dct(x, kind, n, norm=norm)
        np.testing.assert_allclose(signal.dct(x, kind, n, norm=norm).numpy(), want, atol=1e-12)
    back = signal.idct(signal.dct(x, kind, norm=norm), kind, norm=norm).numpy()
    np.testing.assert_allclose(back / (back / x).mean(), x, atol=1e-9)  # by a factor
    case = Case(
        signal.dct, lambda x: fft.dct(x, kind, norm=norm), [floats(3, size)],
        {"type": kind, "norm": norm}, dtypes=SINGLE_AND_DOUBLE, slack=30,
    )  # fmt: skip
    check(case)


@pytest.mark.parametrize("length", [1, 4, 5])
@pytest.mark.parametrize("periodic", [True, False])
def test_windows(length: int, periodic: bool) -> None:
    windows = pytest.importorskip("scipy.signal").windows
    for name in ("hann", "hamming"):
        # an odd window is symmetric in TensorFlow, whatever periodic says
        want = getattr(windows, name)(length, sym=not (periodic and length % 2 == 0))
        got = getattr(signal, f"{name}_window")(length, periodic, nf.float64).numpy()
        np.testing.assert_allclose(got, want, atol=1e-15)


@pytest.mark.parametrize(("length", "step"), [(8, 2), (8, 4), (6, 3), (5, 5)])
def test_short_time_spectra_and_back(length: int, step: int) -> None:
    x = np.random.default_rng(1).standard_normal((2, 60))
    ones = nf.ones if step == length else signal.hamming_window

    def window(n: Any, dtype: Any) -> Any:
        return ones([n], dtype) if ones is nf.ones else ones(n, dtype=dtype)

    spectra = signal.stft(x, length, step, window_fn=window)
    assert spectra.shape[-1] == 5
    inverse = signal.inverse_stft_window_fn(step, window)
    y = signal.inverse_stft(spectra, length, step, window_fn=inverse).numpy()
    inner = slice(length, y.shape[-1] - length)
    np.testing.assert_allclose(y[:, inner], x[:, : y.shape[-1]][:, inner], atol=1e-12)


def test_mel_scale() -> None:
    """Triangles that cover the range, and cepstral coefficients."""
    weights = signal.linear_to_mel_weight_matrix(7, 65, 16000, 100.0, 6000.0, nf.float64).numpy()
    assert weights.shape == (65, 7) and (weights[0] == 0).all() and weights.max() <= 1
    assert (np.diff(weights.argmax(0)) > 0).all()
    frequencies = np.linspace(0, 8000, 65)
    assert (weights[(frequencies < 100) | (frequencies > 6000)] == 0).all()
    x = np.random.default_rng(2).standard_normal((3, 5))
    want = signal.dct(x).numpy() / np.sqrt(10)
    np.testing.assert_allclose(signal.mfccs_from_log_mel_spectrograms(x).numpy(), want)


def test_order_of_frequencies() -> None:
    x = np.arange(30).reshape(5, 6)
    for axes in (None, [0], [1, 0], -1):
        np.testing.assert_array_equal(signal.fftshift(x, axes).numpy(), np.fft.fftshift(x, axes))
        np.testing.assert_array_equal(signal.ifftshift(x, axes).numpy(), np.fft.ifftshift(x, axes))


def test_nothing_to_transform() -> None:
    """No rows, and rows of no length."""
    assert signal.fft(nf.zeros([3, 0], nf.complex64)).shape == (3, 0)
    assert signal.rfft(nf.zeros([3, 0])).shape == (3, 1)
    assert signal.rfft(nf.zeros([0, 3])).shape == (0, 2)
    assert signal.irfft(nf.zeros([3, 1], nf.complex64)).shape == (3, 0)
    assert signal.frame(nf.zeros([0]), 3, 2, pad_end=True).shape == (0, 3)
    assert signal.overlap_and_add(nf.zeros([2, 0, 3]), 2).shape == (2, 0)


def test_a_batch_of_any_size() -> None:
    """One trace."""

    @nf.function(input_signature=[nf.TensorSpec([None, 16], nf.float32)])
    def f(x: Any) -> Any:
        return nf.abs(signal.stft(x, 8, 4))

    for rows in (1, 3):
        x = np.random.default_rng(rows).standard_normal((rows, 16)).astype(np.float32)
        np.testing.assert_allclose(f(x).numpy(), nf.abs(signal.stft(x, 8, 4)).numpy(), atol=1e-6)
    assert f.experimental_get_tracing_count() == 1


X = np.zeros((3, 4), np.float32)
BAD: list[tuple[Callable[[], Any], type[Exception], str]] = [
    (lambda: signal.fft(X), nf.errors.DTypeError, "fft: input is float32; it takes complex64"),
    (lambda: signal.rfft(nf.zeros([3], nf.int32)), nf.errors.DTypeError, "it takes float32"),
    (lambda: signal.rfft(np.float32(1.0)), ValueError, "rfft: input has 0 axes; it takes 1"),
    (lambda: signal.rfft2d(X[0]), ValueError, "rfft2d: input has 1 axes; it takes 2"),
    (lambda: signal.rfft(X, [4, 4]), nf.errors.InvalidArgumentError, "it takes 1 numbers"),
    (lambda: signal.rfft(X, [-1]), nf.errors.InvalidArgumentError, "0 and more"),
    (lambda: signal.rfftnd(X, norm="odd"), ValueError, "norm must be 'backward' or 'ortho'"),
    (lambda: signal.frame(X, 0, 1), nf.errors.InvalidArgumentError, "frame_length is 0, below 1"),
    (lambda: signal.frame(X, 2, 0), nf.errors.InvalidArgumentError, "frame_step is 0, below 1"),
    (lambda: signal.frame(X, 2, 1, axis=3), ValueError, "axis"),
    (lambda: signal.overlap_and_add(X[0], 1), ValueError, "signal needs two axes"),
    (lambda: signal.dct(X, 5), ValueError, "it takes type 1, 2, 3 or 4"),
    (lambda: signal.dct(X[:, :1], 1), ValueError, "too few for type 1"),
    (lambda: signal.hann_window(-1), ValueError, "window_length must be at least 0"),
    (lambda: signal.hann_window(3, dtype=nf.int32), nf.errors.DTypeError, "it takes floats"),
    (lambda: signal.linear_to_mel_weight_matrix(4, 9, 8000, 300.0, 200.0), ValueError, "edge"),
]


@pytest.mark.parametrize(("run", "error", "message"), BAD, ids=[m for _, _, m in BAD])
def test_bad_arguments(run: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        run()
