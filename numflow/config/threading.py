"""nf.config.threading: how many threads work on a kernel. Others are kept for TensorFlow's sake."""

from __future__ import annotations

from numflow.kernels.settings import settings


class _Threads:
    def __init__(self) -> None:
        self.intra = self.inter = 0
        self.started = False


_threads = _Threads()


def pool_threads() -> int:
    """Threads of a parallel kernel, the caller included: as set, else NUMFLOW_NUM_THREADS."""
    return _threads.intra or settings.threads


def pool_has_started() -> None:
    """From now on the number of threads is fixed."""
    _threads.started = True


def get_intra_op_parallelism_threads() -> int:
    """Threads that work on one kernel; 0: as many as NUMFLOW_NUM_THREADS says, or cores there are.

    Example:
      >>> nf.config.threading.get_intra_op_parallelism_threads()
      0
    """
    return _threads.intra


def set_intra_op_parallelism_threads(num_threads: int) -> None:
    """Let so many threads work on one kernel; 0: as many as there are cores.

    Raises:
      RuntimeError: the threads run already, and would be of another number.
      ValueError: a negative number, or more than 1024.

    Example:
      >>> nf.config.threading.set_intra_op_parallelism_threads(0)
    """
    wanted = _number("intra_op_parallelism_threads", num_threads)
    if _threads.started and (wanted or settings.threads) != pool_threads():
        raise RuntimeError("Intra op parallelism cannot be modified after initialization.")
    _threads.intra = wanted


def get_inter_op_parallelism_threads() -> int:
    """What set_inter_op_parallelism_threads was given; 0 before.

    Example:
      >>> nf.config.threading.get_inter_op_parallelism_threads()
      0
    """
    return _threads.inter


def set_inter_op_parallelism_threads(num_threads: int) -> None:
    """Kept and returned, without effect: a program runs one kernel at a time, on all its threads.

    Raises:
      ValueError: a negative number, or more than 1024.

    Example:
      >>> nf.config.threading.set_inter_op_parallelism_threads(0)
    """
    _threads.inter = _number("inter_op_parallelism_threads", num_threads)


def _number(name: str, value: int) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name}: an integer is wanted. Received: {value!r}")
    if not 0 <= value.__index__() <= 1024:
        raise ValueError(f"{name}: 0 to 1024 is wanted. Received: {value!r}")
    return value.__index__()
