"""Blocks, rows and lane loops: the structure of a printed kernel. See simd.py."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from numflow.codegen import turns
from numflow.codegen.deep import Deep
from numflow.codegen.folds import finish, fold, identity
from numflow.codegen.memory import MEMORY, Place
from numflow.codegen.terms import Row, Terms
from numflow.codegen.turns import ROWS, WEIGHT, weight
from numflow.codegen.vector import LLVM, Reg, vector
from numflow.graph.loops import KERNEL, LANE, Loop, Operand, Reduce, Store, Sweep, walk
from numflow.kernels.builder import HALVES
from numflow.kernels.engine import Target


class Rows:
    """Prints one Loop."""

    def __init__(self, loop: Loop, target: Target, stream: bool) -> None:
        self.loop, self.target = loop, target
        self.terms = Terms(loop, target, stream)
        self.asm, self.b, self.memory = self.terms.asm, self.terms.b, self.terms.memory
        self.lanes = self.terms.lanes
        reduces = [r for s in loop.sweeps for r in s.reduces]
        self.crossing = [r for r in reduces if r.crosses]
        self.numbers = {id(r): k for k, r in enumerate(reduces)}
        self.block = ""  # number of the block being printed
        self.unroll = 0  # 0: by weight
        # States that go from row to row in registers: by number of the fold, its term, and place.
        self.state: dict[tuple[int, int, int], Reg] = {}
        self.places = -(-loop.inner // self.lanes) if loop.inner else 0
        wanted = sum(len(r.terms) for r in self.crossing if r.over == "rows") * self.places
        self.columns_stay = 0 < wanted <= target.registers // 4
        self.paired = turns.pairs(loop)

    def function(self) -> list[str]:
        """Its instructions."""
        loop, asm, terms = self.loop, self.asm, self.terms
        terms.start()
        if loop.segments:
            asm.loop("%begin", "%end", 1, [], lambda i, _: self._chunk(i))
        elif loop.blocked:
            asm.loop("%begin", "%end", 1, [], lambda i, _: self._block(i))
        elif loop.outer:
            self._rows("%begin", "%end")
        else:
            self._row(terms.at("0"), "%begin", "%end")
        self._kernel_stores()
        if self.memory.streamed and self.target.triple.startswith("x86"):
            asm.call("void", "llvm.x86.sse.sfence")
        asm.line("ret void")
        return asm.lines

    def _kernel_stores(self) -> None:
        """What is stored once: by whoever has the first unit."""
        stores = [s for sweep in self.loop.sweeps for s in sweep.stores if self._once(s)]
        if not stores:
            return

        def store() -> None:
            for s in stores:
                o, x = self.loop.operand(s.operand), self.terms.kernel[s.term]
                self.memory.store_scalar(o, self.terms.args[o.name], x)

        self.asm.when(self.asm.value("icmp eq i64 %begin, 0"), store)

    def _once(self, s: Store) -> bool:
        return self.loop.level(self.loop.operand(s.operand)) == s.term.level == KERNEL

    # blocks and rows --------------------------------------------------------------------------
    def _chunk(self, i: str) -> list[str]:
        """Chunk i of a loop over segments.

        Which segment, its pointers, and a run of its elements.
        """
        asm, args, pieces = self.asm, self.terms.args, self.loop.pieces()

        def word(base: str, index: str, kind: str = "i64") -> str:
            address = asm.value(f"getelementptr i64, ptr {base}, i64 {index}")
            return asm.value(f"load {kind}, ptr {address}")

        twice = asm.value(f"mul i64 {i}, 2")
        segment = word(args["chunks"], twice)
        first = word(args["chunks"], asm.value(f"add i64 {twice}, 1"))
        entry = asm.value(f"mul i64 {segment}, {len(pieces) + 1}")
        row = self.terms.at("0")
        for k, o in enumerate(pieces):
            row.bases[o.name] = word(args["table"], asm.value(f"add i64 {entry}, {k}"), "ptr")
        length = word(args["table"], asm.value(f"add i64 {entry}, {len(pieces)}"))
        end = self._least(asm.value(f"add i64 {first}, {args['block']}"), length)
        if not self.loop.blocked:
            return self._row(row, first, end)
        self.block = i
        self._begin_states()
        self._row(row, first, end)
        return self._end_states()

    def _block(self, i: str) -> list[str]:
        """Fold the rows, or with one axis the elements, of block i into its partials."""
        asm, args, loop = self.asm, self.terms.args, self.loop
        self.block = i
        lo = asm.value(f"mul i64 {i}, {args['block']}")
        extent = args["cols" if loop.axes == 1 else "rows"]
        hi = self._least(asm.value(f"add i64 {lo}, {args['block']}"), extent)
        self._begin_states()
        if loop.axes == 1:
            self._row(self.terms.at("0"), lo, hi)
            return self._end_states()
        end, sweep = lo, loop.sweeps[0]
        only_columns = all(r.over == "rows" for s in loop.sweeps for r in s.reduces)
        light = weight(sweep.roots()) <= (4 * WEIGHT if loop.inner else WEIGHT)
        if len(loop.sweeps) == 1 and only_columns and light and not sweep.checks:
            end = self._carry(lo, hi, ROWS, self._several_rows)
            self.unroll = 1  # for the few rows left: less code to compile
            self._carry(end, hi, 1, self._one_row)
            self.unroll = 0
        else:
            self._rows(lo, hi)
        return self._end_states()

    def _rows(self, lo: str, hi: str) -> None:
        """Rows lo to hi: of few columns some at once, their instructions in turns; of many, where
        each is folded, two at once."""
        if self.paired:
            lo = self._carry(lo, hi, 2, self._two_rows)
        count = turns.rows_at_once(self.loop, self.places, self.columns_stay)
        if count > 1:
            lo = self._carry(lo, hi, count, lambda y: self._several_turns(y, count))
        self._carry(lo, hi, 1, self._one_row)

    def _several_turns(self, y: str, count: int) -> None:
        parts, block = [], self.asm.block
        for k in range(count):
            parts.append(len(self.asm.lines))
            self._one_row(self.asm.value(f"add i64 {y}, {k}"))
        self.asm.interleave(parts, block)

    def _two_rows(self, y: str) -> None:
        rows = [self.terms.at(n) for n in (y, self.asm.value(f"add i64 {y}, 1"))]
        for sweep in self.loop.sweeps:
            self._sweep(sweep, rows, "0", self.terms.cols)

    def _one_row(self, y: str) -> None:
        self._row(self.terms.at(y), "0", self.terms.cols)

    def _least(self, x: str, y: str) -> str:
        return self.b.min(Reg(x, "i64", 1), Reg(y, "i64", 1)).text

    def _carry(self, lo: str, hi: str, step: int, body: Callable[[str], object]) -> str:
        """A loop over rows that hands the states from turn to turn; returns where it stopped."""
        keys = list(self.state)
        start = [(self.b.type(self.state[k]), self.state[k].text) for k in keys]

        def turn(y: str, carried: list[str]) -> list[str]:
            for k, text in zip(keys, carried, strict=True):
                self.state[k] = self.state[k]._replace(text=text)
            body(y)
            return [self.state[k].text for k in keys]

        end, values = self.asm.loop(lo, hi, step, start, turn)
        for k, text in zip(keys, values, strict=True):
            self.state[k] = self.state[k]._replace(text=text)
        return end

    def _several_rows(self, y: str) -> None:
        numbers = [y] + [self.asm.value(f"add i64 {y}, {k}") for k in range(1, ROWS)]
        rows = [self.terms.at(n) for n in numbers]
        self._sweep(self.loop.sweeps[0], rows, "0", self.terms.cols)

    def _row(self, row: Row, lo: str, hi: str) -> list[str]:
        if self.loop.deep:
            Deep(self.terms).row(row, lo, hi)
            return []
        for sweep in self.loop.sweeps:
            self._sweep(sweep, [row], lo, hi)
        return []

    # states that cross rows -------------------------------------------------------------------
    def _begin_states(self) -> None:
        self.state = {}
        for r in self.crossing:
            lanes = 1 if r.over == "each" else self.lanes
            places = self.places if r.over == "rows" else 1
            if r.over == "rows" and not self.columns_stay:
                self._clear(r)
                continue
            for k, t in enumerate(r.terms):
                start = self.b.materialised(self.b.const(identity(r, k), t.dtype), lanes)
                for p in range(places):
                    self.state[self.numbers[id(r)], k, p] = start

    def _end_states(self) -> list[str]:
        """The partials of a block."""
        for r in self.crossing:
            n = self.numbers[id(r)]
            if (n, 0, 0) not in self.state:
                continue
            if r.over == "rows":
                for k, name in enumerate(r.into):
                    for p in range(self.places):
                        place, base = self._constant_place(p), self._partial(name)
                        self.memory.store(self.loop.operand(name), base, place, self.state[n, k, p])
                continue
            state = [self.state[n, k, 0] for k in range(len(r.terms))]
            state = self._horizontal(r, state) if r.over == "all" else state
            for name, x in zip(r.into, finish(self.b, r, state), strict=True):
                self.memory.store_scalar(self.loop.operand(name), self._partial(name), x)
        return []

    def _clear(self, r: Reduce) -> None:
        """A row of partials in memory begins at the identity."""
        for k, name in enumerate(r.into):
            o, base = self.loop.operand(name), self._partial(name)
            value = self.b.const(identity(r, k), o.dtype)

            def body(i: str, _: list[str], o=o, base=base, value=value) -> list[str]:  # type: ignore[no-untyped-def]
                address = self.asm.value(f"getelementptr {MEMORY[o.dtype]}, ptr {base}, i64 {i}")
                self.memory.store_scalar(o, address, value)
                return []

            def whole(i: str, _: list[str], o=o, base=base, value=value) -> list[str]:  # type: ignore[no-untyped-def]
                self.memory.store(o, base, Place(i), value)
                return []

            end, _ = self.asm.loop("0", self.terms.cols, self.lanes, [], whole)
            self.asm.loop(end, self.terms.cols, 1, [], body)

    def _partial(self, name: str) -> str:
        """Address of this block's row of a partial [blocks, cols], or element of [blocks]."""
        o, base = self.loop.operand(name), self.terms.args[name]
        if "s" in o.access:
            return self.terms.step(name, o.dtype, base, self.block, o.access.index("s"))
        return self.asm.value(f"getelementptr {MEMORY[o.dtype]}, ptr {base}, i64 {self.block}")

    # one sweep --------------------------------------------------------------------------------
    def _sweep(self, sweep: Sweep, rows: list[Row], lo: str, hi: str) -> None:
        terms, loop = self.terms, self.loop
        stores = [s for s in sweep.stores if loop.level(loop.operand(s.operand)) == LANE]
        checks = [c for c in sweep.checks if c.term.level == LANE]
        roots = [s.term for s in stores] + [c.term for c in checks]
        roots += [t for r in sweep.reduces if r.over != "each" for t in r.terms]
        for row in rows:
            row.wide = dict(terms.kernel_wide)
            for t in roots:
                terms.hoist(t, row.narrow, row.wide, LANE, row)
        folds = [r for r in sweep.reduces if r.over in ("cols", "all")]
        if roots:
            states = self._lanes(sweep, stores, folds, rows, lo, hi)
            owners = [(row, r) for row in rows for r in folds]
            for (row, r), state in zip(owners, states, strict=True):
                if r.over == "cols" and r.result is not None:
                    one = finish(self.b, r, self._horizontal(r, state))
                    row.narrow[r.result] = one[-1]
                else:
                    self._keep(r, state)
        for row in rows:
            for r in sweep.reduces:
                if r.over == "each":
                    n = self.numbers[id(r)]
                    old = [self.state[n, k, 0] for k in range(len(r.terms))]
                    self._keep(
                        r, fold(self.b, r.kind, old, [terms.scalar(t, row) for t in r.terms])
                    )
            for c in sweep.checks:
                if c.term.level < LANE:
                    terms.check_row(c, row)
            for s in sweep.stores:
                o = loop.operand(s.operand)
                if s not in stores and not self._once(s):
                    self.memory.store_scalar(o, row.bases[o.name], terms.scalar(s.term, row))

        stored = {s.operand: s.term for s in sweep.stores if not self._once(s)}
        if stored and sweep is not loop.sweeps[-1]:
            for row in rows:
                terms.written((row.narrow, *row.kept.values()), stored)

    def _keep(self, r: Reduce, state: Sequence[Reg], place: int = 0) -> None:
        for k, x in enumerate(state):
            lanes = 1 if r.over == "each" else self.lanes
            self.state[self.numbers[id(r)], k, place] = self.b.materialised(x, lanes)

    def _lanes(
        self,
        sweep: Sweep,
        stores: list[Store],
        folds: list[Reduce],
        rows: list[Row],
        lo: str,
        hi: str,
    ) -> list[list[Reg]]:
        """The lane loops; returns the state of every fold over cols or all, row by row, still one
        per lane."""
        asm, width, unroll = self.asm, self.lanes, self.unroll or self._unroll(sweep, len(rows))
        folds = folds * len(rows)
        first = [[self._first(r, k) for k in range(len(r.terms))] for r in folds]
        if self.loop.inner:
            states = first
            for p in range(self.places):
                places = [(self._constant_place(p), states)]
                states = self._turn(sweep, stores, folds, rows, places)[0]
            return states
        kinds = [vector(LLVM[t.dtype], width) for r in folds for t in r.terms]
        fresh = [[self._identity(r, k) for k in range(len(r.terms))] for r in folds]

        def pack(values: list[str]) -> list[list[Reg]]:
            it = iter(values)
            return [[Reg(next(it), t.dtype, width) for t in r.terms] for r in folds]

        def unpack(states: list[list[Reg]]) -> list[str]:
            return [x.text for state in states for x in state]

        def turn(
            count: int, mask_of: Callable[[str], str] = lambda i: ""
        ) -> Callable[[str, list[str]], list[str]]:
            def body(i: str, carried: list[str]) -> list[str]:
                n, places = len(kinds), []
                for u in range(count):
                    at = i if u == 0 else asm.value(f"add nuw nsw i64 {i}, {u * width}")
                    places.append((Place(at, mask_of(at)), pack(carried[u * n : (u + 1) * n])))
                out = self._turn(sweep, stores, folds, rows, places)
                return [text for states in out for text in unpack(states)]

            return body

        texts = unpack(first) + unpack(fresh) * (unroll - 1)
        start = list(zip(kinds * unroll, texts, strict=True))
        end, values = asm.loop(lo, hi, width * unroll, start, turn(unroll))
        n = len(kinds)
        last = self._tree(folds, [pack(values[u * n : (u + 1) * n]) for u in range(unroll)])
        start = list(zip(kinds, unpack(last), strict=True))
        if unroll > 1 and stores and self.target.bits < 512:  # masked stores cost AVX2 more
            end, values = asm.loop(end, hi, width, start, turn(1))
            start = list(zip(kinds, values, strict=True))
        beyond = asm.value(f"add i64 {hi}, {width - 1}")
        masked = turn(1, lambda i: self.memory.tail_mask(i, hi))
        _, values = asm.loop(end, beyond, width, start, masked)
        return pack(values)

    def _tree(self, folds: list[Reduce], states: list[list[list[Reg]]]) -> list[list[Reg]]:
        """The states of unrolled turns as one, in an order that their number alone decides."""
        while len(states) > 1:
            pairs = zip(states[::2], states[1::2], strict=True)
            states = [
                [
                    fold(self.b, r.kind, x, y, ordered=False)
                    for r, x, y in zip(folds, left, right, strict=True)
                ]
                for left, right in pairs
            ]
        return states[0]

    def _turn(
        self,
        sweep: Sweep,
        stores: list[Store],
        folds: list[Reduce],
        rows: list[Row],
        places: list[tuple[Place, list[list[Reg]]]],
    ) -> list[list[list[Reg]]]:
        """All of the sweep at some places: values and folds first, then checks and stores."""
        b, terms = self.b, self.terms
        pending, out = [], []
        sums: dict[
            tuple[int, int, int], list[Reg]
        ] = {}  # of folds per column: (place, fold) -> state
        each = len(folds) // len(rows)
        parts, block = [], self.asm.block
        for p, (place, states) in enumerate(places):
            after: list[list[Reg]] = []
            for k, row in enumerate(rows):
                parts.append(len(self.asm.lines))
                # few columns: what a sweep computed stays in registers for the next ones
                memo = row.kept.setdefault(place.i, {}) if self.loop.inner else {}
                memo.update(row.wide)
                new: list[list[Reg]] = []
                for r in sweep.reduces:
                    if r.over == "each":
                        continue
                    values = [
                        b.materialised(terms.wide(t, memo, place, row), self.lanes) for t in r.terms
                    ]
                    if r.over == "rows":
                        key = (p, self.numbers[id(r)], 0)
                        old = sums.get(key) or self._column_state(r, place)
                        sums[key] = fold(b, r.kind, old, values)
                    else:
                        old = states[k * each + len(new)]
                        new.append(self._masked(place, fold(b, r.kind, old, values), old))
                after += new
                for s in stores:
                    o = self.loop.operand(s.operand)
                    x = terms.wide(s.term, memo, place, row)
                    if not self._stored_again(sweep, o):
                        pending.append((o, row.bases[o.name], place, x))
                for c in sweep.checks:
                    if c.term.level == LANE:
                        terms.check_lanes(c, memo, place, row)
            out.append(after)
        self.asm.interleave(parts, block)
        if self.paired and len(rows) == 2 and sweep is self._heaviest():
            for place, _ in places:
                self._fetch_ahead(rows, place)
        for r in sweep.reduces:
            for p, (place, _) in enumerate(places):
                state = sums.get((p, self.numbers[id(r)], 0))
                if state is None:
                    continue
                if self.columns_stay:
                    self._keep(r, state, int(place.i) // self.lanes)
                else:
                    for name, x in zip(r.into, state, strict=True):
                        pending.append((self.loop.operand(name), self._partial(name), place, x))
        for o, base, place, x in pending:
            self.memory.store(o, base, place, x)
        return out

    def _heaviest(self) -> Sweep:
        """The sweep of a row that takes longest, and leaves memory idle."""
        return max(self.loop.sweeps, key=lambda sweep: weight(sweep.roots()))

    def _fetch_ahead(self, rows: list[Row], place: Place) -> None:
        """Bring the next two rows into the caches while these two are computed: what the machine
        does by itself ends with a page, which a long row fills, and its first sweep waits for
        memory (softmax of 4096 rows of 1000: 0.85 ms, so 0.47). Past the last row it does nothing.
        """
        loop, asm = self.loop, self.asm
        if loop.outer != 1:
            return
        written = {s.operand for sweep in loop.sweeps for s in sweep.stores}
        read = {t.attr for t in walk(*loop.roots()) if t.op == "load"}
        for o in loop.operands:
            if o.access != "su" or o.name not in read:
                continue
            step = asm.value(f"shl i64 {self.terms.args[f'{o.name}.stride0']}, 1")
            ahead = asm.value(f"add i64 {step}, {place.i}")
            for row in rows:
                where = f"getelementptr {MEMORY[o.dtype]}, ptr {row.bases[o.name]}, i64 {ahead}"
                write = int(o.name in written)
                kinds = [("ptr", asm.value(where)), ("i32", str(write)), ("i32", "3"), ("i32", "1")]
                asm.call("void", "llvm.prefetch.p0", *kinds)

    def _stored_again(self, sweep: Sweep, o: Operand) -> bool:
        """Whether a store may be left out: values stay in registers, and the last one counts."""
        if not self.loop.inner or o.dtype in HALVES:
            return False
        sweeps = self.loop.sweeps
        at = next(k for k, s in enumerate(sweeps) if s is sweep)
        return any(s.operand == o.name for later in sweeps[at + 1 :] for s in later.stores)

    # folds ------------------------------------------------------------------------------------
    def _column_state(self, r: Reduce, place: Place) -> list[Reg]:
        if self.columns_stay:
            p, n = int(place.i) // self.lanes, self.numbers[id(r)]
            return [self.state[n, k, p] for k in range(len(r.terms))]
        return [self.memory.load(self.loop.operand(n), self._partial(n), place) for n in r.into]

    def _identity(self, r: Reduce, k: int) -> Reg:
        return self.b.materialised(self.b.const(identity(r, k), r.terms[k].dtype), self.lanes)

    def _first(self, r: Reduce, k: int) -> Reg:
        """Where a fold begins: what the rows before left, if it crosses rows."""
        return self.state.get((self.numbers[id(r)], k, 0)) or self._identity(r, k)

    def _masked(self, place: Place, new: list[Reg], old: list[Reg]) -> list[Reg]:
        if not place.mask and not place.count:
            return new
        mask = self.memory.mask(place)
        return [self.b.select(mask, n, o) for n, o in zip(new, old, strict=True)]

    def _horizontal(self, r: Reduce, state: Sequence[Reg]) -> list[Reg]:
        """One value out of the lanes, by a tree of halves."""
        width, state = self.lanes, list(state)
        k = width // 2
        while k:
            order = ", ".join(f"i32 {(j + k) % width}" for j in range(width))
            other = []
            for x in state:
                t = self.b.type(x)
                text = f"shufflevector {t} {x.text}, {t} poison, <{width} x i32> <{order}>"
                other.append(Reg(self.asm.value(text), x.dtype, width))
            state = fold(self.b, r.kind, state, other, ordered=False)
            k //= 2
        texts = [self.asm.value(f"extractelement {self.b.type(x)} {x.text}, i32 0") for x in state]
        return [Reg(t, x.dtype, 1) for t, x in zip(texts, state, strict=True)]

    def _unroll(self, sweep: Sweep, rows: int) -> int:
        # streams: a whole line at once, or they are slower than plain stores
        least = 64 // self.target.vbytes if self.memory.streamed else 1
        return turns.vectors_at_once(sweep, rows, least, self.paired)

    def _constant_place(self, p: int) -> Place:
        left = (self.loop.inner or 0) - p * self.lanes
        return Place(str(p * self.lanes), count=left if left < self.lanes else 0)
