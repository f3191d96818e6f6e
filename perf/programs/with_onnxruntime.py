"""ONNX Runtime: inference only, of graphs that are written here node by node."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from perf import convnets, workloads
from perf.arrays import Array
from perf.timing import Case

THREADS = int(os.environ.get("OMP_NUM_THREADS", "2"))
OPERATORS, FORMAT = 17, 8  # versions of the operators and of the file


class Model:
    """A graph that grows: `model("Relu", x)` appends a node; arrays become constants."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def __call__(self, op: str, *inputs: Any, **attributes: Any) -> "Value":
        names = [self._name(value) for value in inputs]
        result = f"t{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, names, [result], **attributes))
        return Value(self, result)

    def _name(self, value: Any) -> str:
        if isinstance(value, Value):
            return value.name
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value), name))
        return name

    def call(self, result: "Value", x: Array) -> Callable[[], Any]:
        """A call of the graph from "x" to its result."""
        given = helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)
        gives = helper.make_tensor_value_info(result.name, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, "g", [given], [gives], self.constants)
        version = helper.make_opsetid("", OPERATORS)
        model = helper.make_model(graph, opset_imports=[version], ir_version=FORMAT)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = THREADS
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        return lambda: session.run(None, {"x": x})[0]


class Value:
    """A result of a node."""

    def __init__(self, model: Model, name: str) -> None:
        self.model, self.name = model, name

    def __add__(self, other: "Value") -> "Value":
        return self.model("Add", self, other)


def channels_second(x: Array) -> Array:
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2))


def _lenet() -> Iterator[Case]:
    p, model = workloads.training("W8").parameters, Model()
    x = Value(model, "x")
    for i in "01":
        w = p["c" + i].transpose(3, 2, 0, 1)
        x = model("Relu", model("Conv", x, w, p["cb" + i], pads=[2] * 4))
        x = model("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    w = p["w0"].reshape(7, 7, 64, -1).transpose(2, 0, 1, 3).reshape(p["w0"].shape)
    x = model("Relu", model("Gemm", model("Flatten", x), w, p["b0"]))
    x = model("Gemm", x, p["w1"], p["b1"])
    call = model.call(x, channels_second(convnets.lenet_images()))
    yield Case("infer", "", call)


def _convolutions() -> Iterator[Case]:
    for name, c in convnets.CONVOLUTIONS.items():
        x, w, _ = convnets.convolution_operands(name)
        model = Model()
        y = model(
            "Conv",
            Value(model, "x"),
            w.transpose((2, 3, 0, 1) if c.groups > 1 else (3, 2, 0, 1)),
            pads=[c.before, c.before, c.after, c.after],
            strides=[c.stride, c.stride],
            group=c.groups,
        )
        call = model.call(y, channels_second(x))
        result = partial(_channels_last, call)
        yield Case(f"{name} {convnets.FORWARD}", "", call, result=result)


def _channels_last(call: Callable[[], Any]) -> Any:
    return call().transpose(0, 2, 3, 1)


def _mobilenet() -> Iterator[Case]:
    def conv(x: Value, w: Array, stride: int, depthwise: bool) -> Value:
        before, after = (0, 1) if stride == 2 else (w.shape[0] // 2, w.shape[0] // 2)
        return x.model(
            "Conv",
            x,
            w.transpose((2, 3, 0, 1) if depthwise else (3, 2, 0, 1)),
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=w.shape[2] if depthwise else 1,
        )

    def norm(x: Value, *parameters: Any) -> Value:
        epsilon = convnets.MOBILENET_EPSILON
        return x.model("BatchNormalization", x, *parameters, epsilon=epsilon)

    def relu6(x: Value) -> Value:
        return x.model("Clip", x, np.float32(0), np.float32(6))

    def head(x: Value, w: Array, b: Array) -> Value:
        mean = x.model("Flatten", x.model("GlobalAveragePool", x))
        return x.model("Softmax", x.model("Gemm", mean, w, b))

    weights = convnets.mobilenet_weights()
    for batch in convnets.MOBILENET_BATCHES:
        model = Model()
        y = convnets.mobilenet(Value(model, "x"), weights, conv, norm, relu6, head)
        x = channels_second(convnets.mobilenet_images(batch))
        yield Case(f"batch {batch}", "", model.call(y, x))


CASES: dict[str, Callable[[], Iterator[Case]]] = {
    "W8": _lenet,
    "W9": _convolutions,
    "W13": _mobilenet,
}


def variants(workload: str) -> list[str]:
    """It does not train."""
    return []


def cases(workload: str) -> Iterator[Case]:
    """The cases of a workload that is no training step."""
    return CASES[workload]() if workload in CASES else iter(())
