"""Every public op with one argument spoiled: it works, or says what is wrong.

    python -m tests.robust.bad_inputs                       # all of it: an hour on one core
    python -m tests.robust.bad_inputs --mode eager          # 80 s
    python -m tests.robust.bad_inputs --match '^strings' --mode argument
    python -m tests.robust.bad_inputs --one-of 100 --seed 7
    python -m tests.robust.bad_inputs --mode argument --twins

`calls.py` finds a right call of every op; here each of its arguments is replaced, one at a time, by
what breaks frameworks: wrong ranks, dtypes and lengths, None, text, objects, NaN, infinities,
numbers beyond 32 and 64 bits, negative and huge counts, nothing at all, places out of range. Modes:

    eager       f(*bad)
    constant    in a function, the spoiled argument a constant of the trace
    argument    in a function, as a tensor whose elements, and sizes where ranks agree, are known
                to the program only when it runs
    gradient    eager, a tape watching
    compiled    the gradient in a function

Each call must return, or raise TensorFlow's kind of exception in the words of `errors.explain`,
within 2 seconds and little memory: calls run in a child process with a limit on its address space,
so what asks for gigabytes fails; a child that dies or hangs is a finding, and another goes on.

--twins compares what a program gives with the same call eagerly. It finds what is checked eagerly
alone: to be looked at, since TensorFlow too leaves some of it to eager code (a hue beyond 1).
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import inspect
import io
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
import warnings
import zlib
from typing import Any, NamedTuple

import numpy as np

import numflow as nf
from numflow.errors import InternalError, OpError, in_numflow
from tests.robust.arguments import Given, Made
from tests.robust.calls import Call, calls, without_a_call
from tests.robust.spoiled import SPOILED, STRANGE, numbers_of

MODES = ("eager", "constant", "argument", "gradient", "compiled")
MOST_SECONDS = 2.0
MOST_MEMORY = 3 << 30  # beyond what a child has at its start
_OF_ONE_CHILD = 5000
HANG = 30.0  # seconds without a call that ends


class Trial(NamedTuple):
    """One call: of which op, in which mode, what became of which argument."""

    call: Call
    mode: str
    where: int | str
    what: str

    @property
    def name(self) -> str:
        return f"{self.call.name} | {self.mode} | argument {self.where} | {self.what}"


def trials(modes: tuple[str, ...] = MODES, match: str = "") -> list[Trial]:
    """All that apply."""
    out = []
    for call in calls():
        if not re.search(match, call.name):
            continue
        for where in call.parameters():
            right = _argument(call, where)
            if isinstance(right, Given):
                continue
            spoiled = list(SPOILED) if numbers_of(right) is not None else []
            for mode in modes:
                strange = list(STRANGE)
                if mode in ("gradient", "compiled"):
                    strange = [s for s in strange if "tensor" in s or "axes" in s or s in _FEW]
                if mode == "argument":
                    strange = [s for s in strange if "tensor" in s or "axes" in s or s in _TENSORS]
                out += [Trial(call, mode, where, what) for what in strange + spoiled]
    return out


_FEW = ("None", "nan", "-1", "0", "2**31", "2**62", "[]", "[-1]", "slices", "1e30")
_TENSORS = (
    "nan",
    "-1",
    "0",
    "7",
    "-inf",
    "1e30",
    "2**31",
    "2**62",
    "[-1]",
    "[0, 0]",
    "[-5, 2]",
    "True",
)


def _argument(call: Call, where: int | str) -> Any:
    return call.args[where] if isinstance(where, int) else call.kwargs[where]


def made(value: Any) -> Any:
    """An argument, as the op gets it."""
    if isinstance(value, Made):
        return value.make()
    if isinstance(value, np.ndarray):
        return nf.constant(value)
    return [made(v) for v in value] if isinstance(value, list) else value


def _bad(trial: Trial) -> Any:
    if trial.what in STRANGE:
        return STRANGE[trial.what]()
    right = _argument(trial.call, trial.where)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        array = SPOILED[trial.what](numbers_of(right))
    tensor = isinstance(right, np.ndarray) or array.dtype.kind == "f"
    return nf.constant(array) if tensor else array.tolist()


# --- a call --------------------------------------------------------------------------


def attempt(trial: Trial) -> Any:
    """The call; what it raises goes up."""
    call, bad = trial.call, _bad(trial)
    args = [made(a) if k != trial.where else bad for k, a in enumerate(call.args)]
    kwargs = {k: made(a) if k != trial.where else bad for k, a in call.kwargs.items()}
    if trial.mode == "tensor":
        where = trial.where
        if isinstance(where, int):
            args[where] = nf.convert_to_tensor(bad)
        else:
            kwargs[where] = nf.convert_to_tensor(bad)
    if trial.mode in ("eager", "tensor"):
        return call.function(*args, **kwargs)
    if trial.mode == "constant":
        return nf.function(lambda: _tensors(call.function(*args, **kwargs)))()
    if trial.mode == "argument":
        return _run_time(trial, args, kwargs)
    floats, places = [], []
    for k, a in enumerate(args):
        if isinstance(a, nf.Tensor) and a.dtype.is_floating:
            floats.append(a)
            places.append(k)

    def gradient(*values: Any) -> Any:
        given = list(args)
        for k, v in zip(places, values, strict=True):
            given[k] = v
        with nf.GradientTape() as tape:
            tape.watch(list(values))
            out = call.function(*given, **kwargs)
        ys = [y for y in nf.nest.flatten(out) if isinstance(y, nf.Tensor) and y.dtype.is_floating]
        return _tensors(out), tape.gradient(ys, list(values)) if ys and values else None

    return (nf.function(gradient) if trial.mode == "compiled" else gradient)(*floats)


def _tensors(out: Any) -> Any:
    """What a function may return."""
    return None if isinstance(out, nf.Operation | nf.DType) or inspect.isfunction(out) else out


def _run_time(trial: Trial, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """In a program that knows dtype and rank of the spoiled argument, not what it holds."""
    where = trial.where
    bad = args[where] if isinstance(where, int) else kwargs[where]
    try:
        value = nf.convert_to_tensor(bad)
    except (ValueError, TypeError):
        raise ValueError("argument: no tensor; mode constant has it") from None

    def run(v: Any) -> Any:
        if isinstance(where, int):
            return _tensors(trial.call.function(*args[:where], v, *args[where + 1 :], **kwargs))
        return _tensors(trial.call.function(*args, **{**kwargs, where: v}))

    right = numbers_of(_argument(trial.call, where))
    unknown = right is not None and right.ndim == len(value.shape) and right.ndim > 0
    shape = [None] * right.ndim if unknown else list(value.shape)
    return nf.function(run, input_signature=[nf.TensorSpec(shape, value.dtype)])(value)


def judged(trial: Trial, error: BaseException | None, seconds: float) -> str:
    """What is wrong with the answer; empty for nothing."""
    if seconds > MOST_SECONDS:
        kind = "" if error is None else f", {type(error).__name__}: {str(error)[:80]}"
        return f"took {seconds:.1f} s{kind}"
    if error is None:
        return ""
    text = str(error)
    first = text.split("\n")[0][:160]
    where = _own_line(error)
    if isinstance(error, InternalError) or not isinstance(
        error, OpError | ValueError | TypeError | RuntimeError
    ):
        return f"{type(error).__name__}: {first} ({where})"
    if isinstance(error, RecursionError | UnicodeError):
        return f"{type(error).__name__}: {first} ({where})"
    if isinstance(error, TypeError) and re.match(r"[\w.<>]+\(\) ", text):
        return ""  # Python's own words about a call
    if isinstance(error, NotImplementedError) and not isinstance(error, OpError):
        return f"{type(error).__name__}: {first} ({where})"
    if trial.call.name.startswith("debugging.") and isinstance(error, OpError):
        return ""  # asserts say first what they were given to say
    if not re.match(r"[A-Za-z_<][\w. ]*(\[.*\])?: ", first):
        return f"unexplained {type(error).__name__}: {first} ({where})"
    return ""


def compared(trial: Trial, result: Any) -> str:
    """What differs from what the same call gives eagerly; empty for nothing.

    A program that computes what eager code refuses reads what is not its own.
    """
    if _is_random(trial.call.name):
        return ""
    try:
        with np.errstate(all="ignore"):
            want = attempt(trial._replace(mode="tensor" if trial.mode == "argument" else "eager"))
    except Exception as e:
        first = str(e).split("\n")[0][:100]
        return f"a program computes what eager code refuses: {type(e).__name__}: {first}"
    pairs = zip(nf.nest.flatten(result), nf.nest.flatten(want), strict=False)
    for k, (a, b) in enumerate(pairs):
        if not (isinstance(a, nf.Tensor) and isinstance(b, nf.Tensor)):
            continue
        if a.shape != b.shape or a.dtype is not b.dtype:
            return f"output {k} is {a.dtype.name} {a.shape}, eagerly {b.dtype.name} {b.shape}"
        if a.dtype is nf.string:
            if not np.array_equal(np.asarray(a.numpy()), np.asarray(b.numpy())):
                return f"output {k} differs from the eager one"
            continue
        x, y = (np.asarray(v.numpy()).astype(np.complex128) for v in (a, b))
        with np.errstate(all="ignore"):
            scale = np.max(np.abs(y), initial=0.0, where=np.isfinite(y))
            near = np.isclose(x, y, 2e-2, 2e-3 * (1 + scale), equal_nan=True)
        if not np.all(near | ~(np.isfinite(x) | np.isfinite(y))):
            return f"output {k} differs from the eager one"
    return ""


def _is_random(name: str) -> bool:
    return bool(re.search("random|Generator|dropout|sampler|glimpse|sampled|nce|fractional", name))


def _own_line(error: BaseException) -> str:
    """The line of numflow's that raised it, or called what did."""
    found = ""
    trace = error.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if in_numflow(path):
            found = f"{path.rpartition('/numflow/')[2]}:{trace.tb_lineno}"
        trace = trace.tb_next
    return found


# --- children ------------------------------------------------------------------------


def _child(numbers: list[int], modes: tuple[str, ...], match: str, twins: bool, out: str) -> None:
    faulthandler.enable()
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    all_trials = trials(modes, match)
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MOST_MEMORY,) * 2)
    with open(out, "a", buffering=1) as log, contextlib.redirect_stdout(io.StringIO()):
        parent = os.getppid()
        for k in numbers:
            if os.getppid() != parent:
                os._exit(1)  # nobody waits any more
            trial = all_trials[k]
            log.write(f"{k}\n")
            begun = time.process_time()  # other programs may take the processor
            error: BaseException | None = None
            try:
                result = attempt(trial)
            except Exception as e:
                error = e
            seconds = time.process_time() - begun
            problem = judged(trial, error, seconds)
            if twins and not problem and error is None and trial.mode in ("constant", "argument"):
                problem = compared(trial, result)
            result = None
            if problem:
                log.write(json.dumps([k, problem]) + "\n")
            error = None
            resident = int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
            if resident > MOST_MEMORY // 2:
                log.write(f"again {k}\n")  # what was compiled fills the child: another goes on
                os._exit(0)
        log.write("end\n")


def findings(
    chosen: list[int],
    modes: tuple[str, ...],
    match: str = "",
    twins: bool = False,
    progress: bool = False,
) -> list[str]:
    """What is wrong with the trials of those numbers (in `trials(modes, match)`), a line each.

    twins: compare what programs compute with eager code.
    progress: print them as they come.
    """
    all_trials = trials(modes, match)
    found: list[str] = []
    waiting = list(chosen)
    while waiting:
        lines, words = _run_child(waiting[:_OF_ONE_CHILD], modes, match, twins)
        new: list[str] = []
        last = -1
        for line in lines:
            if line.startswith("["):
                k, problem = json.loads(line)
                new.append(f"{all_trials[k].name}: {problem}")
            elif line.isdigit():
                last = int(line)
        if not lines or not lines[-1].startswith(("end", "again")):
            name = all_trials[last].name if last >= 0 else "before the first call"
            new.append(f"{name}: {words}")
        waiting = waiting[waiting.index(last) + 1 :] if last >= 0 else []
        found += new
        if progress:
            print("\n".join(new), flush=True)
            print(f"{len(waiting)} to go, {len(found)} findings", file=sys.stderr, flush=True)
    return found


def _run_child(
    numbers: list[int], modes: tuple[str, ...], match: str, twins: bool
) -> tuple[list[str], str]:
    """(the lines of its log, how it ended)."""
    with tempfile.TemporaryDirectory(prefix="numflow_bad_inputs") as folder:
        log, said = os.path.join(folder, "log"), os.path.join(folder, "stderr")
        open(log, "w").close()
        with open(said, "w") as errors:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.robust.bad_inputs", "--child", "-"],
                stdin=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), *sys.path])},
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps([numbers, list(modes), match, twins, log]))
            process.stdin.close()
            ended = _watched(process, log)
        how = f"exit code {process.returncode}: {open(said).read()[-600:]}" if ended else "hangs"
        return open(log).read().splitlines(), how


def _watched(process: subprocess.Popen[str], path: str) -> bool:
    """Waits for its end: False if it had to be killed, since no call ended."""
    size, since = -1, time.monotonic()
    while True:
        try:
            process.wait(0.2)
            return True
        except subprocess.TimeoutExpired:
            now = os.path.getsize(path)
            if now != size:
                size, since = now, time.monotonic()
            elif time.monotonic() - since > HANG:
                process.kill()
                process.wait()
                return False


def sampled(one_of: int, seed: int, modes: tuple[str, ...], match: str = "") -> list[int]:
    """Numbers of about one trial of so many: the same ones, whatever other ops there are."""
    named = enumerate(trials(modes, match))
    return [k for k, t in named if zlib.crc32(t.name.encode()) % one_of == seed % one_of]


def main(argv: list[str] | None = None) -> int:
    """From the command line: prints what is wrong, a line each; the exit code is 1 if anything."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--mode", choices=[*MODES, "all"], default="all")
    parser.add_argument("--match", default="", help="a regular expression of ops' names")
    parser.add_argument("--one-of", type=int, default=1, help="run one call of so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--missing", action="store_true", help="ops that calls.py lacks")
    parser.add_argument("--twins", action="store_true", help="compare programs with eager code")
    parser.add_argument("--child", default="", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    if options.child:
        numbers, modes, match, twins, path = json.loads(sys.stdin.read())
        _child(numbers, tuple(modes), match, twins, path)
        return 0
    if options.missing:
        print("\n".join(without_a_call()))
        return 0
    modes = MODES if options.mode == "all" else (options.mode,)
    total = len(trials(modes, options.match))
    chosen = sampled(options.one_of, options.seed, modes, options.match)
    found = findings(chosen, modes, options.match, options.twins, progress=True)
    print(f"{len(chosen)} calls of {total}, {len(found)} findings")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
