"""set_log_device_placement: who runs where."""

from __future__ import annotations

from typing import Any

import numflow as nf

HERE = "/job:localhost/replica:0/task:0/device:CPU:0"


def test_placements_are_written_to_stderr(capsys: Any) -> None:
    """Each eager op, and each op of a program once; nothing when it is over."""
    x = nf.constant([1.0])
    nf.debugging.set_log_device_placement(True)
    try:
        assert nf.debugging.get_log_device_placement()
        nf.exp(x)
        assert capsys.readouterr().err == f"Executing op exp in device {HERE}\n"
        with nf.device("/gpu:0"):
            f = nf.function(lambda x: nf.tanh(nf.exp(x)))
            f(x)
            f(x)
        assert capsys.readouterr().err == f"exp: (exp): {HERE}\ntanh: (tanh): {HERE}\n"
    finally:
        nf.debugging.set_log_device_placement(False)
    assert not nf.debugging.get_log_device_placement()
    nf.exp(x)
    nf.function(lambda x: nf.exp(x))(x)
    assert capsys.readouterr().err == ""
