"""Modules find their variables."""

from typing import Any

import numflow as nf


class Dense(nf.Module):
    def __init__(self, rows: int, columns: int, name: str | None = None) -> None:
        super().__init__(name)
        self.w = nf.Variable(nf.ones([rows, columns]), name="w")
        self.b = nf.Variable(nf.zeros([columns]), name="b")

    @nf.Module.with_name_scope
    def __call__(self, x: Any) -> Any:
        return x @ self.w + self.b


class TwoLayerNet(nf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = [Dense(2, 3), {"last": Dense(3, 1, "last")}]
        self.count = nf.Variable(0, trainable=False)
        self.again = self.layers[0]
        self.me = self

    @nf.function
    def __call__(self, x: Any) -> Any:
        self.count.assign_add(1)
        return self.layers[1]["last"](self.layers[0](x))  # type: ignore[index,operator]


def test_variables_of_all_parts_each_once() -> None:
    net = TwoLayerNet()
    assert net.name == "two_layer_net"
    assert [m.name for m in net.submodules] == ["dense", "last"]
    assert [v.name for v in net.variables] == ["Variable:0", "b:0", "w:0", "b:0", "w:0"]
    assert len(net.trainable_variables) == 4 and len(net.non_trainable_variables) == 1


def test_layers_are_modules() -> None:
    """A module has the weights of its layers; those of a layer that is still do not train."""

    class Net(nf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nf.keras.layers.LSTM(3, return_sequences=True)
            self.rest = [nf.keras.layers.GRU(2)]
            self.scale = nf.Variable(1.0)

        def __call__(self, x: Any) -> Any:
            return self.rest[0](self.first(x)) * self.scale

    net = Net()
    assert [v.name for v in net.variables] == ["Variable:0"]
    with nf.GradientTape() as tape:
        y = net(nf.ones([2, 4, 3]))
    assert len(net.variables) == len(net.trainable_variables) == 7
    assert None not in tape.gradient(y, net.trainable_variables)
    net.first.trainable = False
    assert len(net.variables) == 7 and len(net.non_trainable_variables) == 3
    assert not {id(v) for v in net.trainable_variables} & {id(v) for v in net.first.weights}
    net.first.trainable = True
    assert len(net.trainable_variables) == 7


def test_a_module_trains() -> None:
    net = TwoLayerNet()
    x = nf.constant([[1.0, 2.0]])
    with nf.GradientTape() as tape:
        y = net(x)
    grads = tape.gradient(y, net.trainable_variables)
    assert [g.shape for g in grads] == [v.shape for v in net.trainable_variables]
    assert float(y[0, 0]) == 9.0 and int(net.count) == 1
