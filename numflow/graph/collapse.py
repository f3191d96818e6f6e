"""From a shape and the strides of operands to the axes of a loop, and the letters of its operands.

Rules, in order: a size of 1 is dropped; axes are sorted by the stride of the output, largest first
(where none is reduced, for crossing a kept axis would change the form of the fold, and where all
strides are known); two neighbours merge where every operand steps over them as over one (stride of
the outer = size x stride of the inner, 0 = 0 x n for a broadcast) and both are reduced or both
kept. What is left decides the letters, so a kernel compiled for (letters, dtypes) serves every
shape that collapses to them.

Sizes and strides may be symbolic (shapes.Dim): they are multiplied, and compared by ==, and never
ordered.
"""

from __future__ import annotations

from collections.abc import Sequence

from numflow.kernels.records import NamedTuple
from numflow.shapes import Extent


class Axes(NamedTuple):
    """sizes[k], strides[operand][k] in elements, and reduced[k] of the axes that are left.

    origin[k]: the axes of the shape that axis k was made of, outer ones first.
    """

    sizes: tuple[Extent, ...]
    strides: tuple[tuple[Extent, ...], ...]
    reduced: tuple[bool, ...]
    origin: tuple[tuple[int, ...], ...]

    def letters(self) -> tuple[str, ...]:
        """The access of every operand."""

        def letter(stride: Extent, inner: bool) -> str:
            return "-" if stride == 0 else "u" if inner and stride == 1 else "s"

        last = len(self.sizes) - 1
        return tuple(
            "".join(letter(s, k == last) for k, s in enumerate(row)) for row in self.strides
        )


def collapse(
    shape: Sequence[Extent],
    strides: Sequence[Sequence[Extent]],
    reduced: Sequence[bool] = (),
    output: int = -1,
    keep: Sequence[int] = (),
) -> Axes:
    """Axes of a loop over `shape`.

    Args:
      shape: sizes of the iteration space.
      strides: per operand, in elements, 0 where it broadcasts.
      reduced: which axes are folded; default none.
      output: the operand whose order counts.
      keep: axes that must stay what they are (their numbers are used): neither dropped nor merged.

    Example:
      >>> collapse((2, 3, 5), [(0, 0, 1), (15, 5, 1)]).letters()
      ('-u', 'su')
    """
    folded = tuple(reduced) or (False,) * len(shape)
    left = [k for k, n in enumerate(shape) if n != 1 or k in keep]
    steps = [strides[output][k] for k in left] if strides else []
    if not any(folded) and all(isinstance(s, int) for s in steps):
        size = {k: abs(s) for k, s in zip(left, steps, strict=True) if isinstance(s, int)}
        left.sort(key=lambda k: (shape[k] != 1, -size[k]))
    empty = any(n == 0 for n in shape)  # then no element tells strides apart
    sizes: list[Extent] = []
    rows: list[list[Extent]] = []  # per axis, a stride per operand
    kinds: list[bool] = []
    origin: list[tuple[int, ...]] = []
    for k in left:
        step = [s[k] for s in strides]
        mergeable = bool(sizes) and kinds[-1] == folded[k]
        mergeable = mergeable and not {k, *origin[-1]} & set(keep)
        if mergeable and (
            empty or all(a == shape[k] * c for a, c in zip(rows[-1], step, strict=True))
        ):
            sizes[-1], rows[-1], origin[-1] = sizes[-1] * shape[k], step, (*origin[-1], k)
        else:
            sizes.append(shape[k])
            rows.append(step)
            kinds.append(folded[k])
            origin.append((k,))
    if not sizes:  # one element
        sizes, rows, kinds, origin = [1], [[1] * len(strides)], [any(folded)], [()]
    return Axes(tuple(sizes), tuple(zip(*rows, strict=True)), tuple(kinds), tuple(origin))
