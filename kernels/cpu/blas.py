"""The BLAS that NumPy has loaded anyway, by address: the fall-back for what our own kernels lack.

Found through NumPy's own extension module in 0.3 ms, without a second library or thread pool
(SciPy's interface costs 200 to 280 ms and brings both). Its threads must be one while a program
runs: two pools that spin on the same cores cost 15x.
"""

from __future__ import annotations

import ctypes
import functools
import importlib
import warnings
from collections.abc import Callable
from typing import NamedTuple


class BlasWarning(UserWarning):
    """NumPy's BLAS cannot be reached; only numflow's own kernels multiply matrices."""


class Blas(NamedTuple):
    """Addresses of cblas functions, and the switch for the number of threads.

    sgemm, dgemm: (order, transa, transb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc).
    wide: sizes are 64-bit integers (else 32).
    """

    sgemm: int
    dgemm: int
    wide: bool
    set_num_threads: Callable[[int], object]


# (prefix, suffix) of exported names: wheels of NumPy, other builds of OpenBLAS, any other BLAS.
_SPELLINGS = (("scipy_", "64_"), ("", "64_"), ("scipy_", ""), ("", ""))


@functools.cache
def blas() -> Blas | None:
    """NumPy's BLAS; None, with a BlasWarning the first time, if it cannot be reached."""
    try:
        # Symbols are looked up in the libraries that the module depends on, too.
        module = importlib.import_module("numpy._core._multiarray_umath")
        library = ctypes.CDLL(module.__file__)
    except (ImportError, OSError):
        library = None
    for prefix, suffix in _SPELLINGS:
        gemm = [_address(library, f"{prefix}cblas_{letter}gemm{suffix}") for letter in "sd"]
        if all(gemm):
            name = f"{prefix}openblas_set_num_threads{suffix}"
            return Blas(gemm[0], gemm[1], suffix == "64_", _switch(library, name))
    warnings.warn(
        "numflow: this build of NumPy exports no cblas_sgemm; matrix products that numflow's own "
        "kernels do not cover are slow. NumPy from PyPI has one.",
        BlasWarning,
        stacklevel=2,
    )
    return None


def _address(library: ctypes.CDLL | None, name: str) -> int:
    function = getattr(library, name, None)
    return 0 if function is None else ctypes.cast(function, ctypes.c_void_p).value or 0


def _switch(library: ctypes.CDLL | None, name: str) -> Callable[[int], object]:
    """The function that sets the number of threads; a BLAS without one is left as it is."""
    function = getattr(library, name, None)
    if function is None:
        return lambda threads: None
    function.argtypes, function.restype = [ctypes.c_int], None
    switch: Callable[[int], object] = function
    return switch
