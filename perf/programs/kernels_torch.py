"""PyTorch: calls, chains, rows, products, optimizers, files; eager, compiled, into given memory."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from perf import operands, workloads
from perf.programs import images_torch, recurrent_torch, sequences_torch
from perf.timing import Case


def gelu(x: Any) -> Any:
    inner = operands.GELU_C * (x + operands.GELU_K * x * x * x)
    return 0.5 * x * (1 + torch.tanh(inner)) * operands.SCALE + operands.SHIFT


def gelu_own(x: Any) -> Any:
    return F.gelu(x, approximate="tanh") * operands.SCALE + operands.SHIFT


def gelu_gradient(x: Any) -> Any:
    return torch.func.grad(lambda q: gelu(q).sum())(x)


def _compiled(f: Callable[..., Any]) -> Any:
    return torch.compile(f, dynamic=False)


def _into(f: Callable[..., Any], *arguments: Any) -> Callable[[], Any]:
    """f, compiled, into one array again and again."""
    out = torch.empty_like(arguments[0])
    compiled = _compiled(lambda out, *arguments: out.copy_(f(*arguments)))
    return lambda: compiled(out, *arguments)


def _plus_one(x: Any) -> Any:
    return x + 1


def _calls() -> Iterator[Case]:
    a = np.arange(workloads.W1_SIZE, dtype=np.float32)
    x, fed = torch.from_numpy(a), torch.from_numpy
    for variant, f in (("eager", _plus_one), ("compile", _compiled(_plus_one))):
        yield from _forms(variant, f, a, x, fed)


def _forms(
    variant: str, f: Callable[[Any], Any], a: Any, x: Any, fed: Callable[[Any], Any]
) -> Iterator[Case]:
    yield Case("numpy in and out", variant, lambda: f(fed(a)).numpy())
    yield Case("numpy in", variant, lambda: f(fed(a)))
    yield Case("tensor in", variant, lambda: f(x))


def _chains() -> Iterator[Case]:
    for size in operands.CHAIN_SIZES:
        x = torch.from_numpy(operands.chain_input(size))
        name = f"gelu {size}"
        yield Case(name, "eager", partial(gelu, x))
        yield Case(name, "eager F.gelu", partial(gelu_own, x))
        yield Case(name, "compile", partial(_compiled(gelu), x))
        yield Case(name, "compile out=", _into(gelu, x))
        name = f"grad {size}"
        yield Case(name, "eager", partial(_autograd, gelu, x))
        yield Case(name, "eager F.gelu", partial(_autograd, gelu_own, x))
        yield Case(name, "compile", partial(_compiled(gelu_gradient), x))
        yield Case(name, "compile out=", _into(gelu_gradient, x))


def _autograd(f: Callable[[Any], Any], x: Any) -> Any:
    leaf = x.detach().requires_grad_()
    y = f(leaf)
    return torch.autograd.grad(y, leaf, torch.ones((), dtype=y.dtype).expand_as(y))[0]


def _stream() -> Iterator[Case]:
    def f(a: Any, b: Any, c: Any) -> Any:
        return torch.relu(a * b + c)

    abc = [torch.from_numpy(q) for q in operands.stream()]
    out = torch.empty_like(abc[0])
    yield Case(operands.STREAM, "eager", partial(f, *abc))
    a, b, c = abc
    yield Case(operands.STREAM, "eager out=", lambda: torch.addcmul(c, a, b, out=out).relu_())
    yield Case(operands.STREAM, "compile", partial(_compiled(f), *abc))
    yield Case(operands.STREAM, "compile out=", _into(f, *abc))


def _rows() -> Iterator[Case]:
    x = torch.from_numpy(operands.softmax_input())

    def both(x: Any) -> Any:
        return torch.softmax(x, 1), torch.logsumexp(x, 1)

    yield Case("softmax+lse", "eager", partial(both, x))
    yield Case("softmax+lse", "compile", partial(_compiled(both), x))
    norm = [torch.from_numpy(q) for q in operands.norm_operands()]
    yield Case("layer norm", "eager", partial(_norm_eager, *norm))
    yield Case("layer norm", "compile", partial(_compiled(_norm_function), *norm))
    y = torch.from_numpy(operands.sum_input())
    yield Case("column sum", "eager", lambda: y.sum(0))
    yield Case("column sum", "compile", partial(_compiled(lambda x: x.sum(0)), y))


def _norm(x: Any, gamma: Any, beta: Any) -> Any:
    return F.layer_norm(x, x.shape[1:], gamma, beta, operands.NORM_EPSILON)


def _norm_eager(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    leaves = [q.detach().requires_grad_() for q in (x, gamma, beta)]
    y = _norm(*leaves)
    return y.detach(), torch.autograd.grad(y, leaves, dy)


def _norm_function(x: Any, gamma: Any, beta: Any, dy: Any) -> Any:
    y, back = torch.func.vjp(_norm, x, gamma, beta)
    return y, back(dy)


def _products() -> Iterator[Case]:
    product = _compiled(torch.mm)
    for name in workloads.PRODUCTS:
        a, b = (torch.from_numpy(q) for q in workloads.matrices(name))
        yield Case(name, "eager", partial(torch.mm, a, b))
        out = torch.empty(a.shape[0], b.shape[1])
        yield Case(name, "eager out=", partial(torch.mm, a, b, out=out))
        yield Case(name, "compile", partial(product, a, b))


def _adam() -> Iterator[Case]:
    for variant in ("fused", "foreach"):
        values, slopes = operands.adam_operands()
        p = [torch.from_numpy(value).requires_grad_() for value in values]
        for q, slope in zip(p, slopes, strict=True):
            q.grad = torch.from_numpy(slope)
        optimizer = torch.optim.Adam(
            p,
            operands.ADAM_RATE,
            (workloads.ADAM_BETA_1, workloads.ADAM_BETA_2),
            workloads.ADAM_EPSILON,
            fused=variant == "fused",
            foreach=variant == "foreach",
        )
        yield Case("25M parameters", variant, optimizer.step, result=partial(_twice, optimizer, p))


def _twice(optimizer: Any, p: list[Any]) -> list[Any]:
    optimizer.step()
    optimizer.step()
    return [q.detach() for q in p]


def _eager() -> Iterator[Case]:
    x, a, b = (torch.from_numpy(q) for q in operands.small_operands())
    yield Case("x + 1 on 10", "eager", lambda: x + 1)
    yield Case("matmul 8x8", "eager", lambda: torch.matmul(a, b))
    yield Case("softmax on 10", "eager", lambda: torch.softmax(x, 0))


def _large() -> Iterator[Case]:
    a, b, _ = (torch.from_numpy(q) for q in operands.stream())
    yield Case("a + b on 16M", "eager", lambda: a + b)
    yield Case("exp on 16M", "eager", lambda: torch.exp(a))


def _saved() -> Iterator[Case]:
    """torch.save, and safetensors where it is installed. Neither has checksums of its tensors."""
    formats: list[tuple[str, Any, Any]] = [("torch.save", torch.save, torch.load)]
    try:
        from safetensors.torch import load_file, save_file
    except ImportError:
        pass
    else:
        # load_file maps the file; only a copy is in memory
        def load(path: Path) -> Any:
            return {name: q.clone() for name, q in load_file(path).items()}

        formats.append(("safetensors", save_file, load))
    tensors = {f"p{i}": torch.from_numpy(a) for i, a in enumerate(operands.saved_arrays())}
    for variant, write, load in formats:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "checkpoint"
            save = partial(_save, write, tensors, path)
            loaded = partial(_loaded, load, path)
            yield Case("save", variant, save, result=partial(_saved_result, save, loaded))
            yield Case("load", variant, partial(load, path), result=loaded)


def _save(write: Callable[[Any, Path], Any], tensors: Any, path: Path) -> None:
    write(tensors, path)
    with open(path, "rb") as file:
        os.fsync(file.fileno())


def _loaded(load: Callable[[Path], Any], path: Path) -> Any:
    found = load(path)
    return [found[f"p{i}"] for i in range(len(found))][::31]


def _saved_result(save: Callable[[], None], loaded: Callable[[], Any]) -> Any:
    save()
    return loaded()


def _sparse() -> Iterator[Case]:
    start, rows, wanted = operands.sparse_operands()
    for variant in ("eager sparse", "eager"):
        table = torch.from_numpy(start.copy()).requires_grad_()
        optimizer = torch.optim.SGD([table], operands.SPARSE_RATE)
        step = partial(
            _sparse_step,
            table,
            optimizer,
            torch.from_numpy(rows).long(),
            torch.from_numpy(wanted),
            variant == "eager sparse",
        )
        yield Case("embedding", variant, step, result=partial(_after, step, table))


def _sparse_step(table: Any, optimizer: Any, rows: Any, wanted: Any, sparse: bool) -> Any:
    optimizer.zero_grad(True)
    loss = ((F.embedding(rows, table, sparse=sparse) - wanted) ** 2).sum() / operands.LOOKUPS
    loss.backward()
    optimizer.step()
    return loss.detach()


def _after(step: Callable[[], Any], table: Any) -> Any:
    step()
    return table.detach()


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W1": _calls,
    "W2": _chains,
    "stream": _stream,
    "W3": _rows,
    "W12": _products,
    "adam": _adam,
    "eager": _eager,
    "large": _large,
    "W16": _saved,
    "sparse": _sparse,
    **images_torch.CASES,
    **recurrent_torch.CASES,
    **sequences_torch.CASES,
}


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
