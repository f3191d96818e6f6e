"""Decoder: what gives a sequence step by step; dynamic_decode: the loop that runs it."""

from __future__ import annotations

import abc
import math
from typing import Any

from numflow import dtypes, nest
from numflow.control.tensor_array import TensorArray
from numflow.control.while_loop import while_loop
from numflow.errors import InvalidArgumentError, ShapeError, explain
from numflow.graph.tensor import Tensor
from numflow.ops import comparisons, plain
from numflow.ops import reduce as reductions
from numflow.ops import select as selections
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor, known_content
from numflow.shapes import Extent

__all__ = ["Decoder", "dynamic_decode"]

RESERVED = 1 << 28
"""Bytes that outputs may take by maximum_iterations; beyond, a function counts the steps first, in
a run of the loop without outputs: few decoders go on for as long as they may."""


class Decoder(abc.ABC):
    """What dynamic_decode runs: a first input, and steps that give an output and the next input.

    A subclass has
      batch_size; output_size, sizes of an output's parts (a number or a TensorShape each, nested);
      output_dtype, their dtypes, nested alike;
      initialize(name=None) -> (finished: bool [batch], inputs, state);
      step(time, inputs, state, name=None) -> (outputs, state, inputs, finished).

    Example:
      >>> class Count(nf.compat.v1.contrib.seq2seq.Decoder):
      ...     batch_size, output_size, output_dtype = 2, nf.TensorShape([]), nf.int32
      ...     def initialize(self, name=None):
      ...         return nf.zeros([2], nf.bool), nf.constant([3, 1]), nf.zeros([2], nf.int32)
      ...     def step(self, time, inputs, state, name=None):
      ...         state = state + 1
      ...         return state, state, inputs, state >= inputs
      >>> numbers, _, lengths = nf.compat.v1.contrib.seq2seq.dynamic_decode(Count())
      >>> numbers.numpy().tolist(), lengths.numpy().tolist()
      ([[1, 2, 3], [1, 2, 3]], [3, 1])
    """

    @property
    @abc.abstractmethod
    def batch_size(self) -> Any:
        """How many sequences."""

    @property
    @abc.abstractmethod
    def output_size(self) -> Any:
        """The sizes of an output's parts, for one sequence."""

    @property
    @abc.abstractmethod
    def output_dtype(self) -> Any:
        """The dtypes of an output's parts."""

    @abc.abstractmethod
    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """(finished, inputs, state) before the first step."""

    @abc.abstractmethod
    def step(
        self, time: Any, inputs: Any, state: Any, name: str | None = None
    ) -> tuple[Any, Any, Any, Any]:
        """(outputs, state, inputs, finished) of a step: what it gives, and what the next takes."""

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """(outputs, state): what is made of those of all steps, [steps, batch, ...]."""
        return outputs, final_state

    @property
    def tracks_own_finished(self) -> bool:
        """Whether `finished` of a step says all: sequences may change their places."""
        return False

    @property
    def most_steps(self) -> Extent | None:
        """How many steps there are at most, where that is known before."""
        return None

    def at_once(self, most: Tensor | None, impute: bool) -> tuple[Any, Any, Any] | None:
        """(outputs [steps, batch, ...], state, lengths) of all steps, where none needs the one
        before; None: a loop is needed. most, impute: dynamic_decode's, most as a scalar."""
        return None


def dynamic_decode(
    decoder: Decoder,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
    **kwargs: Any,
) -> tuple[Any, Any, Any]:
    """Run a decoder until all its sequences are finished: in a function one compiled loop.

    Args:
      decoder: a Decoder.
      output_time_major: outputs are [steps, batch, ...], not [batch, steps, ...].
      impute_finished: where a sequence is finished outputs are 0, and the state stays.
      maximum_iterations: the largest number of steps; default any.
      parallel_iterations, swap_memory, scope: TensorFlow's; they change nothing here.
      kwargs: further arguments of decoder.initialize.

    Returns:
      (outputs of as many steps as the longest sequence has; the last state; the sequences'
      lengths, int32, of the shape of `finished`).

    Raises:
      TypeError: decoder is none.
      ValueError: impute_finished, and the decoder's sequences change their places; its outputs
        are not what output_dtype says.
      ShapeError: maximum_iterations is no scalar. InvalidArgumentError: it is negative.

    Example:
      >>> seq2seq = nf.compat.v1.contrib.seq2seq
      >>> cell = nf.compat.v1.nn.rnn_cell.GRUCell(4)
      >>> helper = seq2seq.TrainingHelper(nf.ones([2, 5, 3]), [5, 2])
      >>> decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, nf.float32))
      >>> outputs, state, lengths = seq2seq.dynamic_decode(decoder)
      >>> outputs.rnn_output.shape, state.shape, lengths.numpy().tolist()
      (TensorShape([2, 5, 4]), TensorShape([2, 4]), [5, 2])
    """
    op = "dynamic_decode"
    if not isinstance(decoder, Decoder):
        raise TypeError(explain(op, f"decoder is no Decoder, but {type(decoder).__name__}"))
    impute = plain.flag(impute_finished, op, "impute_finished")
    time_major = plain.flag(output_time_major, op, "output_time_major")
    if impute and decoder.tracks_own_finished:
        problem = "impute_finished, where a decoder's sequences change their places"
        raise ValueError(explain(op, problem, {"decoder": type(decoder).__name__}))
    most = _most(op, maximum_iterations)
    whole = None if kwargs else decoder.at_once(most, impute)
    outputs, state, lengths = whole or _looped(op, decoder, most, impute, kwargs)
    outputs, state = decoder.finalize(outputs, state, lengths)
    if not time_major:
        outputs = nest.map_structure(_turned, outputs)
    return outputs, state, lengths


def _looped(
    op: str, decoder: Decoder, most: Tensor | None, impute: bool, kwargs: dict[str, Any]
) -> tuple[Any, Any, Any]:
    """(outputs [steps, batch, ...], the last state, lengths), step by step."""
    finished, inputs, state = decoder.initialize(**kwargs)
    done = as_tensor(finished, None, op, "finished")
    if not done.dtype.is_bool or not done.spec.rank:
        raise ShapeError(explain(op, "finished is bool [batch]", {"finished": done.spec}))
    arrays = _arrays(op, decoder, done.spec.shape[0])
    zero = as_tensor(0, dtypes.int32)
    lengths = shaping.zeros(done.spec.shape, dtypes.int32)
    inputs, state = (_tensors(x) for x in (inputs, state))
    bound = most if most is not None else decoder.most_steps
    if bound is not None and not isinstance(bound, Tensor):
        bound = shaping.size_tensor(bound, dtypes.int64)
    counted = most is not None and _bytes(arrays) * _known(most) > RESERVED
    if counted:  # the loop is not to know how long it may be
        bound = None
        done = selections.logical_or(done, comparisons.less_equal(most, 0))

    def body(time: Any, arrays: Any, state: Any, inputs: Any, done: Any, lengths: Any) -> Any:
        outputs, after, following, ended = decoder.step(time, inputs, state)
        outputs, after = _tensors(outputs), _tensors(after)
        nest.assert_same_structure(arrays, outputs)
        if impute:
            outputs = nest.map_structure(lambda y: _chosen(done, shaping.zeros_like(y), y), outputs)
            after = nest.map_structure(lambda old, new: _chosen(done, old, new), state, after)
        arrays = nest.map_structure(lambda a, y: a.write(time, y), arrays, outputs)
        if not decoder.tracks_own_finished:
            ended = selections.logical_or(ended, done)
        if counted:
            ended = selections.logical_or(ended, comparisons.greater_equal(time + 1, most))
        return time + 1, arrays, after, following, ended, selections.where(done, lengths, time + 1)

    def going(time: Any, arrays: Any, state: Any, inputs: Any, done: Any, lengths: Any) -> Any:
        return selections.logical_not(reductions.reduce_all(done))

    start = (zero, arrays, state, inputs, done, lengths)
    _, arrays, state, _, _, lengths = while_loop(going, body, start, maximum_iterations=bound)
    return nest.map_structure(lambda a: a.stack(), arrays), state, lengths


def _bytes(arrays: Any) -> int:
    """How much a step's outputs take, as far as their sizes are known."""
    shapes = [(a.dtype, tuple(a.element_shape.as_list())) for a in nest.flatten(arrays)]
    known = [(d, s) for d, s in shapes if all(isinstance(n, int) for n in s)]
    return sum(d.size * math.prod(s) for d, s in known)


def _known(most: Tensor) -> int:
    """A number of steps, 0 where only the program knows it."""
    content = known_content(most)
    number = 0 if content is None else content.reshape(-1)[0]
    return number if isinstance(number, int) else 0


def _most(op: str, given: Any) -> Tensor | None:
    """maximum_iterations as a scalar."""
    if given is None:
        return None
    most = as_tensor(given, None, op, "maximum_iterations")
    shown = {"maximum_iterations": most.spec}
    if most.spec.rank or not most.dtype.is_integer:
        raise ShapeError(explain(op, "maximum_iterations is an integer scalar", shown))
    if _known(most) < 0:
        raise InvalidArgumentError(explain(op, f"maximum_iterations is {_known(most)}"))
    return most


def _arrays(op: str, decoder: Decoder, batch: Extent) -> Any:
    """A TensorArray for each part of the outputs."""
    kinds = nest.flatten(decoder.output_dtype)
    sizes = _flat(decoder.output_size)
    if len(kinds) != len(sizes):
        shown = {"output_dtype": decoder.output_dtype, "output_size": decoder.output_size}
        raise ValueError(explain(op, "output_size and output_dtype differ in structure", shown))
    made = [
        TensorArray(kind, size=0, dynamic_size=True, element_shape=(batch, *size))
        for kind, size in zip(kinds, sizes, strict=True)
    ]
    return nest.pack_sequence_as(decoder.output_dtype, made)


def _flat(size: Any) -> list[tuple[Extent, ...]]:
    """The shapes in a structure of sizes: a number is an axis, a TensorShape several."""
    if isinstance(size, int):
        return [(size,)]
    if hasattr(size, "as_list"):
        return [tuple(size.as_list())]
    if not isinstance(size, dict | list | tuple):
        problem = f"output_size has {size!r}, which is no number and no TensorShape"
        raise TypeError(explain("dynamic_decode", problem))
    parts = [size[k] for k in sorted(size)] if isinstance(size, dict) else size
    return [shape for part in parts for shape in _flat(part)]


def _tensors(structure: Any) -> Any:
    return nest.map_structure(
        lambda x: x if isinstance(x, TensorArray) else as_tensor(x), structure
    )


def _chosen(done: Tensor, old: Any, new: Any) -> Any:
    """old where a sequence is finished, else new; scalars and TensorArrays go on."""
    if isinstance(new, TensorArray) or not new.spec.rank:
        return new
    ones = (1,) * (new.spec.rank - done.spec.rank)
    return selections.where(shaping.reshape(done, (*done.spec.shape, *ones)), old, new)


def _turned(x: Any) -> Any:
    """Steps and batch exchanged."""
    if isinstance(x, TensorArray) or x.spec.rank < 2:
        return x
    return shaping.transpose(x, (1, 0, *range(2, x.spec.rank)))
