"""Calling a kernel from Python: an argument block with its own context and workspace."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable

import numpy as np

from numflow.kernels import abi

_Kernel = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def launch(
    address: int,
    words: Iterable[int],
    ranges: Iterable[tuple[int, int]],
    *,
    workspace_bytes: int = 0,
    node: int = 0,
) -> int:
    """Run the kernel over each range of units; the context's error word after it."""
    context = np.zeros(abi.CONTEXT_WORDS, np.int64)
    context[abi.ERROR] = abi.NO_ERROR
    # a workspace that ends where it should, and holds garbage (NaN) at first
    workspace = np.full(workspace_bytes + 64 + 4096, 0xFF, np.uint8)
    start = -(-workspace.ctypes.data // 64) * 64
    ranges = list(ranges)
    total = max((end for _, end in ranges), default=0)
    block = np.array([context.ctypes.data, start, total, node, *words], np.int64)
    kernel = _Kernel(address)
    for begin, end in ranges:
        kernel(block.ctypes.data, begin, end)
    behind = workspace[start - workspace.ctypes.data + workspace_bytes :]
    assert (behind == 0xFF).all(), "wrote past the workspace"
    return int(context[abi.ERROR])
