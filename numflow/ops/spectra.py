"""Sound and other signals: windows, frames, short-time spectra, cosine transforms, mel scale."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from numflow import dtypes
from numflow.errors import (
    DTypeError,
    InvalidArgumentError,
    ResourceExhaustedError,
    ShapeError,
    explain,
)
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import complexes, creation, fourier, indexing, joining, plain, rearrange, segments
from numflow.ops import math as maths
from numflow.ops import reduce as reductions
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, static_int
from numflow.ops.shape_rules import normal_axis
from numflow.shapes import Dim, Extent, Size, maximum

# --- windows ------------------------------------------------------------------------------------


_FAR = 1 << 28  # elements of windows and weights, computed by NumPy: beyond what any frame has


def _bounded(op: str, *sizes: int) -> None:
    if math.prod(sizes) > _FAR:
        problem = f"{' x '.join(map(str, sizes))} numbers are beyond memory"
        raise ResourceExhaustedError(explain(op, problem))


def _raised_cosine(op: str, length: Any, periodic: Any, dtype: Any, a: float, b: float) -> Tensor:
    n = plain.whole(length, op, "window_length", least=0)
    _bounded(op, n)
    kind = dtypes.as_dtype(dtype)
    if not kind.is_floating:
        raise DTypeError(explain(op, f"dtype is {kind.name}; it takes floats"))
    if n == 1:
        return creation.constant(np.ones(1), kind)
    spans = n - 1 + (plain.flag(periodic, op, "periodic") and n % 2 == 0)
    window = a - b * np.cos(2 * math.pi / max(1, spans) * np.arange(n))
    return creation.constant(window, kind)


def hann_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """(1 - cos(2 pi k / n)) / 2, n numbers: high in the middle.

    Args:
      window_length: n.
      periodic: whether an even number of them is to be repeated behind one another.

    Raises:
      DTypeError: dtype is not floating.

    Example:
      >>> nf.signal.hann_window(4).numpy().round(3).tolist()
      [0.0, 0.5, 1.0, 0.5]
    """
    return _raised_cosine("hann_window", window_length, periodic, dtype, 0.5, 0.5)


def hamming_window(
    window_length: Any, periodic: Any = True, dtype: Any = dtypes.float32, name: str | None = None
) -> Tensor:
    """0.54 - 0.46 cos(2 pi k / n), n numbers; arguments as for hann_window.

    Example:
      >>> nf.signal.hamming_window(4, dtype=nf.float64).numpy().round(3).tolist()
      [0.08, 0.54, 1.0, 0.54]
    """
    return _raised_cosine("hamming_window", window_length, periodic, dtype, 0.54, 0.46)


# --- frames -------------------------------------------------------------------------------------


def frame(
    signal: TensorLike,
    frame_length: Any,
    frame_step: Any,
    pad_end: bool = False,
    pad_value: Any = 0,
    axis: int = -1,
    name: str | None = None,
) -> Tensor:
    """Pieces of a signal, which may overlap: [..., frames, frame_length, ...] of an axis.

    Args:
      signal: [..., n, ...].
      frame_length, frame_step: how long a piece is, and from where to where two begin.
      pad_end: also pieces that begin within the signal and end beyond it.
      pad_value: what they are filled up with.

    Raises:
      ShapeError: signal has no such axis.
      InvalidArgumentError: frame_length or frame_step is below 1.

    Example:
      >>> nf.signal.frame([1, 2, 3, 4, 5], 3, 2).numpy().tolist()
      [[1, 2, 3], [3, 4, 5]]
      >>> nf.signal.frame([1, 2, 3, 4], 3, 2, pad_end=True).numpy().tolist()
      [[1, 2, 3], [3, 4, 0]]
    """
    op = "frame"
    x = as_tensor(signal, None, op, "signal")
    at = normal_axis(op, static_int(axis, op, "axis"), x.spec.rank)
    length, step = (
        _positive(op, frame_length, "frame_length"),
        _positive(op, frame_step, "frame_step"),
    )
    n: Extent = x.spec.shape[at]
    count: Extent
    if plain.flag(pad_end, op, "pad_end"):
        size = int(Size(n)) if isinstance(n, Dim) else n
        count = -(-size // step)
        missing = max(0, (count - 1) * step + length - size) if count else 0
        paddings = [[0, 0]] * at + [[0, missing]] + [[0, 0]] * (x.spec.rank - at - 1)
        fill = as_tensor(pad_value, x.dtype, op, "pad_value")
        x = rearrange.pad(x, paddings, constant_values=fill) if missing else x
    else:
        count = (
            maximum(0, (n - length) // step + 1)
            if isinstance(n, Dim)
            else max(0, (n - length) // step + 1)
        )
    place = creation.iota((count, length), 0, dtypes.int32) * step
    return indexing.gather(x, place + creation.iota((count, length), 1, dtypes.int32), axis=at)


def _positive(op: str, value: Any, name: str) -> int:
    found = plain.whole(value, op, name)
    if found < 1:
        raise InvalidArgumentError(explain(op, f"{name} is {found}, below 1"))
    return found


def overlap_and_add(signal: TensorLike, frame_step: Any, name: str | None = None) -> Tensor:
    """The sum of frames, each of which begins frame_step later: [..., frames, n] to [..., m].

    Raises:
      ShapeError: signal has less than two axes.
      InvalidArgumentError: frame_step is below 1.

    Example:
      >>> nf.signal.overlap_and_add([[1, 1, 1], [2, 2, 2]], 2).numpy().tolist()
      [1, 1, 3, 2, 2]
    """
    op = "overlap_and_add"
    x = as_tensor(signal, None, op, "signal")
    if x.spec.rank < 2:
        raise ShapeError(explain(op, "signal needs two axes: frames, and what is in them"))
    step = _positive(op, frame_step, "frame_step")
    *outer, count, length = x.spec.shape
    place = creation.iota((count, length), 0, dtypes.int32) * step
    place += creation.iota((count, length), 1, dtypes.int32)
    total: Extent = (count - 1) * step + length
    if isinstance(total, int) and not count:
        total = 0
    rows = shaping.transpose(shaping.reshape(x, (-1, count * length)))
    sums = segments.unsorted_segment_sum(rows, shaping.reshape(place, (-1,)), total)
    return shaping.reshape(shaping.transpose(sums), (*outer, total))


# --- short-time spectra -------------------------------------------------------------------------

Window = Callable[..., Tensor]
_HANN: Window = functools.partial(hann_window, periodic=True)


def stft(
    signals: TensorLike,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Window | None = _HANN,
    pad_end: bool = False,
    name: str | None = None,
) -> Tensor:
    """Short-time Fourier transforms: complex [..., frames, fft_length // 2 + 1].

    Args:
      signals: float32 or float64 [..., n].
      frame_length, frame_step, pad_end: see `frame`.
      fft_length: default the power of 2 that is not below frame_length.
      window_fn: gives weights for frame_length and a dtype; None: 1.

    Example:
      >>> nf.signal.stft(nf.zeros([2, 100]), 16, 8).shape
      TensorShape([2, 11, 9])
    """
    op = "stft"
    x = as_tensor(signals, None, op, "signals")
    length = _positive(op, frame_length, "frame_length")
    size = _power_of_two(length) if fft_length is None else _positive(op, fft_length, "fft_length")
    frames = frame(x, length, frame_step, pad_end)
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=x.dtype)
    return fourier.rfft(frames, [size])


def _power_of_two(n: int) -> int:
    return 1 << (n - 1).bit_length()


def inverse_stft(
    stfts: TensorLike,
    frame_length: Any,
    frame_step: Any,
    fft_length: Any = None,
    window_fn: Window | None = _HANN,
    name: str | None = None,
) -> Tensor:
    """Signals [..., n] of short-time spectra; with `inverse_stft_window_fn` the inverse of `stft`.

    Example:
      >>> x = nf.random.normal([64])
      >>> window = nf.signal.inverse_stft_window_fn(4)
      >>> y = nf.signal.inverse_stft(nf.signal.stft(x, 8, 4), 8, 4, window_fn=window)
      >>> bool(nf.reduce_all(nf.abs(x - y)[4:-4] < 1e-5))
      True

    Source: Griffin & Lim 1984, "Signal estimation from modified short-time Fourier transform".
    """
    op = "inverse_stft"
    length = _positive(op, frame_length, "frame_length")
    size = _power_of_two(length) if fft_length is None else _positive(op, fft_length, "fft_length")
    frames = fourier.irfft(stfts, [size])
    if frames.spec.rank < 2:
        raise ShapeError(explain(op, "stfts needs two axes: frames and frequencies"))
    frames = fourier.cut(frames, frames.spec.rank - 1, length)
    if window_fn is not None:
        frames = frames * window_fn(length, dtype=frames.dtype)
    return overlap_and_add(frames, frame_step)


def inverse_stft_window_fn(
    frame_step: Any, forward_window_fn: Window = _HANN, name: str | None = None
) -> Window:
    """The window for `inverse_stft` with which it is the inverse of `stft` with this window.

    Source: Griffin & Lim 1984, equation 7.
    """
    step = _positive("inverse_stft_window_fn", frame_step, "frame_step")

    def window_fn(frame_length: Any, dtype: Any = dtypes.float32) -> Tensor:
        length = _positive("inverse_stft_window_fn", frame_length, "frame_length")
        window = forward_window_fn(length, dtype=dtype)
        overlaps = -(-length // step)
        square = rearrange.pad(window * window, [[0, overlaps * step - length]])
        total = reductions.reduce_sum(shaping.reshape(square, (overlaps, step)), 0)
        return window / rearrange.tile(total, [overlaps])[:length]

    return window_fn


# --- cosine transforms --------------------------------------------------------------------------


def dct(
    input: TensorLike,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """A discrete cosine transform over the last axis.

    Args:
      input: float32 or float64 [..., n].
      type: 1, 2, 3 or 4.
      n: the length to which the axis is cut, or filled up with zeros.
      axis: -1.
      norm: "ortho": orthonormal; not for type 1.

    Raises:
      ValueError: another type, axis or norm.
      DTypeError: input is neither float32 nor float64.

    Example:
      >>> nf.signal.dct(nf.constant([1.0, 2.0, 4.0], nf.float64)).numpy().round(4).tolist()
      [14.0, -5.1962, 1.0]

    Source: Ahmed, Natarajan & Rao 1974, "Discrete cosine transform"; SciPy's conventions.
    """
    op = "dct"
    x = as_tensor(input, None, op, "input")
    if x.dtype not in (dtypes.float32, dtypes.float64):
        problem = f"input is {x.dtype.name}; it takes float32 and float64"
        raise DTypeError(explain(op, problem, {"input": x.spec}))
    type, axis = plain.whole(type, op, "type"), plain.whole(axis, op, "axis")
    if norm is not None:
        norm = plain.word(norm, op, "norm")
    if type not in (1, 2, 3, 4) or axis != -1 or norm not in (None, "ortho"):
        problem = "it takes type 1, 2, 3 or 4, axis -1, and norm None or 'ortho'"
        shown = {"type": type, "axis": axis, "norm": norm}
        raise ValueError(explain(op, problem, shown))
    if not x.spec.rank:
        raise ShapeError(explain(op, "input is a scalar; it needs an axis"))
    if n is not None:
        length = _positive(op, n, "n")
        if isinstance(length, int):
            _bounded(op, length)
        x = fourier.cut(x, x.spec.rank - 1, length)
    size = int(Size(x.spec.shape[-1])) if isinstance(x.spec.shape[-1], Dim) else x.spec.shape[-1]
    assert isinstance(size, int)
    if size < 1 + (type == 1):
        problem = f"the last axis has {size} elements, too few for type {type}"
        raise ShapeError(explain(op, problem, {"input": x.spec}))
    if type == 1:
        if norm == "ortho":
            raise ValueError(explain(op, "there is no orthonormal transform of type 1"))
        around = joining.concat([x, rearrange.reverse(x[..., 1:-1], [-1])], -1)
        return complexes.real(fourier.rfft(around))
    if type == 2:
        return _dct2(x, size, norm)
    if type == 3:
        return _dct3(x, size, norm)
    y = _dct2(fourier.cut(x, x.spec.rank - 1, 2 * size), 2 * size, None)[..., 1::2]
    return y * math.sqrt(0.5 / size) if norm == "ortho" else y


def _dct2(x: Tensor, size: int, norm: str | None) -> Tensor:
    spectrum = fourier.rfft(x, [2 * size])[..., :size]
    y = complexes.real(spectrum * _turns(x, size, -1))
    return y * _weights(x, size, 0.5, math.sqrt(2.0)) if norm == "ortho" else y


def _dct3(x: Tensor, size: int, norm: str | None) -> Tensor:
    x = x * (_weights(x, size, size, math.sqrt(0.5)) if norm == "ortho" else float(size))
    turned = maths.cast(x, _turns(x, size, 1).dtype) * _turns(x, size, 1)
    return fourier.irfft(turned, [2 * size])[..., :size]


def _turns(x: Tensor, size: int, sign: int) -> Tensor:
    kind = dtypes.complex64 if x.dtype is dtypes.float32 else dtypes.complex128
    return creation.constant(2 * np.exp(sign * 0.5j * math.pi / size * np.arange(size)), kind)


def _weights(x: Tensor, size: int, first: float, times: float) -> Tensor:
    """What makes rows of length 1: of type 2 for first 1/2, of type 3 for n."""
    start = 0.5 / math.sqrt(size) if first == 0.5 else math.sqrt(size)
    weights = np.full(size, start * times)
    weights[0] = start
    return creation.constant(weights, x.dtype)


def idct(
    input: TensorLike,
    type: int = 2,
    n: Any = None,
    axis: int = -1,
    norm: str | None = None,
    name: str | None = None,
) -> Tensor:
    """The transform that undoes `dct` of this type: itself with norm="ortho", else by a factor.

    Example:
      >>> x = nf.signal.dct([1.0, 2.0, 3.0], norm="ortho")
      >>> nf.signal.idct(x, norm="ortho").numpy().round(5).tolist()
      [1.0, 2.0, 3.0]
    """
    type = plain.whole(type, "idct", "type")
    other = {2: 3, 3: 2}.get(type, type)
    return dct(input, other, n, axis, norm)


# --- mel scale ----------------------------------------------------------------------------------


def _mel(hertz: Any) -> Any:
    """O'Shaughnessy 1987, "Speech communication: human and machine"."""
    return 1127.0 * np.log1p(np.asarray(hertz, np.float64) / 700.0)


def linear_to_mel_weight_matrix(
    num_mel_bins: Any = 20,
    num_spectrogram_bins: Any = 129,
    sample_rate: Any = 8000,
    lower_edge_hertz: Any = 125.0,
    upper_edge_hertz: Any = 3800.0,
    dtype: Any = dtypes.float32,
    name: str | None = None,
) -> Tensor:
    """Weights [num_spectrogram_bins, num_mel_bins] of triangles, even on the mel scale.

    Args:
      num_mel_bins, num_spectrogram_bins: sizes; the spectrum reaches from 0 to half the
        sample_rate.
      lower_edge_hertz, upper_edge_hertz: what the triangles cover.

    Raises:
      ValueError: a size is below 1; the edges are not in order, or beyond half the sample_rate.

    Example:
      >>> nf.signal.linear_to_mel_weight_matrix(4, 9).shape
      TensorShape([9, 4])
    """
    op = "linear_to_mel_weight_matrix"
    bins = plain.whole(num_mel_bins, op, "num_mel_bins")
    rows = plain.whole(num_spectrogram_bins, op, "num_spectrogram_bins")
    low, high = (
        plain.number(v, op, k)
        for v, k in ((lower_edge_hertz, "lower_edge_hertz"), (upper_edge_hertz, "upper_edge_hertz"))
    )
    nyquist = plain.number(sample_rate, op, "sample_rate") / 2
    if bins < 1 or rows < 1 or not 0 <= low < high <= nyquist:
        problem = "sizes are 1 and more, and 0 <= lower edge < upper edge <= sample_rate / 2"
        shown = {"num_mel_bins": bins, "num_spectrogram_bins": rows, "edges": [low, high]}
        raise ValueError(explain(op, problem, {**shown, "sample_rate / 2": nyquist}))
    _bounded(op, bins, rows)
    spectrum = _mel(np.linspace(0.0, nyquist, rows)[1:])[:, None]
    edges = np.linspace(_mel(low), _mel(high), bins + 2)
    left, center, right = edges[:-2], edges[1:-1], edges[2:]
    rising, falling = (spectrum - left) / (center - left), (right - spectrum) / (right - center)
    weights = np.maximum(0.0, np.minimum(rising, falling))
    return creation.constant(np.pad(weights, [[1, 0], [0, 0]]), dtypes.as_dtype(dtype))


def mfccs_from_log_mel_spectrograms(
    log_mel_spectrograms: TensorLike, name: str | None = None
) -> Tensor:
    """Mel-frequency cepstral coefficients [..., num_mel_bins]: a scaled `dct` of type 2.

    Raises:
      DTypeError: neither float32 nor float64.

    Example:
      >>> nf.signal.mfccs_from_log_mel_spectrograms([[1.0, 1.0]]).numpy().round(3).tolist()
      [[2.0, 0.0]]
    """
    y = dct(log_mel_spectrograms)
    return y * (1.0 / math.sqrt(2.0 * int(y.shape[-1])))
