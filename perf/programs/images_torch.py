"""PyTorch: convolutions, batch norm, pools, resizing; LeNet, ResNet and MobileNet.

Images are [batch, channels, height, width] here, in that order in memory or with channels last.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F

from perf import convnets, workloads
from perf.arrays import Array
from perf.timing import Case

FORMATS = {"NCHW": torch.contiguous_format, "NHWC": torch.channels_last}


def lenet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits; p as of `parameters`."""
    x = F.max_pool2d(F.relu(F.conv2d(x, p["c0"], p["cb0"], padding=2)), 2)
    x = F.max_pool2d(F.relu(F.conv2d(x, p["c1"], p["cb1"], padding=2)), 2)
    x = F.relu(torch.addmm(p["b0"], x.flatten(1), p["w0"]))
    return torch.addmm(p["b1"], x, p["w1"])


def resnet(p: Mapping[str, Any], x: Any) -> Any:
    """Logits."""

    def conv(x: Any, w: Any, stride: int) -> Any:
        return F.conv2d(x, w, None, stride, (w.shape[2] - 1) // 2)

    def norm(x: Any, gamma: Any, beta: Any) -> Any:
        epsilon = convnets.RESNET_EPSILON
        return F.batch_norm(x, None, None, gamma, beta, True, 0.0, epsilon)

    def head(x: Any, w: Any, b: Any) -> Any:
        return torch.addmm(b, x.mean((2, 3)), w)

    return convnets.resnet(x, p, conv, norm, F.relu, lambda x: F.max_pool2d(x, 2), head)


def mobilenet(same: bool, p: Mapping[str, Any], x: Any) -> Any:
    """Probabilities. `same`: padded as the others do, uneven where the stride is two."""

    def conv(x: Any, w: Any, stride: int, depthwise: bool) -> Any:
        pad = (w.shape[2] - 1) // 2
        if same and stride == 2:
            x, pad = F.pad(x, (0, 1, 0, 1)), 0
        return F.conv2d(x, w, None, stride, pad, 1, x.shape[1] if depthwise else 1)

    def norm(x: Any, gamma: Any, beta: Any, mean: Any, variance: Any) -> Any:
        epsilon = convnets.MOBILENET_EPSILON
        return F.batch_norm(x, mean, variance, gamma, beta, False, 0.0, epsilon)

    def head(x: Any, w: Any, b: Any) -> Any:
        return torch.softmax(torch.addmm(b, x.mean((2, 3)), w), 1)

    return convnets.mobilenet(x, p.values(), conv, norm, F.relu6, head)


def parameters(workload: str, layout: str = "NCHW") -> dict[str, Any]:
    """The first weights of a training workload as PyTorch wants them, in memory of their own."""
    made = {}
    for name, a in workloads.training(workload).parameters.items():
        if workload == "W8" and name == "w0":  # behind a map [channels, height, width]
            a = a.reshape(7, 7, 64, -1).transpose(2, 0, 1, 3).reshape(a.shape)
        made[name] = filters(a, layout) if a.ndim == 4 else torch.from_numpy(a.copy())
    return made


def filters(w: Array, layout: str) -> Any:
    """[height, width, channels, out] as [out, channels, height, width]; depthwise [c, 1, ...]."""
    order = (2, 3, 0, 1) if w.shape[2] > 1 and w.shape[3] == 1 else (3, 2, 0, 1)
    return torch.from_numpy(w.transpose(order).copy()).contiguous(memory_format=FORMATS[layout])


def images(x: Array, layout: str) -> Any:
    turned = torch.from_numpy(x).permute(0, 3, 1, 2)
    return turned.contiguous(memory_format=FORMATS[layout])


class Frozen(torch.nn.Module):  # type: ignore[misc]  # its module has no types here
    """Weights as a module's own, which freezing folds into the code."""

    def __init__(self, p: Mapping[str, Any], f: Callable[[Mapping[str, Any], Any], Any]) -> None:
        super().__init__()
        self.names, self.f = list(p), f
        for name, q in p.items():
            self.register_buffer(f"p_{name}", q)

    def forward(self, x: Any) -> Any:
        return self.f({name: getattr(self, f"p_{name}") for name in self.names}, x)


def _frozen(p: Mapping[str, Any], f: Callable[[Mapping[str, Any], Any], Any]) -> Any:
    return torch.compile(Frozen(p, f), options={"freezing": True}, dynamic=False)


def _inferred(f: Callable[..., Any], *arguments: Any) -> Any:
    with torch.no_grad():
        return f(*arguments)


def _backward(f: Callable[..., Any], *arguments: Any) -> Any:
    """f(*arguments), and its gradients by the arguments; the last one is the result's slope."""
    *inputs, dy = arguments
    leaves = [a.detach().requires_grad_() for a in inputs]
    y = f(*leaves)
    return y.detach(), torch.autograd.grad(y, leaves, dy)


def _channels_last(call: Callable[[], Any], depthwise: bool = False) -> Any:
    """What a call gives, images and filters in the order that the references have."""

    def turned(a: Any, place: int) -> Any:
        if a.ndim < 4:
            return a
        order = (0, 2, 3, 1) if place < 2 else (2, 3, 0, 1) if depthwise else (2, 3, 1, 0)
        return a.permute(order)

    result = call()
    y, slopes = result if isinstance(result, tuple) else (result, ())
    return [turned(a, place) for place, a in enumerate((y, *slopes))]


def _case(name: str, variant: str, call: Callable[[], Any], **of: Any) -> Case:
    return Case(name, variant, call, result=partial(_channels_last, call, **of))


def _lenet() -> Iterator[Case]:
    x = images(convnets.lenet_images(), "NCHW")
    for layout, variant in (("NCHW", "eager"), ("NHWC", "eager channels_last")):
        p = parameters("W8", layout)
        yield Case("infer", variant, partial(_inferred, lenet, p, x))
    p = parameters("W8")
    yield Case("infer", "compile", partial(_inferred, torch.compile(lenet), p, x))
    yield Case("infer", "compile freezing", partial(_inferred, _frozen(p, lenet), x))


def _convolutions() -> Iterator[Case]:
    for name, c in convnets.CONVOLUTIONS.items():
        yield from _convolution(name, c)


def _convolution(name: str, c: convnets.Convolution) -> Iterator[Case]:
    """Padded alike on all sides, as PyTorch can; checked with the padding of the others."""

    def f(x: Any, w: Any) -> Any:
        return F.conv2d(x, w, None, c.stride, c.kernel // 2, 1, c.groups)

    def same(x: Any, w: Any) -> Any:
        if c.before == c.after:
            return f(x, w)
        around = (c.before, c.after, c.before, c.after)
        return F.conv2d(F.pad(x, around), w, None, c.stride, 0, 1, c.groups)

    x, w, dy = convnets.convolution_operands(name)
    forward, both, depthwise = f"{name} {convnets.FORWARD}", f"{name} {convnets.BOTH}", c.groups > 1
    for layout in FORMATS:
        given = [images(x, layout), filters(w, layout), images(dy, layout)]
        calls = [partial(_inferred, g, *given[:2]) for g in (f, same)]
        result = partial(_channels_last, calls[1])
        yield Case(forward, f"eager {layout}", calls[0], result=result)
        calls = [partial(_backward, g, *given) for g in (f, same)]
        result = partial(_channels_last, calls[1], depthwise)
        yield Case(both, f"eager {layout}", calls[0], result=result)
    frozen = _frozen({"w": given[1]}, lambda p, x: f(x, p["w"]))
    checked = partial(_inferred, same, *given[:2])
    yield Case(
        forward,
        "compile freezing",
        partial(_inferred, frozen, given[0]),
        result=partial(_channels_last, checked),
    )


def _norm() -> Iterator[Case]:
    def f(x: Any, gamma: Any, beta: Any) -> Any:
        epsilon = convnets.NORM_EPSILON
        return F.batch_norm(x, None, None, gamma, beta, True, 0.0, epsilon)

    x, gamma, beta, dy = convnets.norm_operands()
    for layout in FORMATS:
        given = [images(x, layout), *map(torch.from_numpy, (gamma, beta)), images(dy, layout)]
        yield _case("f+b", f"eager {layout}", partial(_backward, f, *given))
        yield _case("f+b", f"compile {layout}", partial(_backward, torch.compile(f), *given))


def _pools() -> Iterator[Case]:
    for name, (window, stride) in convnets.POOLS.items():
        pool = F.max_pool2d if name.startswith("max") else F.avg_pool2d
        f = partial(pool, kernel_size=window, stride=stride)
        x, dy = convnets.pool_operands(name)
        for layout in FORMATS:
            given = images(x, layout), images(dy, layout)
            yield _case(name, f"eager {layout}", partial(_backward, f, *given))
            yield _case(name, f"compile {layout}", partial(_backward, torch.compile(f), *given))


def _resize() -> Iterator[Case]:
    f = partial(F.interpolate, scale_factor=2, mode="bilinear", align_corners=False)
    x, dy = convnets.resize_operands()
    for layout in FORMATS:
        given = images(x, layout), images(dy, layout)
        yield _case("bilinear", f"eager {layout}", partial(_backward, f, *given))
        yield _case("bilinear", f"compile {layout}", partial(_backward, torch.compile(f), *given))


def _mobilenet() -> Iterator[Case]:
    """Timed padded by one on all sides, which takes no copies; checked as the others pad."""
    for batch in convnets.MOBILENET_BATCHES:
        name = f"batch {batch}"
        for layout in FORMATS:
            p = {
                str(i): filters(w, layout) if w.ndim == 4 else torch.from_numpy(w)
                for i, w in enumerate(convnets.mobilenet_weights())
            }
            x = images(convnets.mobilenet_images(batch), layout)
            result = partial(_inferred, mobilenet, True, p, x)
            f = partial(mobilenet, False)
            yield Case(name, f"eager {layout}", partial(_inferred, f, p, x), result=result)
        compiled = torch.compile(f, dynamic=False)
        yield Case(name, "compile NHWC", partial(_inferred, compiled, p, x), result=result)
        frozen = _frozen(p, f)
        yield Case(name, "compile freezing", partial(_inferred, frozen, x), result=result)


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W8": _lenet,
    "W9": _convolutions,
    "W13": _mobilenet,
    "batchnorm": _norm,
    "pool": _pools,
    "resize": _resize,
}
