"""The eager interpreter: dtypes of results, silence, errors."""

import contextvars
import threading

import numpy as np

import numflow as nf


def test_numpy_does_not_warn_and_keeps_its_settings() -> None:
    before = np.geterr()
    x = nf.constant([0.0, 1e38])
    assert (x / 0.0).numpy().tolist()[1] == np.inf and (x * x).numpy()[1] == np.inf
    assert np.geterr() == before
    with np.errstate(all="raise"):
        _ = x * x
        assert np.geterr()["over"] == "raise"


def test_every_thread_is_quiet() -> None:
    found: list[float] = []

    def work() -> None:
        context = contextvars.copy_context()
        context.run(lambda: found.append(float(nf.constant(1e38) * 1e38)))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert found == [np.inf] * 3


def test_numbers_keep_sign_dtype_and_kind() -> None:
    zero = nf.constant([1.0])
    assert (zero / (zero * 0.0)).numpy()[0] == np.inf
    assert (zero / (zero * -0.0)).numpy()[0] == -np.inf
    assert (zero / -0.0).numpy()[0] == -np.inf and (zero / 0.0).numpy()[0] == np.inf
    assert nf.constant(1).dtype is nf.int32 and nf.constant(1.0).dtype is nf.float32
    assert nf.constant(True).dtype is nf.bool and nf.constant(1, nf.float64).dtype is nf.float64
    assert nf.constant(2**40).dtype is nf.int64
    assert np.isnan(nf.constant(float("nan")).numpy())


def test_a_number_as_a_tensor_is_a_copy_for_its_owner() -> None:
    v = nf.Variable(3.0)
    v.assign_add(1.0)
    nf.constant(3.0).numpy()
    assert float(nf.constant(3.0)) == 3.0 and float(v) == 4.0


def test_results_have_the_promised_dtype() -> None:
    x = nf.constant([1, 2], nf.int8)
    assert (x + x).dtype is nf.int8 and nf.reduce_sum(x).dtype is nf.int8
    assert nf.executing_eagerly()
