"""PyTorch: recurrent layers by the kernels behind its modules; the sine's also step by step."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from perf import recurrent, workloads
from perf.arrays import Array
from perf.timing import Case


def parameters() -> dict[str, Any]:
    """W10's first weights: of the layers transposed."""
    return {
        name: torch.from_numpy((a.T if name[0] in "WR" else a).copy())
        for name, a in workloads.training("W10").parameters.items()
    }


def sine(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    h = x.new_zeros(2, x.shape[0], recurrent.SINE_UNITS)
    flat = []
    for i in (0, 1):
        flat += [p[f"W{i}"], p[f"R{i}"], p[f"b{i}"], torch.zeros_like(p[f"b{i}"])]
    out = torch.lstm(x.transpose(0, 1), (h, h), flat, True, 2, 0.0, True, False, False)[0]
    return F.mse_loss(out[-1] @ p["wd"] + p["bd"], y)


def sine_unrolled(p: Mapping[str, Any], x: Any, y: Any) -> Any:
    """For the compiler, which does not look into the kernel."""
    xs = list(x.unbind(1))
    for i in (0, 1):
        h = c = x.new_zeros(x.shape[0], recurrent.SINE_UNITS)
        w, r, b = p[f"W{i}"].t(), p[f"R{i}"].t(), p[f"b{i}"]
        out = []
        for q in xs:
            a, f, g, o = torch.addmm(b, q, w).addmm(h, r).chunk(4, 1)
            c = torch.sigmoid(f) * c + torch.sigmoid(a) * torch.tanh(g)
            h = torch.sigmoid(o) * torch.tanh(c)
            out.append(h)
        xs = out
    return F.mse_loss(h @ p["wd"] + p["bd"], y)


def _gates(a: Array, kind: str) -> Array:
    """Columns in PyTorch's order: r z n."""
    if kind != "gru":
        return a
    z, r, n = np.split(a, 3, -1)
    return np.concatenate([r, z, n], -1)


def _layers() -> Iterator[Case]:
    for kind, (_, directions) in recurrent.LAYERS.items():
        x, dy, weights = recurrent.operands(kind)
        flat = [
            torch.from_numpy(_gates(a, kind).T.copy()).requires_grad_()
            for w, u, b in weights
            for a in (w, u, b, b)
        ]
        h = torch.zeros(directions, recurrent.BATCH, recurrent.UNITS)
        for variant, first in (("eager time-major", False), ("eager batch-major", True)):
            fed, d = (torch.from_numpy(a if first else a.swapaxes(0, 1).copy()) for a in (x, dy))

            def run(
                x: Any, kind: str = kind, flat: Any = flat, h: Any = h, first: bool = first
            ) -> Any:
                if kind == "gru":
                    return torch.gru(x, h, flat, True, 1, 0.0, True, False, first)[0]
                both = kind == "bilstm"
                return torch.lstm(x, (h, h), flat, True, 1, 0.0, True, both, first)[0]

            def forward(run: Any = run, fed: Any = fed) -> Any:
                with torch.no_grad():
                    return run(fed)

            watched = fed.clone().requires_grad_()

            def backward(run: Any = run, x: Any = watched, flat: Any = flat, d: Any = d) -> Any:
                y = run(x)
                return y, torch.autograd.grad(y, [x, *flat], d)

            def turned(a: Any, first: bool = first) -> Any:
                return a.detach() if first else a.detach().transpose(0, 1)

            def outputs(f: Any = forward, t: Any = turned) -> Any:
                return t(f())

            def slopes(f: Any = backward, t: Any = turned) -> Any:
                y, gradients = f()
                return t(y), t(gradients[0])

            yield Case(f"{kind} {recurrent.FORWARD}", variant, forward, result=outputs)
            yield Case(f"{kind} {recurrent.BOTH}", variant, backward, result=slopes)


CASES = {"W11": _layers}
