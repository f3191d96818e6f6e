"""Runs a Loop on arrays, in chunks.

What the plan and the executor do for real, in plain NumPy and ctypes.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from numflow.codegen.simd import compile_loop
from numflow.graph.loop_reference import NUMPY, run_reference
from numflow.graph.loops import Loop, combine
from numflow.kernels import abi
from numflow.kernels.builder import FLOATS, HALVES

Array = npt.NDArray[Any]
Order = Callable[[list[int]], list[int]]
Run = Callable[[Loop, Mapping[str, Array], Sequence[int], int, int, Order], int]

ENTRY = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)
NODE = 7


def in_order(begins: list[int]) -> list[int]:
    return begins


def blocks(loop: Loop, sizes: Sequence[int], block: int) -> int:
    extent = sizes[0] if loop.axes == 1 else math.prod(sizes[: loop.outer])
    return max(1, -(-extent // block))


def units(loop: Loop, sizes: Sequence[int], block: int) -> int:
    """What begin..end runs over."""
    if loop.blocked:
        return blocks(loop, sizes, block)
    return math.prod(sizes[: loop.outer]) if loop.outer else sizes[-1]


def words(loop: Loop, arrays: Mapping[str, Array], sizes: Sequence[int], block: int) -> list[int]:
    """The words after the header. arrays: of shape sizes with 1 where they broadcast.

    Partials [blocks(, cols)].
    """
    values = {"cols": sizes[-1], "rows": math.prod(sizes[: loop.outer]), "block": block, "depth": 1}
    if loop.deep:
        values["depth"] = sizes[-2]
    values.update({f"size{k}": n for k, n in enumerate(sizes[: loop.outer])})
    for o in loop.operands:
        a = arrays[o.name]
        values[o.name] = a.ctypes.data
        if o.name in loop.partials():
            values.update({f"{o.name}.stride{k}": a.shape[-1] for k in range(loop.axes)})
            continue
        for k, step in enumerate(a.strides):
            values[f"{o.name}.stride{k}"] = step // a.itemsize
    return [values[s] for s in loop.slots()]


def call(address: int, block: Sequence[int], n: int, chunk: int, order: Order) -> int:
    """Call a kernel over 0..n in chunks; the error record."""
    context = np.zeros(abi.CONTEXT_WORDS, np.int64)
    context[abi.ERROR] = abi.NO_ERROR
    args = np.array([context.ctypes.data, 0, n, NODE, *block], np.int64)
    entry = ENTRY(address)
    chunk = chunk or max(n, 1)
    for begin in order(list(range(0, max(n, 1), chunk))):
        entry(args.ctypes.data, begin, min(n, begin + chunk))
    return int(context[abi.ERROR])


def run_simd(
    loop: Loop,
    arrays: Mapping[str, Array],
    sizes: Sequence[int],
    block: int = 8,
    chunk: int = 0,
    order: Order = in_order,
) -> int:
    return call(
        compile_loop(loop),
        words(loop, arrays, sizes, block),
        units(loop, sizes, block),
        chunk,
        order,
    )


# --- drawing arrays ------------------------------------------------------------


def draw(rng: np.random.Generator, dtype: str, shape: Sequence[int]) -> Array:
    shape = tuple(shape)
    if dtype == "b1":
        return rng.random(shape) < 0.5
    if dtype == "bf16":
        return (rng.standard_normal(shape).astype(np.float32).view(np.uint32) >> 16).astype(
            np.uint16
        )
    if dtype[0] in "iu":
        low = -50 if dtype[0] == "i" else 0
        return rng.integers(low, 50, shape).astype(NUMPY[dtype])
    return np.asarray(rng.standard_normal(shape)).astype(NUMPY[dtype])


def view(rng: np.random.Generator, access: str, dtype: str, sizes: Sequence[int]) -> Array:
    """An array of shape sizes (1 where it broadcasts) laid out as access says, with gaps."""
    shape = [1 if a == "-" else n for n, a in zip(sizes, access, strict=True)]
    if access[-1] == "s" and len(access) > 1 and rng.random() < 0.5:
        return np.ascontiguousarray(
            draw(rng, dtype, shape).T
        ).T  # the inner axis steps over the others
    gaps = [
        n + (3 if k and a != "-" else 0) for k, (n, a) in enumerate(zip(shape, access, strict=True))
    ]
    if access[-1] == "s":
        wide = draw(rng, dtype, [*gaps[:-1], 2 * shape[-1] + 1])
        inside = wide[tuple(slice(0, n) for n in shape[:-1])]
        if rng.random() < 0.5:
            return inside[..., 2 * shape[-1] - 1 :: -2][..., : shape[-1]]
        return inside[..., 1 : 2 * shape[-1] + 1 : 2]
    return draw(rng, dtype, gaps)[tuple(slice(0, n) for n in shape)]


def inputs_of(rng: np.random.Generator, loop: Loop, sizes: Sequence[int]) -> dict[str, Array]:
    outputs = loop.outputs()
    return {
        o.name: view(rng, o.access, o.dtype, sizes) for o in loop.operands if o.name not in outputs
    }


def arrays_of(
    rng: np.random.Generator,
    loop: Loop,
    sizes: Sequence[int],
    inputs: Mapping[str, Array],
    block: int,
) -> dict[str, Array]:
    """Inputs, outputs filled with rubbish, and partials."""
    arrays: dict[str, Array] = {}
    for o in loop.operands:
        if o.name in inputs:
            arrays[o.name] = inputs[o.name]
        elif o.name in loop.partials():
            n = blocks(loop, sizes, block)
            shape = (n, sizes[-1]) if loop.axes > 1 and o.inner == "u" else (n,)
            arrays[o.name] = draw(rng, o.dtype, shape)
        else:
            arrays[o.name] = view(rng, o.access, o.dtype, sizes)
    return arrays


# --- comparing -------------------------------------------------------------------


def totals(loop: Loop, arrays: Mapping[str, Array], run: Run) -> dict[str, Array]:
    """Partials folded by the combining loops."""
    out: dict[str, Array] = {}
    folds = [r for s in loop.sweeps for r in s.reduces if r.crosses]
    for per_column in (True, False):
        names = [n for r in folds if (r.over == "rows") == per_column for n in r.into]
        if not names:
            continue
        second = combine(loop, {n: n + "_out" for n in names})
        n, cols = arrays[names[0]].shape[0], arrays[names[0]].shape[-1]
        data = {m: arrays[m] if per_column else arrays[m].reshape(1, -1) for m in names}
        shape = (1, cols) if per_column else (1, 1)
        data |= {m + "_out": np.zeros(shape, arrays[m].dtype) for m in names}
        run(second, data, (n, cols) if per_column else (1, n), 1, 3 if per_column else 0, in_order)
        out |= {m: data[m + "_out"].reshape(-1) for m in names}
    return out


def close(got: Array, want: Array, dtype: str, what: str, scale: float = 1.0) -> None:
    if dtype in HALVES or dtype in FLOATS:
        if dtype == "bf16":
            got, want = (
                (a.astype(np.uint32) << 16).view(np.float32).astype(np.float64) for a in (got, want)
            )
        relative = {"f16": 2e-3, "bf16": 1.6e-2, "f32": 3e-5, "f64": 1e-11}[dtype] * scale
        finite = np.abs(want[np.isfinite(want)])
        absolute = relative * max(1.0, float(finite.max(initial=0)))
        np.testing.assert_allclose(got, want, rtol=relative, atol=absolute, err_msg=what)
    else:
        np.testing.assert_array_equal(got, want, err_msg=what)


def compare(
    rng: np.random.Generator,
    loop: Loop,
    sizes: Sequence[int],
    inputs: Mapping[str, Array] | None = None,
    *,
    run: Run = run_simd,
    block: int = 8,
    chunk: int = 0,
    scale: float = 1.0,
    error: int = abi.NO_ERROR,
) -> dict[str, Array]:
    """Run a loop and the reference on the same inputs; raises where they differ."""
    inputs = inputs_of(rng, loop, sizes) if inputs is None else inputs
    want = run_reference(loop, inputs, sizes)
    arrays = arrays_of(
        rng,
        loop,
        sizes,
        {n: a.copy() if a.flags.c_contiguous else a for n, a in inputs.items()},
        block,
    )
    assert run(loop, arrays, sizes, block, chunk, in_order) == error
    final = totals(loop, arrays, run)
    for name, w in want.items():
        got = final[name] if name in final else arrays[name]
        close(got, w, loop.operand(name).dtype, f"{name} {sizes}\n{loop}", scale)
    return arrays
