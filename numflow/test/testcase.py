"""TestCase: unittest's, with assertions about tensors, arrays and structures of them."""

from __future__ import annotations

import random as python_random
import re
import tempfile
import threading
import unittest
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from numflow import dtypes, nest
from numflow.devices import DeviceSpec
from numflow.errors import InvalidArgumentError, OpError
from numflow.graph.tensor import Tensor
from numflow.ops import random_state

Array = npt.NDArray[Any]
SEED = 87654321


def _array(x: Any) -> Array:
    """x as an array, bfloat16 as float32: NumPy's comparisons know that."""
    found = np.asarray(x.numpy() if isinstance(x, Tensor) or hasattr(x, "_as_tensor") else x)
    return found.astype(np.float32) if found.dtype == dtypes.bfloat16.numpy else found


class TestCase(unittest.TestCase):
    """unittest.TestCase with assertions about tensors. Each test begins with the same seeds.

    Example:
      >>> class SquareTest(nf.test.TestCase):
      ...     def test_square(self):
      ...         self.assertAllClose(nf.square([1.0, 3.0]), [1.0, 9.0])
      >>> SquareTest("test_square").run().wasSuccessful()
      True
    """

    __test__ = False  # it is no test itself; those made of it are

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__test__" not in cls.__dict__:
            cls.__test__ = True

    def setUp(self) -> None:
        """Seed Python's, NumPy's and numflow's random numbers."""
        python_random.seed(SEED)
        np.random.seed(SEED)  # noqa: NPY002  tests of old call what it seeds
        random_state.set_seed(SEED)

    def get_temp_dir(self) -> str:
        """A folder of this test, removed behind it."""
        found: str | None = getattr(self, "_folder", None)
        if found is None:
            folder = tempfile.TemporaryDirectory(prefix=self._testMethodName)
            self.addCleanup(folder.cleanup)
            found = self._folder = folder.name
        return found

    def evaluate(self, tensors: Any) -> Any:
        """NumPy arrays in the place of tensors and variables, in any structure."""
        return nest.map_structure(
            lambda x: x.numpy() if isinstance(x, Tensor) or hasattr(x, "_as_tensor") else x, tensors
        )

    # --- equal, close ---

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Same shape and elements; nan equals nan."""
        x, y = _array(a), _array(b)
        self._same_shape(x, y, msg)
        same = x == y
        if x.dtype.kind in "fc" and y.dtype.kind in "fc":
            same = np.logical_or(same, np.logical_and(np.isnan(x), np.isnan(y)))
        self._all(np.asarray(same), x, y, "equal", msg)

    def assertNotAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """Another shape, or an element that differs."""
        x, y = _array(a), _array(b)
        if x.shape == y.shape and bool(np.all(x == y)):
            self.fail(self._formatMessage(msg, f"Both arrays are equal: {x}"))

    def assertAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """|a - b| <= atol + rtol * |b|, in arrays, lists and dictionaries of them."""
        self._close(a, b, rtol, atol, msg, "")

    def assertNotAllClose(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None
    ) -> None:
        """Not assertAllClose."""
        try:
            self.assertAllClose(a, b, rtol, atol)
        except AssertionError:
            return
        self.fail(self._formatMessage(msg, "The two values are close at all elements"))

    def assertAllCloseAccordingToType(
        self,
        a: Any,
        b: Any,
        rtol: float = 1e-6,
        atol: float = 1e-6,
        float_rtol: float = 1e-6,
        float_atol: float = 1e-6,
        half_rtol: float = 1e-3,
        half_atol: float = 1e-3,
        bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2,
        msg: str | None = None,
    ) -> None:
        """assertAllClose with the tolerance of the less precise dtype."""
        kinds = [getattr(getattr(x, "dtype", None), "name", "") for x in (a, b)]
        if any(k in ("float32", "complex64") for k in kinds):
            rtol, atol = max(rtol, float_rtol), max(atol, float_atol)
        if "float16" in kinds:
            rtol, atol = max(rtol, half_rtol), max(atol, half_atol)
        if "bfloat16" in kinds:
            rtol, atol = max(rtol, bfloat16_rtol), max(atol, bfloat16_atol)
        self.assertAllClose(a, b, rtol, atol, msg)

    def _close(self, a: Any, b: Any, rtol: float, atol: float, msg: str | None, path: str) -> None:
        if isinstance(a, Mapping) or isinstance(b, Mapping):
            if not (isinstance(a, Mapping) and isinstance(b, Mapping) and set(a) == set(b)):
                self.fail(self._formatMessage(msg, f"mismatched keys{path}: {a!r} vs {b!r}"))
            for k in a:
                self._close(a[k], b[k], rtol, atol, msg, f"{path}[{k!r}]")
            return
        if isinstance(a, list | tuple) and isinstance(b, list | tuple) and _holds_parts(a, b):
            if len(a) != len(b):
                self.fail(self._formatMessage(msg, f"Mismatched length{path}: {len(a)}, {len(b)}"))
            for k, (x, y) in enumerate(zip(a, b, strict=True)):
                self._close(x, y, rtol, atol, msg, f"{path}[{k}]")
            return
        x, y = _array(a), _array(b)
        self._same_shape(x, y, msg)
        same = np.isclose(x, y, rtol, atol, equal_nan=True)
        what = f"close rtol = {rtol}, atol = {atol}" + (f", at {path}" if path else "")
        self._all(np.asarray(same), x, y, what, msg)

    def _same_shape(self, x: Array, y: Array, msg: str | None) -> None:
        if x.shape != y.shape:
            problem = f"Shape mismatch: expected {x.shape}, got {y.shape}."
            self.fail(self._formatMessage(msg, problem))

    def _all(self, same: Array, x: Array, y: Array, what: str, msg: str | None) -> None:
        if same.all():
            return
        wrong = ~same
        lines = [f"not {what}", f"not close where = {np.argwhere(wrong)[:10].tolist()}"]
        lines += [f"not close lhs = {x[wrong][:10]}", f"not close rhs = {y[wrong][:10]}"]
        if x.dtype.kind in "fciu" and y.dtype.kind in "fciu":
            gap = np.abs(x.astype(complex) - y.astype(complex))
            lines.append(f"not close dif = {gap[wrong][:10]}")
        lines.append(f"{int(wrong.sum())} of {wrong.size} elements, dtype = {x.dtype}, {y.dtype}")
        self.fail(self._formatMessage(msg, "\n".join(lines)))

    # --- near ---

    def assertNear(self, f1: Any, f2: Any, err: float, msg: str | None = None) -> None:
        """|f1 - f2| <= err, of two numbers."""
        one, two = float(_array(f1)), float(_array(f2))
        if not (one == two or abs(one - two) <= err):
            self.fail(self._formatMessage(msg, f"{one} != {two} +/- {err}"))

    def assertArrayNear(
        self, farray1: Any, farray2: Any, err: float, msg: str | None = None
    ) -> None:
        """Sequences of one length, near in each number."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for one, two in zip(farray1, farray2, strict=True):
            self.assertNear(one, two, err, msg)

    def assertNDArrayNear(
        self, ndarray1: Any, ndarray2: Any, err: float, msg: str | None = None
    ) -> None:
        """The norm of the difference is less than err."""
        x, y = _array(ndarray1), _array(ndarray2)
        self._same_shape(x, y, msg)
        distance = float(np.linalg.norm((x - y).reshape(-1)))
        if not distance < err:
            self.fail(self._formatMessage(msg, f"Arrays are {distance} apart, not below {err}"))

    # --- bounds ---

    def assertAllGreater(self, a: Any, comparison_target: Any) -> None:
        """Each element is greater than the target."""
        self._bounded(a, lambda x: x > comparison_target, f"greater than {comparison_target}")

    def assertAllLess(self, a: Any, comparison_target: Any) -> None:
        """Each element is less than the target."""
        self._bounded(a, lambda x: x < comparison_target, f"less than {comparison_target}")

    def assertAllGreaterEqual(self, a: Any, comparison_target: Any) -> None:
        """Each element is the target or greater."""
        self._bounded(a, lambda x: x >= comparison_target, f"at least {comparison_target}")

    def assertAllLessEqual(self, a: Any, comparison_target: Any) -> None:
        """Each element is the target or less."""
        self._bounded(a, lambda x: x <= comparison_target, f"at most {comparison_target}")

    def assertAllInRange(
        self,
        target: Any,
        lower_bound: Any,
        upper_bound: Any,
        open_lower_bound: bool = False,
        open_upper_bound: bool = False,
    ) -> None:
        """Each element is between the bounds, which belong to the range unless they are open."""
        low = np.greater if open_lower_bound else np.greater_equal
        high = np.less if open_upper_bound else np.less_equal
        shown = f"{'(' if open_lower_bound else '['}{lower_bound}, {upper_bound}"
        shown += ")" if open_upper_bound else "]"
        self._bounded(target, lambda x: low(x, lower_bound) & high(x, upper_bound), f"in {shown}")

    def assertAllInSet(self, target: Any, expected_set: Iterable[Any]) -> None:
        """Each element is one of the set."""
        members = list(expected_set)
        self._bounded(target, lambda x: np.isin(x, members), f"one of {members}")

    def _bounded(self, a: Any, holds: Callable[[Array], Any], what: str) -> None:
        x = _array(a)
        good = np.asarray(holds(x))
        if not good.all():
            wrong = np.argwhere(~good)
            first = [int(i) for i in wrong[0]]
            self.fail(f"{len(wrong)} of {x.size} elements are not {what}; the first: "
                      f"element {first}, {x[tuple(first)]}")  # fmt: skip

    # --- shapes, dtypes, devices ---

    def assertShapeEqual(self, input_a: Any, input_b: Any, msg: str | None = None) -> None:
        """The same shape, of arrays or tensors."""
        shapes = [tuple(x.shape) for x in (input_a, input_b)]
        if shapes[0] != shapes[1]:
            problem = f"Shapes are not equal: {shapes[0]}, {shapes[1]}"
            self.fail(self._formatMessage(msg, problem))

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """A tensor or array of that dtype."""
        have = dtypes.as_dtype(target.dtype if hasattr(target, "dtype") else _array(target).dtype)
        want = dtypes.as_dtype(expected_dtype)
        if have is not want:
            self.fail(f"the dtype is {have.name}, not {want.name}")

    def assertDeviceEqual(self, device1: Any, device2: Any, msg: str | None = None) -> None:
        """Two names of one device."""
        one, two = (DeviceSpec.from_string(d or "") for d in (device1, device2))
        self.assertEqual(one, two, msg)

    def assertStartsWith(self, actual: Any, expected_start: Any, msg: str | None = None) -> None:
        """A text that begins so."""
        if not actual.startswith(expected_start):
            problem = f"{actual!r} does not start with {expected_start!r}"
            self.fail(self._formatMessage(msg, problem))

    def assertLen(self, container: Any, expected_len: int, msg: str | None = None) -> None:
        """So many elements."""
        if len(container) != expected_len:
            problem = f"{container!r} has length of {len(container)}, expected {expected_len}."
            self.fail(self._formatMessage(msg, problem))

    def assertEmpty(self, container: Any, msg: str | None = None) -> None:
        """No element."""
        self.assertLen(container, 0, msg)

    def assertNotEmpty(self, container: Any, msg: str | None = None) -> None:
        """An element at least."""
        if not len(container):
            self.fail(self._formatMessage(msg, f"{container!r} has length of 0."))

    # --- errors ---

    @contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: Any, expected_err_re_or_predicate: Any
    ) -> Iterator[None]:
        """An error of that type is raised, whose text matches, or that the function likes."""
        try:
            yield
        except exception_type as e:
            if callable(expected_err_re_or_predicate):
                good = bool(expected_err_re_or_predicate(e))
            else:
                text = e.message if isinstance(e, OpError) else str(e)
                good = re.search(expected_err_re_or_predicate, text) is not None
            if not good:
                raise AssertionError(f"Exception of type {type(e)}: {e}") from e
        else:
            self.fail(f"{getattr(exception_type, '__name__', exception_type)} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """An OpError is raised, whose text matches, or that the function likes."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)

    def assertRaisesIncompatibleShapesError(
        self,
        exception_type: Any = InvalidArgumentError,
        expected_message: str = r"Incompatible shapes|Dimensions must be equal|do not broadcast|"
        r"sizes differ|shapes",
    ) -> Any:
        """Shapes that do not fit are refused."""
        return self.assertRaisesWithPredicateMatch(
            (ValueError, exception_type), re.compile(expected_message, re.IGNORECASE)
        )

    # --- threads ---

    def checkedThread(
        self, target: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> CheckedThread:
        """A thread whose error `join` raises in the test."""
        return CheckedThread(self, target, args, kwargs)


def _holds_parts(a: Any, b: Any) -> bool:
    """Whether a list or tuple holds arrays of its own, rather than the numbers of one array."""
    items = [*a, *b]
    return any(isinstance(x, Tensor | np.ndarray | Mapping) or hasattr(x, "_as_tensor")
               for x in items) or _ragged(a) or _ragged(b)  # fmt: skip


def _ragged(x: Any) -> bool:
    try:
        np.asarray(x)
    except ValueError:
        return True
    return False


class CheckedThread:
    """A thread of a test; made by TestCase.checkedThread."""

    def __init__(
        self, case: TestCase, target: Callable[..., Any], args: Any = (), kwargs: Any = None
    ) -> None:
        self._case = case
        self._error: BaseException | None = None
        self._target, self._args, self._kwargs = target, args, kwargs or {}
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._target(*self._args, **self._kwargs)
        except BaseException as e:
            self._error = e

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def join(self) -> None:
        """Wait for its end, and fail with its error if there was one."""
        self._thread.join()
        if self._error is not None:
            self._case.fail(f"Error in checkedThread: {self._error}")

    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._thread.is_alive()
