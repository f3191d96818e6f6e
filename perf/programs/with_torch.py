"""PyTorch: eager, torch.compile of the loss, and of the whole step as one graph."""

import os
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch._dynamo  # loaded at an optimizer's first use: a second that is no part of a step
import torch.nn.functional as F

from perf import workloads
from perf.programs import images_torch, recurrent_torch, sequences_torch
from perf.programs.kernels_torch import cases as cases
from perf.programs.sequences_torch import attention_call as attention_call
from perf.timing import seconds_of_calls

torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))


def linear(p: dict[str, Any], x: Any, y: Any) -> Any:
    return (x * p["w"] + p["b"] - y) ** 2 / 34


def mlp_tanh(p: dict[str, Any], x: Any, y: Any) -> Any:
    return F.mse_loss(torch.tanh(x @ p["w0"] + p["b0"]) @ p["w1"] + p["b1"], y)


def mlp(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = torch.addmm(p[f"b{i}"], x, p[f"w{i}"])
        x = F.relu(x) if i < layers - 1 else x
    return F.cross_entropy(x, y)


def deep(p: dict[str, Any], x: Any, y: Any) -> Any:
    layers = len(p) // 2
    for i in range(layers):
        x = x + torch.tanh(torch.addmm(p[f"b{i}"], x, p[f"w{i}"])) * (1 / layers)
    return F.mse_loss(x, y)


def lenet(p: dict[str, Any], x: Any, y: Any, layout: str = "NCHW") -> Any:
    return F.cross_entropy(images_torch.lenet(p, _images(x, layout)), y)


def resnet(p: dict[str, Any], x: Any, y: Any, layout: str = "NCHW") -> Any:
    return F.cross_entropy(images_torch.resnet(p, _images(x, layout)), y)


def _images(x: Any, layout: str) -> Any:
    return x.permute(0, 3, 1, 2).contiguous(memory_format=images_torch.FORMATS[layout])


LOSSES = {
    "W4": linear,
    "W5": mlp_tanh,
    "W6": mlp,
    "W7": mlp,
    "W8": lenet,
    "W10": recurrent_torch.sine,
    "W13R": resnet,
    "W14": sequences_torch.block,
    "mlp": mlp,
    "deep": deep,
}
CONVOLUTIONAL = ("W8", "W13R")


def variants(workload: str) -> list[str]:
    if workload in CONVOLUTIONAL:
        layouts = [f"{way} channels_last" for way in ("eager", "compile")]
        return ["eager", "compile", *layouts, "compile 1-graph"]
    return ["eager", "compile", "compile 1-graph", "compile 1-graph cpp"]


def training_step(workload: str, variant: str) -> Callable[[Any, Any], Any]:
    start = workloads.training(workload)
    layout = "NHWC" if "channels_last" in variant else "NCHW"
    loss_of: Callable[..., Any] = LOSSES[workloads.family(workload)]
    if workload == "W10":
        p = recurrent_torch.parameters()
        loss_of = recurrent_torch.sine_unrolled if "compile" in variant else loss_of
    else:
        p = images_torch.parameters(workload, layout)
    if workload in CONVOLUTIONAL:
        loss_of = partial(loss_of, layout=layout)
    if "1-graph" in variant:
        return _one_graph(start, loss_of, p, cpp_wrapper="cpp" in variant)
    if "compile" in variant:
        loss_of = torch.compile(loss_of)
    leaves = [q.requires_grad_() for q in p.values()]
    optimizer = _optimizer(start, leaves)

    def step(x: Any, y: Any) -> Any:
        loss = loss_of(p, _fed(x), _fed(y))
        optimizer.zero_grad(True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def _optimizer(start: workloads.Training, leaves: list[Any]) -> Any:
    rate = start.learning_rate
    if start.optimizer == "adam":
        betas = workloads.ADAM_BETA_1, workloads.ADAM_BETA_2
        return torch.optim.Adam(leaves, rate, betas, workloads.ADAM_EPSILON, fused=True)
    momentum = workloads.MOMENTUM if start.optimizer == "momentum" else 0.0
    return torch.optim.SGD(leaves, rate, momentum, fused=True)


def _fed(a: Any) -> Any:
    """A batch as PyTorch wants it: labels must be int64."""
    a = torch.from_numpy(a)
    return a.long() if a.dtype == torch.int32 else a


def _one_graph(
    start: workloads.Training, loss_of: Callable[..., Any], p: dict[str, Any], cpp_wrapper: bool
) -> Callable[[Any, Any], Any]:
    """Gradient and in-place update of plain tensors in one compiled graph."""
    slots: dict[str, Any] = {n: (torch.zeros_like(q), torch.zeros_like(q)) for n, q in p.items()}
    slots["t"] = torch.zeros(())
    update = {"sgd": _descend, "momentum": _momentum, "adam": _adam}[start.optimizer]

    def one(p: dict[str, Any], slots: dict[str, Any], x: Any, y: Any) -> Any:
        gradients, loss = torch.func.grad_and_value(loss_of)(p, x, y)
        with torch.no_grad():
            update(start.learning_rate, p, slots, gradients)
        return loss

    compiled = torch.compile(one, options={"cpp_wrapper": True} if cpp_wrapper else None)
    return lambda x, y: compiled(p, slots, _fed(x), _fed(y))


def _descend(
    rate: float, p: dict[str, Any], slots: dict[str, Any], gradients: dict[str, Any]
) -> None:
    for name, q in p.items():
        q.sub_(rate * gradients[name])


def _momentum(
    rate: float, p: dict[str, Any], slots: dict[str, Any], gradients: dict[str, Any]
) -> None:
    for name, q in p.items():
        q.sub_(rate * slots[name][0].mul_(workloads.MOMENTUM).add_(gradients[name]))


def _adam(rate: float, p: dict[str, Any], slots: dict[str, Any], gradients: dict[str, Any]) -> None:
    slots["t"] += 1
    corrected_1 = 1 - workloads.ADAM_BETA_1 ** slots["t"]
    corrected_2 = torch.sqrt(1 - workloads.ADAM_BETA_2 ** slots["t"])
    for name, q in p.items():
        g, (m, v) = gradients[name], slots[name]
        m.lerp_(g, 1 - workloads.ADAM_BETA_1)
        v.mul_(workloads.ADAM_BETA_2).addcmul_(g, g, value=1 - workloads.ADAM_BETA_2)
        q.sub_(rate / corrected_1 * m / (torch.sqrt(v) / corrected_2 + workloads.ADAM_EPSILON))


def phases(workload: str) -> dict[str, float]:
    """Seconds of an eager step; there is nothing before it."""
    step = training_step(workload, "eager")
    x, y = workloads.training(workload).batches[0]
    return {"call": seconds_of_calls(lambda: float(step(x, y)))}
