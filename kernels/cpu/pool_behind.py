"""A pool behind a convolution, of each stripe of its result while that is in a cache; and back.

The convolution's kernel makes the rows that a row of the pool reads in its workspace, and calls the
pool's (pool_nest.py) on them: the whole image is neither written nor read again. The pool's
argument block is a part of the convolution's, and is copied to the workspace, where the address of
what it reads changes from stripe to stripe: it is that of an image whose other rows are not there.

The gradient by the filter of a first layer is the only one that reads what the pool's gradient
spreads over the image: its kernel has the rows spread that it is about to read (`spread_entry`).
"""

from __future__ import annotations

from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import pool
from numflow.kernels.cpu.pool_nest import W
from numflow.kernels.engine import Target
from numflow.kernels.intrinsics import copy_bytes, set_word
from numflow.kernels.records import NamedTuple

POOL_X, POOL_Y = W.X, W.Y
WORDS = W.END - W.X
"""Of the pool, in the convolution's block."""
BYTES = W.END * 8
"""Of its block."""


class Behind(NamedTuple):
    """The pool. kind: "max", "places" (the largest, and where it stands) or "mean".

    window: its image is the result of the convolution; two axes at most.
    """

    kind: str
    window: pool.Window

    @property
    def span(self) -> int:
        """Rows that a window is over."""
        return (self.window.kernel[1] - 1) * self.window.dilations[1] + 1

    @property
    def outputs(self) -> int:
        return 2 if self.kind == "places" else 1

    def rows(self, pooled: int) -> int:
        """Rows of the image that so many neighbouring rows of the result read."""
        return (pooled - 1) * self.window.strides[1] + self.span

    def entry(self, dtype: str, target: Target) -> tuple[int, list[int]]:
        """Its address, and its words without those of the operands."""
        if self.kind == "mean":
            call = pool.plan_mean(self.window, dtype, target=target)
        else:
            call = pool.plan_max(self.window, dtype, places=self.kind == "places", target=target)
        words = call.words([0, 0, 0])
        words[W.FETCH - W.X] = 0  # what it reads is in a cache
        return call.address, words


def spread_entry(window: pool.Window, dtype: str, target: Target) -> tuple[int, list[int]]:
    """The gradient of the largest by the image: its address, and its words without operands."""
    call = pool.plan_spread(window, dtype, target=target)
    words = call.words([0, 0, 0])
    words[W.PAST - W.X] = 0  # what it writes is read at once
    return call.address, words


def enter_block(args: int, first: int, block: int, y: int, places: int) -> None:
    """The pool's block, of what stands in that of the convolution from word `first` on."""
    copy_bytes(block, args, HEADER * 8)
    copy_bytes(block + HEADER * 8, args + first * 8, WORDS * 8)
    set_word(block, W.Y, y)
    set_word(block, W.PLACE, places)
