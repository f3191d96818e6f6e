"""Plans of the kernels of attention.py.

p = plan_panels(examples, heads, queries, depth, "float32")
p = plan_forward(s, "float32")
p = plan_gradients(s, "float32", threads=2), or plan_keys(s, "float32")
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from numflow.kernels import lang, lang_vector, tiles
from numflow.kernels.abi import HEADER
from numflow.kernels.cpu import attention, attention_gradients
from numflow.kernels.cpu.attention import BLOCK_K, BLOCK_Q, W
from numflow.kernels.cpu.call import Call
from numflow.kernels.engine import Target
from numflow.kernels.ir import Vectors
from numflow.kernels.tiles import Q, Tile

SLOTS = 32
"""Ranges of the blocks, each with scratch memory of its own."""
MANY = 4
"""Heads for each thread from which they are pieces of work small enough."""
PANEL = 128
"""Bytes of two vectors, of any machine: blocks of queries are whole ones."""


class Sizes(NamedTuple):
    """Of queries, keys, and values of another depth.

    heads_first: they are [examples, heads, rows, depth], else [examples, rows, heads, depth].
    bias, key_bias: (bytes to the next example, to the next head), 0 where they share it; None:
    there is no such bias.
    """

    examples: int
    heads: int
    queries: int
    keys: int
    depth: int
    width: int
    causal: bool = False
    heads_first: bool = True
    bias: tuple[int, int] | None = None
    key_bias: tuple[int, int] | None = None


def padded(queries: int) -> int:
    """Elements of a row of queries in arrays that have whole blocks of them."""
    return -(-queries // BLOCK_Q) * BLOCK_Q


def block_of(queries: int, itemsize: int) -> int:
    """Queries of a block: for few no more than they fill, of any machine."""
    whole = PANEL // itemsize
    return min(BLOCK_Q, max(1, -(-queries // whole)) * whole)


def plan_panels(
    examples: int,
    heads: int,
    queries: int,
    depth: int,
    dtype: str,
    *,
    heads_first: bool,
    target: Target | None = None,
) -> Call:
    """Operands: rows, panels [heads in all, padded queries, depth]."""
    v = Vectors(dtype, target or Target.host())
    block = block_of(queries, v.itemsize)
    units = examples * heads * -(-queries // block) if depth else 0
    chunk = max(1, (1 << 14) // max(1, block * depth))
    (address,) = _addresses(v, attention.panels)
    constants = (heads, queries, depth, block, int(heads_first))
    return Call(address, units, chunk, 2, constants)


def plan_forward(s: Sizes, dtype: str, *, keep: bool, target: Target | None = None) -> Call:
    """Operands: panels of queries, keys, values; bias [.., keys, queries padded], bias of keys
    [.., keys] where there are such; o, and, if keep, log of sums [heads in all, queries padded]."""
    pointers = [W.QT, W.K, W.V, *_biases(s), W.O, *[W.LSE] * keep]
    v = Vectors(dtype, target or Target.host())
    block = block_of(s.queries, v.itemsize)
    o_row = -(-s.width * v.itemsize // 64) * 64
    scratch = (BLOCK_K + 3) * block * v.itemsize + block * o_row
    items = s.examples * s.heads * -(-s.queries // block)
    return _call(attention.forward, s, v, pointers, items, scratch)


def plan_keys(s: Sizes, dtype: str, *, target: Target | None = None) -> Call:
    """Operands: panels of queries, keys, values; biases; log of sums, panels of do, do, delta
    [heads in all, queries padded], queries; dk, dv."""
    v = Vectors(dtype, target or Target.host())
    return _call(attention_gradients.keys, s, v, _of_gradients(s), _key_blocks(s), _of_scores(s, v))


def plan_gradients(s: Sizes, dtype: str, *, threads: int, target: Target | None = None) -> Call:
    """The same, and dq as the last operand. By heads if there are many; the bits are the same."""
    v = Vectors(dtype, target or Target.host())
    pointers, scratch = [*_of_gradients(s), W.DQ], _of_scores(s, v)
    all_heads = s.examples * s.heads
    if all_heads >= MANY * threads:
        return _call(attention_gradients.heads, s, v, pointers, all_heads, scratch)
    block = block_of(s.queries, v.itemsize)
    items = max(_key_blocks(s), all_heads * -(-s.queries // block))
    first = _call(attention_gradients.keys, s, v, pointers, items, scratch)
    (address,) = _addresses(v, attention_gradients.queries)
    return first._replace(then=first._replace(address=address))


def _of_gradients(s: Sizes) -> list[int]:
    """The words of the operands."""
    pointers = [W.QT, W.K, W.V, *_biases(s), W.LSE, W.DOT, W.DO, W.DELTA, W.Q]
    return [*pointers, W.DK, W.DV]


def _key_blocks(s: Sizes) -> int:
    return s.examples * s.heads * -(-s.keys // BLOCK_K)


def _of_scores(s: Sizes, v: Vectors) -> int:
    """Bytes of two blocks of scores."""
    return 2 * BLOCK_K * block_of(s.queries, v.itemsize) * v.itemsize


def _biases(s: Sizes) -> list[int]:
    return [W.BIAS] * (s.bias is not None) + [W.KEY_BIAS] * (s.key_bias is not None)


def _addresses(v: Vectors, *entries: lang.Function) -> list[int]:
    found = lang.addresses(*entries, dtype=v.dtype, target=v.target, using=lang_vector.SOURCES)
    return [found[f.__name__] for f in entries]


def _call(
    entry: lang.Function, s: Sizes, v: Vectors, pointers: Sequence[int], items: int, scratch: int
) -> Call:
    block = block_of(s.queries, v.itemsize)
    most = min(tiles.largest_rows(v, 2), tiles.largest_rows(v, 1))
    wanted = sorted(_tiles(s, v, block, most))
    scratch = -(-(scratch + Q.BYTES) // 64) * 64
    slots = min(SLOTS, items)
    bias, key_bias = s.bias or (0, 0), s.key_bias or (0, 0)
    finite = 3.0e38 if v.itemsize == 4 else 1.7e308
    values = {
        W.HEADS: s.heads,
        W.QUERIES: s.queries,
        W.KEYS: s.keys,
        W.DEPTH: s.depth,
        W.WIDTH: s.width,
        W.CAUSAL: int(s.causal),
        W.BLOCK: block,
        W.MOST: most,
        W.TILES: tiles.table(wanted, v) if wanted else 0,
        W.SCRATCH: scratch,
        W.SLOTS: slots,
        W.BIAS_EXAMPLE: bias[0],
        W.BIAS_HEAD: bias[1],
        W.KEY_EXAMPLE: key_bias[0],
        W.KEY_HEAD: key_bias[1],
        W.ALL: s.examples * s.heads,
        W.PADDED: padded(s.queries),
        W.HEADS_FIRST: int(s.heads_first),
        W.END: _bits(float("-inf"), v),
        W.END + 1: _bits(-finite, v),
        W.END + 2: _bits(1.0, v),
    }
    given = set(pointers)
    constants = tuple(values.get(w, 0) for w in range(HEADER, W.END + 3) if w not in given)
    positions = tuple(w - HEADER for w in pointers)
    (address,) = _addresses(v, entry)
    return Call(address, slots, 1, len(pointers), constants, slots * scratch, positions)


def _tiles(s: Sizes, v: Vectors, block: int, most: int) -> set[Tile]:
    """The tiles of all products."""
    rows = {min(BLOCK_K, s.keys), s.keys % BLOCK_K}
    if s.causal:
        ends = range(block, s.queries + block, block)
        rows |= {min(s.keys, end) % BLOCK_K for end in ends}
    rows |= {min(block, s.queries), s.queries % block}
    heights = {h for r in rows if r for h in _heights(r, most)}
    widths = {(2, False)}
    for columns in (s.depth, s.width):
        left = columns % (2 * v.lanes)
        if left:
            widths.add((-(-left // v.lanes), left % v.lanes != 0))
    return {Tile(h, vectors, tail) for h in heights for vectors, tail in widths}


def _heights(rows: int, most: int) -> Iterable[int]:
    count = -(-rows // most)
    return {rows // count, -(-rows // count)}


def _bits(x: float, v: Vectors) -> int:
    """An element as the word that holds it."""
    pair = ("<f", "<i") if v.itemsize == 4 else ("<d", "<q")
    found: int = struct.unpack(pair[1], struct.pack(pair[0], x))[0]
    return found
