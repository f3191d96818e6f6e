"""A loop that the SIMD printer fails on goes through Numba, and says so once."""

from typing import Any

import pytest

import numflow as nf
from numflow.codegen import printers, simd


def test_a_failing_printer_costs_speed_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise RuntimeError("LLVM does not like it")

    monkeypatch.setattr(simd, "compile_loop", broken)
    monkeypatch.setattr(printers, "_warned", [])
    f = nf.function(lambda x: nf.reduce_sum(nf.tanh(x) * x, 1))
    g = nf.function(lambda x: nf.exp(x) - x)
    x = nf.constant([[1.0, -2.0, 0.5]])
    with pytest.warns(printers.PrinterWarning, match="LLVM does not like it") as caught:
        assert f(x).numpy().tolist() == pytest.approx([2.9207080], rel=1e-5)
        assert g(x).numpy().tolist()[0] == pytest.approx([1.7182818, 2.1353352, 1.1487213])
    assert len(caught) == 1
    assert "tanh.f32" in str(caught[0].message)
