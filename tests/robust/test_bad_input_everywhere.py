"""Every public op with one argument spoiled, in all modes: a fixed sample of bad_inputs.py.

All of it, an hour on one core: `python -m tests.robust.bad_inputs`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import numflow as nf
from tests.robust import bad_inputs, calls

ONE_OF = 300


def test_ops_have_a_call() -> None:
    """All but the newest few: the command line names those that have none."""
    missing = calls.without_a_call()
    assert len(missing) < 20, f"{missing} need a line in tests/robust/calls_*.py"


def test_right_calls_are_right() -> None:
    """What is spoiled works before."""
    for call in calls.calls():
        args = [bad_inputs.made(a) for a in call.args]
        kwargs = {k: bad_inputs.made(a) for k, a in call.kwargs.items()}
        try:
            call.function(*args, **kwargs)
        except Exception as e:  # which of 500 it was
            raise AssertionError(f"{call.name}: {e}") from e


@pytest.mark.filterwarnings("ignore")
def test_bad_input_is_explained() -> None:
    """The same sample in every run: no crash, no hang, no gigabytes, no words of Python's."""
    chosen = bad_inputs.sampled(ONE_OF, 4, bad_inputs.MODES)
    found = bad_inputs.findings(chosen, bad_inputs.MODES)
    assert not found, "\n".join(found)


# --- what was found once ------------------------------------------------------------


def test_padding_of_run_time_sizes_stays_inside() -> None:
    """An image that is not inside of its frame was written behind it."""
    image = np.ones((5, 7, 3), np.float32)
    spec = nf.TensorSpec([], nf.int32)
    run = nf.function(
        lambda at, rows: nf.image.pad_to_bounding_box(image, at, 2, rows, 11),
        input_signature=[spec, spec],
    )
    assert run(1, 8).shape == (8, 11, 3)
    for at, rows in ((7, 8), (2**31 - 1, 8), (1, 3), (-1, 8)):
        with pytest.raises(nf.errors.ShapeError, match="pad: "):
            run(at, rows)
    assert run(3, 8).shape == (8, 11, 3)
    pad = nf.function(
        lambda p: nf.pad([1.0, 2.0], p), input_signature=[nf.TensorSpec([1, 2], "int32")]
    )
    assert pad([[1, 1]]).numpy().tolist() == [0, 1, 2, 0]
    for wrong in ([[-1, 3]], [[3, -1]]):
        with pytest.raises(nf.errors.ShapeError, match="pad: "):
            pad(wrong)


def test_memory_that_nobody_reads_is_not_touched() -> None:
    """2 GB of zeros, and a sum into them, cost no second."""
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    zeros = nf.zeros([1 << 29])
    sums = nf.scatter_nd([[3]], [1.0], [1 << 29])
    assert zeros.shape == sums.shape
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # kB


@pytest.mark.parametrize(
    ("call", "kinds"),
    [
        (lambda: nf.linalg.band_part(nf.zeros([2, 3]), 3, 0), ValueError),
        (lambda: nf.linalg.band_part(nf.zeros([2, 3]), -3, 4), ValueError),
        (lambda: nf.add_n(["a", "b"]), TypeError),
        (lambda: nf.math.accumulate_n([[1, 2]], shape=[3]), ValueError),
        (lambda: nf.range(0, 3, -1), nf.errors.InvalidArgumentError),
        (lambda: nf.range(0, 3, -1), ValueError),
        (lambda: nf.constant([1, 2], shape=[3]), TypeError),
        (lambda: nf.zeros(None), ValueError),
        (lambda: nf.zeros("a"), TypeError),
        (lambda: nf.constant(1 << 70), ValueError),
        (lambda: nf.argmax([1.0], []), TypeError),
        (lambda: nf.strings.to_hash_bucket("a", 1 << 63), nf.errors.InvalidArgumentError),
    ],
)
def test_kinds_are_tensorflows(call: Any, kinds: Any) -> None:
    """What TensorFlow raises is caught by the same clause, and is an InvalidArgumentError too."""
    with pytest.raises(kinds) as caught:
        call()
    assert isinstance(caught.value, nf.errors.InvalidArgumentError)


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(
    ("given", "kind", "text"),
    [
        (lambda ct: nf.zeros([7]), nf.errors.ShapeError, "gradient 0 has not the shape"),
        (lambda ct: nf.constant([1, 2, 3]), nf.errors.DTypeError, "gradient 0 is int32"),
        (lambda ct: "a", nf.errors.DTypeError, "gradient 0 is string"),
        (lambda ct: (ct, ct), ValueError, "gives 2 gradients for 1 arguments"),
        (None, nf.errors.ArgumentError, "its result and a function of gradients"),
    ],
)
def test_gradients_of_users_fit(given: Any, kind: Any, text: str, compiled: bool) -> None:
    """What a custom gradient gives is no number of another tensor."""
    double = nf.custom_gradient(lambda x: (x * 2.0, given))

    def gradient() -> Any:
        x = nf.constant([1.0, 2.0, 3.0])
        with nf.GradientTape() as tape:
            tape.watch(x)
            y = double(x)
        return tape.gradient(y, x)

    with pytest.raises(kind, match=f"custom_gradient: .*{text}"):
        nf.function(gradient)() if compiled else gradient()


def test_lengths_that_meet_at_run_time_are_compared() -> None:
    """Each of these read behind the shorter one."""
    pictures = np.ones((2, 5, 7, 3), np.float32)
    boxes = np.array([[0.0, 0.0, 0.5, 1.0]], np.float32)
    crop = nf.function(
        lambda which: nf.image.crop_and_resize(pictures, boxes, which, [3, 2]),
        input_signature=[nf.TensorSpec([None], nf.int32)],
    )
    assert crop([1]).shape == (1, 3, 2, 3)
    frames = np.zeros((4, 2, 3), np.float32)
    loss = nf.function(
        lambda lengths: nf.nn.ctc_loss([[1, 2], [1, 0]], frames, lengths, [4, 3], blank_index=0),
        input_signature=[nf.TensorSpec([None], nf.int32)],
    )
    assert loss([2, 1]).shape == (2,)
    attend = nf.function(
        lambda x, y, z: nf.nn.scaled_dot_product_attention(x, y, z),
        input_signature=[nf.TensorSpec([None, None, 4])] * 3,
    )
    query, keys = np.ones((2, 3, 4), np.float32), np.ones((2, 5, 4), np.float32)
    assert attend(query, keys, keys).shape == (2, 3, 4)
    for more in (np.ones((2, 6, 4), np.float32), np.ones((1, 5, 4), np.float32)):
        with pytest.raises(nf.errors.ShapeError, match=r"reshape: .* elements do not become"):
            attend(query, keys, more)
    for call, wrong in ((crop, [0, 1]), (crop, []), (loss, [1]), (loss, [1, 1, 1])):
        with pytest.raises(nf.errors.ShapeError, match=r"reshape: .* elements do not become"):
            call(np.array(wrong, np.int32))
