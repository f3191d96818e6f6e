"""A checkpoint of any known format, as values by object path.

numflow         <prefix>.nfc                          paths and links as saved
                <folder>/index.nfc                    the same, in several files
TensorFlow 2    <prefix>.index                        paths from the object graph in it
TensorFlow 1    <prefix>.index, or the file itself    names of variables in a graph
safetensors     the file itself                       names with dots
"""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol

from numflow.checkpointing.objects import joined, slot_path
from numflow.errors import NotFoundError, explain
from numflow.io.arrays import Array
from numflow.io.checkpoint import MAGIC, Reader
from numflow.io.damage import Path, damaged
from numflow.io.header import Entry
from numflow.io.protobuf import Message
from numflow.io.safetensors import SafetensorsReader
from numflow.io.shards import INDEX, ShardedReader
from numflow.io.tf_checkpoint import TFReader, TFReaderV1, TFReaderV2
from numflow.io.tf_table import is_table

SUFFIX = ".nfc"
_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"
_VALUE = "/.ATTRIBUTES/VARIABLE_VALUE"


class TensorFile(Protocol):
    """What readers of all formats offer."""

    path: str

    def entry(self, name: str) -> Entry: ...
    def get(self, name: str, verify: bool = True) -> Array: ...
    def verify(self, *names: str) -> None: ...
    def read_into(self, name: str, out: Array) -> None: ...
    def close(self) -> None: ...


@dataclass
class Source:
    """The values of a checkpoint: names in the file by object path."""

    file: TensorFile
    names: dict[str, str]
    links: dict[str, str] = field(default_factory=dict)  # further path: path
    by_name: dict[str, str] = field(default_factory=dict)  # name of a variable in a graph: path

    def follow(self, path: str) -> str:
        """The path under which the file knows an object."""
        return self.links.get(path, path)

    def entry(self, path: str) -> Entry:
        """What the file says of a value."""
        return self.file.entry(self.names[path])


def open_source(path: Path) -> Source:
    """The checkpoint of a prefix, or in a file.

    Raises:
      NotFoundError: there is none.
      DataLossError: it is damaged, or of no known format.
    """
    path = os.fspath(path)
    if os.path.isfile(path + SUFFIX):
        return _numflow(Reader(path + SUFFIX))
    if os.path.isfile(path + ".index"):
        return _tensorflow(TFReaderV2(path))
    if os.path.isfile(os.path.join(path, INDEX)):
        return _numflow(ShardedReader(os.path.join(path, INDEX)))
    if not os.path.isfile(path):
        raise NotFoundError(
            explain(
                "checkpoint",
                "there is no such checkpoint",
                {"path": path},
                fix=_fix(path),
            )
        )
    with open(path, "rb") as file:
        head = file.read(16)
    if head.startswith(MAGIC):
        return _numflow(Reader(path))
    if path.endswith(".index"):
        return _tensorflow(TFReaderV2(path.removesuffix(".index")))
    if is_table(path):
        return _tensorflow(TFReaderV1(path))
    if path.endswith(".safetensors") or head[8:9] == b"{":
        file_ = SafetensorsReader(path)
        names = {name: name for name in file_}
        return Source(file_, names, {}, {name.replace(".", "/"): name for name in names})
    raise damaged(path, "this is no checkpoint of numflow, TensorFlow or safetensors")


def _fix(path: str) -> str:
    folder = path if os.path.isdir(path) else os.path.dirname(path) or "."
    if not os.path.isdir(folder):
        return ""
    found = {
        name.removesuffix(end)
        for name in os.listdir(folder)
        for end in (SUFFIX, ".index", ".safetensors")
        if name.endswith(end) and name != "checkpoint" + SUFFIX
    }
    if not found:
        return ""
    some = [os.path.join(folder, name) for name in sorted(found)[-3:]]
    return " or ".join(repr(name) for name in some)


def _numflow(file: Reader | ShardedReader) -> Source:
    if file.meta.get("kind") == "index" and isinstance(file, Reader):
        return _numflow(ShardedReader(file.path))
    links = file.meta.get("links", {})
    if not isinstance(links, dict) or not all(isinstance(to, str) for to in links.values()):
        raise damaged(file.path, "the links between objects are malformed")
    source = Source(file, {name: name for name in file}, links)
    for name, entry in file.entries.items():
        for alias in entry.extra.get("alias", []):
            source.by_name.setdefault(alias.removesuffix(":0"), name)
    return source


# --- TensorFlow --------------------------------------------------------------


def _tensorflow(file: TFReader) -> Source:
    names = [name for name in file if name != _GRAPH]
    if _GRAPH not in file:
        return Source(file, {name: name for name in names}, {}, {name: name for name in names})
    try:
        nodes = [_Node(node) for node in Message(_scalar(file, _GRAPH)).messages(1)]
        return _from_graph(file, nodes, names)
    except (ValueError, IndexError) as e:
        raise damaged(file.path, f"the object graph is malformed ({e!s:.60})") from None


def _scalar(file: TFReader, name: str) -> bytes:
    value = file.get(name)
    if value.shape or not isinstance(value[()], bytes):
        raise ValueError("it is no text")
    return bytes(value[()])


class _Node:
    """A TrackableObject: its children by name, its value's key, slots that it holds."""

    def __init__(self, node: Message) -> None:
        self.children = {c.text(2).decode(): c.number(1) for c in node.messages(1)}
        values = [a for a in node.messages(2) if a.text(1) == b"VARIABLE_VALUE"]
        self.key = values[0].text(3).decode() if values else ""
        self.name = values[0].text(2).decode() if values else ""
        self.slots = [(s.number(1), s.text(2).decode(), s.number(3)) for s in node.messages(3)]


# Lists of Keras's optimizers, one variable per trained one, and older names of slots and counts:
# what numflow calls them.
_KERAS_LISTS = {
    "_momentums": "momentum", "momentums": "momentum", "_velocities": "velocity",
    "_velocity_hats": "velocity_hat", "_accumulators": "accumulator",
    "_accumulated_grads": "accumulated_grad", "_average_gradients": "average_gradient",
    "_accumulated_delta_vars": "accumulated_delta_var", "_m": "momentum", "_u": "norm",
}  # fmt: skip
_SLOTS = {"m": "momentum", "v": "velocity", "vhat": "velocity_hat", "rms": "velocity"}
_PARTS = {"_iterations": "iterations", "iter": "iterations", "_learning_rate": "learning_rate"}


def _from_graph(file: TFReader, nodes: list[_Node], names: list[str]) -> Source:
    """Paths by breadth, as numflow gives them."""
    source = Source(file, {})
    paths = {0: ""}
    often = Counter(node.name for node in nodes)
    for number in (order := [0]):  # grows while it is walked
        node, path = nodes[number], paths[number]
        if node.key in file:
            source.names[path] = node.key
            if often[node.name] == 1:
                source.by_name[node.name] = path
        trained = "_trainable_variables" in node.children
        for name, child in node.children.items():
            if trained and (name in _KERAS_LISTS or name.startswith(("_variables", "_trainable"))):
                continue  # told by _keras_slots, in numflow's words
            place = joined(path, _PARTS.get(name, name) if trained or node.slots else name)
            if child in paths:
                source.links[place] = paths[child]
            else:
                paths[child] = place
                order.append(child)
    for number in order:
        for slot, child in _slots_of(nodes, nodes[number]):
            variable = paths.get(slot[1])
            if variable is not None and child < len(nodes) and nodes[child].key in file:
                place = joined(paths[number], slot_path(slot[0], variable))
                source.names[place] = nodes[child].key
    told = set(source.names.values())
    source.names |= {name.removesuffix(_VALUE): name for name in names if name not in told}
    return source


def _slots_of(nodes: list[_Node], node: _Node) -> list[tuple[tuple[str, int], int]]:
    """((slot, number of the variable), number of the slot's node) of an optimizer."""
    found = [((_SLOTS.get(slot, slot), of), child) for of, slot, child in node.slots]
    if "_trainable_variables" in node.children:
        trained = nodes[node.children["_trainable_variables"]].children
        for name, slot in _KERAS_LISTS.items():
            if name in node.children:
                held = nodes[node.children[name]].children
                found += [((slot, trained[i]), held[i]) for i in trained if i in held]
    return found


def typed(entry: Entry) -> str:
    """An entry's dtype and shape, as specs print.

    Example:
      >>> typed(Entry("w", "float32", (2, 3), 0, 24, b""))
      'float32 [2, 3]'
    """
    return f"{entry.dtype} {list(entry.shape)}"


def lookup(source: Source, name: str) -> str | None:
    """The path of a value asked for by path, by TensorFlow's key or by a variable's name."""
    plain = name.removesuffix(_VALUE)
    for candidate in (name, plain, source.follow(plain), source.by_name.get(plain, "")):
        if candidate in source.names:
            return candidate
    return None
