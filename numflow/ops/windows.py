"""How many places a window has along an axis, and the zeros that "SAME" puts around it.

Convolutions and poolings share it. A size of the image may be a symbol: what follows from it is
then a symbol, too, and the same one for every window of the same step: a shortcut of 1x1 fits the
3x3 beside it.

Source: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
"""

from __future__ import annotations

from numflow.shapes import Dim, Extent, maximum

Pair = tuple[Extent, Extent]


def same_padding(n: Extent, k: int, stride: int, dilation: int) -> Pair:
    """(in front, behind): a window of k then has ceil(n / stride) places. The odd zero is behind.

    Example: 6 elements, 3 in the window, step 2: three places, no zero in front, one behind.
    """
    reach = (k - 1) * dilation + 1
    if stride == 1 or reach == 1:  # whatever n is
        total: Extent = reach - 1 if stride == 1 else 0
    else:
        total = ((n + (stride - 1)) // stride - 1) * stride + reach - n
        if isinstance(n, int) or reach < stride:  # a longer window reaches over what remains
            total = maximum(total, 0)
    return total // 2, total - total // 2


def seen_dilation(n: Extent, stride: int, dilation: int) -> int:
    """A dilation that reads the same of an axis of n elements, padded "SAME", and is no larger.

    Beyond it a window reads its middle, if it has one, which is over the same element, and zeros.
    """
    if not isinstance(n, int):
        return dilation
    last = max(-(-n // stride) - 1, 0) * stride  # where the window begins, in front of it no zeros
    return min(dilation, 2 * (n + last) + 4)


def places(n: Extent, k: int, stride: int, pair: Pair, dilation: int) -> Extent:
    """Over an axis of n elements with a pair of zeros around."""
    if any(isinstance(p, Dim) for p in pair) and pair == same_padding(n, k, stride, dilation):
        return (n + (stride - 1)) // stride
    return (n + sum(pair) - (k - 1) * dilation - 1) // stride + 1


def taps(
    n: int, size: int, k: int, stride: int, before: int, dilation: int
) -> list[tuple[int, slice, slice]]:
    """(tap, the places for which it is in the image, the pixels that it is over there).

    Of an axis of n pixels with so many places, and zeros in front: taps that only ever read zeros
    are left out, however far apart they are.
    """
    found = []
    first = max(0, -(((size - 1) * stride - before) // dilation)) if size else 0
    last = min(k - 1, (n - 1 + before) // dilation) if n else -1
    for tap in range(first, last + 1):
        at = tap * dilation - before
        begin = max(0, -(at // stride))
        end = min(size, (n - 1 - at) // stride + 1)
        if begin < end:
            start, count = begin * stride + at, end - begin
            pixels = slice(start, start + (count - 1) * stride + 1, stride)
            found.append((tap, slice(begin, end), pixels))
    return found
