"""Two runs of a recurrent kernel as one op: of layers that do not wait for each other.

    y, h, c, y2, h2, c2 = lstm_states_both(x, u, h0, c0, x2, u2, h02, c02, reverse=(0, 1))

The kernel's blocks of rows are those of both runs, so that with as many threads each has twice the
rows (kernels/cpu/recurrent_steps.py says why that pays). Operands and results are those of the
first run, then those of the second; attributes are shared, but `reverse`.
passes/both_directions.py makes these ops of separate ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from numflow.graph.lowering import Library
from numflow.graph.op import Attrs, Op
from numflow.graph.spec import Spec
from numflow.ops import recurrent_gru, recurrent_lstm, recurrent_simple


def _runs(values: Sequence[Any], attrs: Attrs) -> Iterator[tuple[Sequence[Any], Attrs]]:
    """What belongs to each run, and its attributes."""
    half = len(values) // 2
    for k, reverse in enumerate(attrs["reverse"]):
        yield values[k * half : (k + 1) * half], {**attrs, "reverse": bool(reverse)}


def _both(one: Op) -> Op:
    """The op for two runs of another."""
    lower = one.lower
    assert isinstance(lower, Library)

    def infer(*inputs: Spec, **attrs: Any) -> tuple[Spec, ...]:
        return tuple(s for part, own in _runs(inputs, attrs) for s in one.specs(part, own))

    def reference(*inputs: Any, **attrs: Any) -> tuple[Any, ...]:
        assert one.reference is not None
        return tuple(y for part, own in _runs(inputs, attrs) for y in one.reference(*part, **own))

    def plan(
        inputs: Sequence[Spec],
        outputs: Sequence[Spec],
        attrs: Attrs,
        threads: int,
        apart: Sequence[int] = (),
    ) -> Any:
        from numflow.kernels.cpu import recurrent

        calls: list[Any] = []
        for k, (part, own) in enumerate(_runs(inputs, attrs)):
            made, rows = (v[len(v) // 2 * k :][: len(v) // 2] for v in (outputs, apart))
            more: dict[str, Any] = {"apart": rows} if rows else {}
            calls.append(lower.plan(part, made, {**own, "runs": 2}, threads, **more))
        first, second = calls
        return recurrent.both(first, second, len(inputs) // 2)

    def twice(rule: Callable[..., Any] | None, join: Callable[[list[Any]], Any]) -> Any:
        assert rule is not None

        def of_both(inputs: Sequence[Spec], outputs: Sequence[Spec], attrs: Attrs) -> Any:
            made = (part for part, _ in _runs(outputs, attrs))
            runs = zip(_runs(inputs, attrs), made, strict=True)
            return join([rule(part, out, own) for (part, own), out in runs])

        return of_both

    cost = twice(lower.cost, sum)
    note = twice(
        lower.note, lambda notes: f"two runs as one, their blocks side by side; {notes[0]}"
    )
    kernel = Library(plan, cost=cost, note=note, over=lower.over, rows=lower.rows, runs=2)
    return Op(f"{one.name}_both", infer, reference, None, kernel)


lstm_states_op = _both(recurrent_lstm.states_op)
lstm_forward_op = _both(recurrent_lstm.forward_op)
lstm_backward_op = _both(recurrent_lstm.backward_op)
gru_states_op = _both(recurrent_gru.states_op)
gru_forward_op = _both(recurrent_gru.forward_op)
gru_backward_op = _both(recurrent_gru.backward_op)
simple_states_op = _both(recurrent_simple.states_op)
simple_forward_op = _both(recurrent_simple.forward_op)
simple_backward_op = _both(recurrent_simple.backward_op)

OF_TWO: dict[Op, Op] = {
    recurrent_lstm.states_op: lstm_states_op,
    recurrent_lstm.forward_op: lstm_forward_op,
    recurrent_lstm.backward_op: lstm_backward_op,
    recurrent_gru.states_op: gru_states_op,
    recurrent_gru.forward_op: gru_forward_op,
    recurrent_gru.backward_op: gru_backward_op,
    recurrent_simple.states_op: simple_states_op,
    recurrent_simple.forward_op: simple_forward_op,
    recurrent_simple.backward_op: simple_backward_op,
}
"""The op of two runs of each."""
