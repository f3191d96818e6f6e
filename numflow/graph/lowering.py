"""How the compiler treats an op: the kinds of `Op.lower`.

    Elementwise   one scalar body per output element; inputs broadcast. Fused into clusters.
    Reduction     a fold over axes (attributes `axis`, sorted and not negative, and `keepdims`).
                  Fused into clusters.
    Checked       the input itself, refused where a condition does not hold (an index or label out
                  of range). Further inputs are for the message only: programs do not compute them
                  for it.
    View          the same elements at other addresses: no code where a consumer can read through
                  strides.
    Assemble      an output put together from its inputs, each at an offset, over a fill value
                  (concat, pad, stack).
    Composite     written with other ops; passes/decompose.py expands it.
    Library       a kernel of kernels/: codegen asks it for address, units and words at plan time.
    HostCall      NumPy's reference, called between two parts of a program; `explain()` says so.

An op whose lower is None runs only where it is folded away before code is made.

They are plain classes: each named tuple takes a tenth of a millisecond of `import numflow`, each
data class more. Nobody changes one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Protocol

from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.kernels.records import NamedTuple
from numflow.shapes import Extent, Shape


class Elementwise:
    """body(b, *terms, **attrs) -> term: the output's element from the inputs' (kernels/scalar.py).

    indexed: the body also wants the element's own indices, and is called as body(b, axes, *terms,
             **attrs) where `axes(k)` gives the index along axis k of the output as an int64 term.
    """

    __slots__ = ("body", "indexed")

    def __init__(self, body: Callable[..., Any], indexed: bool = False) -> None:
        self.body, self.indexed = body, indexed


class Checked:
    """condition(b, x, **attrs) -> bool term that must hold; message(value, attrs) -> the fault."""

    __slots__ = ("condition", "message")

    def __init__(self, condition: Callable[..., Any], message: Callable[[Any, Attrs], str]) -> None:
        self.condition, self.message = condition, message


class Reduction:
    """kind: sum, prod, max, min, any, all."""

    __slots__ = ("kind",)

    def __init__(self, kind: str) -> None:
        self.kind = kind


class Layout(NamedTuple):
    """Where the elements of a value lie in its buffer: offset and strides, in elements."""

    shape: Shape
    strides: tuple[Extent, ...]
    offset: Extent = 0

    @property
    def contiguous(self) -> bool:
        """Row-major without gaps."""
        if self.offset != 0:
            return False
        wanted = dense(self.shape)
        return self.strides == wanted or all(
            s == want for n, s, want in zip(self.shape, self.strides, wanted, strict=True) if n != 1
        )

    @property
    def apart(self) -> Extent | None:
        """Elements from row to row along the last axis: of dense rows that lie evenly apart."""
        if not self.shape or (self.strides[-1] != 1 and self.shape[-1] != 1):
            return None
        leading = list(zip(self.shape[:-1], self.strides[:-1], strict=True))
        axes = [(n, s) for n, s in leading if n != 1]
        if not axes:
            return self.shape[-1]
        if any(s != inner * n for (_, s), (n, inner) in pairwise(axes)):
            return None
        return axes[-1][1]


def dense(shape: Sequence[Extent]) -> tuple[Extent, ...]:
    """Row-major strides, in elements. A size of 0 counts as 1: stride 0 means a broadcast."""
    strides: list[Extent] = []
    step: Extent = 1
    for n in reversed(shape):
        strides.append(step)
        if n != 0:
            step = step * n
    return tuple(reversed(strides))


class View:
    """see(layout of the input, output spec, attrs) -> layout of the output.

    None where the input must be copied first.
    """

    __slots__ = ("see",)

    def __init__(self, see: Callable[[Layout, Spec, Attrs], Layout | None]) -> None:
        self.see = see


class Assemble:
    """place(input specs, output spec, attrs) -> for each input (begins, steps).

    Per axis: the index in the output where it begins, and the step from an element to the next.

    fill(attrs): the value of what no input covers; None where all is covered.
    """

    __slots__ = ("fill", "place")

    def __init__(
        self,
        place: Callable[
            [Sequence[Spec], Spec, Attrs], list[tuple[tuple[Extent, ...], tuple[int, ...]]]
        ],
        fill: Callable[[Attrs], float | int | bool | None] = lambda attrs: None,
    ) -> None:
        self.place, self.fill = place, fill


class Composite:
    """expand(*tensors, **attrs): the outputs, made of other ops.

    lasting: the input of which expand is told, as `lasting`, whether it is the same in every call:
             what prepares it then costs nothing.
    """

    __slots__ = ("expand", "lasting")

    def __init__(self, expand: Callable[..., Any], lasting: int | None = None) -> None:
        self.expand, self.lasting = expand, lasting


class Call(Protocol):
    """A library kernel ready for concrete sizes: what a plan puts into an instruction."""

    @property
    def address(self) -> int:
        """Of the kernel."""

    @property
    def units(self) -> int:
        """Of work, in all."""

    @property
    def chunk(self) -> int:
        """Units that are worth being handed to a thread."""

    @property
    def workspace_bytes(self) -> int:
        """Of scratch memory."""

    @property
    def shared_bytes(self) -> int:
        """Of memory that it shares with `then`."""

    @property
    def shared_position(self) -> int:
        """Where in `words` its address stands."""

    @property
    def then(self) -> Call | None:
        """What runs after it, with the same words."""

    def words(self, pointers: Sequence[int]) -> list[int]:
        """The words behind the header; pointers: of the operands, inputs first, then outputs."""

    @property
    def pointer_positions(self) -> Sequence[int]:
        """Where in `words` the operands' pointers stand."""

    @property
    def prepares(self) -> bool:
        """Whether this is only to prepare what `then` reads."""


Pooling = tuple[str, Shape, tuple[tuple[str, Any], ...]]
"""A pool behind a kernel: "max", "places" or "mean", the shape of its result, its attributes."""


class Library:
    """plan(input specs, output specs, attrs, threads) -> Call, all sizes being ints.

    Inputs are dense arrays.
    refuses: the kernel may report a bad value (an index out of range), in its input number
             `checked`.
    in_place: the input whose memory the only output may have, so that nothing of it is copied.
    over: (output, input; below 0 from the end): that output may lie where that input does, if
          nobody reads the input afterwards.
    epilogue: plan also takes `bias` (a row vector is added to the result; its address comes behind
              the outputs') and `activation` ("relu", "relu6" or ""): these then cost no pass of
              their own.
    residual: plan also takes `residual` (a tensor like the result is added before the activation;
              its address comes last).
    pools: (input specs, [spec of the image], attrs, Pooling) -> whether the kernel should pool what
           it makes, where nobody else reads that, and why; plan also takes `behind`, a Pooling,
           whose results are then the outputs; its output spec is then that of the image, too, the
           pixels of which are the rows of a product.
    pool: what it is for such a kernel: "max" or "mean"; the input is what is pooled.
    note: note(input specs, output specs, attrs): what explain() says about the choice of kernel.
    alone: the op that gives the first outputs only, for where nobody wants the others.
    rows: (inputs, outputs; below 0 from the end): those whose rows along the last axis may lie
          evenly apart, parts of longer ones. plan then also takes `apart`: elements from row to row
          of each of these, inputs first; it does not where all are dense.
    runs: whose operands these are, one run's after the other's: `over` and `rows` are of each.
    private: where elements lie in the result only its kernel and the reader's know; the reference
             has the same numbers in another order, so it is never computed while compiling.
    """

    __slots__ = (
        "alone",
        "checked",
        "cost",
        "epilogue",
        "in_place",
        "note",
        "over",
        "plan",
        "pool",
        "pools",
        "private",
        "refuses",
        "residual",
        "rows",
        "runs",
    )

    def __init__(
        self,
        plan: Callable[..., Any],
        refuses: bool = False,
        checked: int = 0,
        cost: Callable[[Sequence[Spec], Sequence[Spec], Attrs], float] | None = None,
        in_place: int | None = None,
        epilogue: bool = False,
        note: Callable[[Sequence[Spec], Sequence[Spec], Attrs], str] | None = None,
        alone: Op | None = None,
        private: bool = False,
        residual: bool = False,
        pools: Callable[[Sequence[Spec], Sequence[Spec], Attrs, Pooling], tuple[bool, str]]
        | None = None,
        pool: str = "",
        over: tuple[int, int] | None = None,
        rows: tuple[tuple[int, ...], tuple[int, ...]] = ((), ()),
        runs: int = 1,
    ) -> None:
        self.plan, self.refuses, self.checked = plan, refuses, checked
        self.cost, self.in_place, self.epilogue = cost, in_place, epilogue
        self.note, self.alone, self.private = note, alone, private
        self.residual, self.pools, self.pool = residual, pools, pool
        self.over, self.rows, self.runs = over, rows, runs

    def loose(self, inputs: int, outputs: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """`rows` as places from the front, for so many inputs and outputs."""
        first, second = self.rows
        return (self._places(first, inputs), self._places(second, outputs))

    def overs(self, inputs: int, outputs: int) -> list[tuple[int, int]]:
        """`over` as pairs of places from the front, for so many inputs and outputs."""
        if self.over is None:
            return []
        made, read = (
            self._places((k,), n) for k, n in zip(self.over, (outputs, inputs), strict=True)
        )
        return list(zip(made, read, strict=True))

    def _places(self, given: Sequence[int], count: int) -> tuple[int, ...]:
        """Those of each run."""
        each = count // self.runs
        return tuple([run * each + k % each for run in range(self.runs) for k in given])


class HostCall:
    """The reference, called from Python in the middle of a program. why: what explain() says."""

    __slots__ = ("why",)

    def __init__(self, why: str) -> None:
        self.why = why


class Refused(HostCall):
    """Of what a trace may hold for a while only: an error of `op` where it comes to a program.

    why: what is wrong; fix: the remedy.
    """

    __slots__ = ("fix", "op")

    def __init__(self, op: str, why: str, fix: str) -> None:
        super().__init__(why)
        self.op, self.fix = op, fix


Lowering = (
    Elementwise | Checked | Reduction | View | Assemble | Composite | Library | HostCall | None
)
