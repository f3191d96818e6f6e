"""Instructions around the steps whose results outlast the call (codegen/kept.py).

    stale            is any of the variables written since? (kernels/cpu/freshness.py)
    jump_if_zero     no: behind `note`
    ...              the steps
    note             this is what they were made of

An interrupt between the two leaves the old counts noted, so that the steps run again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from numflow.kernels import abi
from numflow.runtime.call_parts import Slot
from numflow.runtime.cells import WRITES
from numflow.runtime.executor import Instruction, jump_if_zero, kernel
from numflow.runtime.native import address_function


class Kept:
    """The bookkeeping of one record.

    variables: those that the steps read. captures: how many captured tensors they read, whose
    addresses `slots` are to receive: a tensor never changes, another one is at another place.
    made, pointers: as `entry.make_call` takes them.
    """

    def __init__(self, context: int, variables: Sequence[Any], captures: int) -> None:
        from numflow.kernels.cpu import freshness  # only where there is such a step

        self._stale, self._note = freshness.kernels()
        counts = [v.cell_address + abi.WORD * WRITES for v in variables]
        words = [context, 0, 1, 0, *freshness.operands([*counts, *[0] * captures])]
        begin = len(words)  # of the addresses of captures
        self._block = block = np.array([*words, *[0] * captures], np.int64)
        address = address_function()(block)
        self._byte = address + abi.WORD * freshness.STALE
        self.made: list[Slot] = [(block, freshness.MADE)]
        self.slots: list[Slot] = [(block, begin + k) for k in range(captures)]
        self.pointers: list[Slot] = []
        for k in range(captures):
            at = freshness.ROWS + freshness.ROW * (len(counts) + k)
            block[at] = address + abi.WORD * (begin + k)
            self.pointers.append((block, at))

    def around(self, steps: Sequence[Instruction], at: int = 0) -> list[Instruction]:
        """The instructions with what decides about them; at: the number of the first."""
        stale = kernel(self._stale, self._block, 1, 1)
        note = kernel(self._note, self._block, 1, 1)
        return [stale, jump_if_zero(self._byte, at + len(steps) + 3), *steps, note]
