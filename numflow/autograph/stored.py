"""Converted code on disk, beside the compiled kernels: a second process need not convert again.

The key is all that makes the code what it is, its file and lines included, the sources of what
converts, and the Python that runs. The cache checks what it hands out (kernels/object_cache.py).
"""

from __future__ import annotations

import functools
import marshal
import os
import sys
from types import CodeType
from typing import Any

from numflow.kernels import object_cache
from numflow.kernels.digest import digest
from numflow.kernels.sources import digest_of

_CONVERTER = ("conversion", "functions", "jumps", "names", "rewrite", "scan", "source")


def get(code: CodeType) -> CodeType | None:
    """What was made of the code, if some process has put it."""
    body = object_cache.shared().get(_key(code))
    if body is None:
        return None
    try:
        found = marshal.loads(body)
    except (EOFError, TypeError, ValueError):
        return None
    return found if isinstance(found, CodeType) else None


def put(code: CodeType, made: CodeType) -> None:
    """Keep what was made of the code."""
    object_cache.shared().put(_key(code), marshal.dumps(made))


@functools.cache
def _versions() -> bytes:
    folder = os.path.dirname(__file__)
    sources = digest_of(os.path.join(folder, name + ".py") for name in _CONVERTER)
    return sys.version.encode() + sources


def _key(code: CodeType) -> str:
    return digest(_versions() + repr(_parts(code)).encode("utf-8", "backslashreplace")).hex()


def _parts(code: CodeType) -> tuple[Any, ...]:
    """What a code object consists of, in the same order in every process."""
    return (
        code.co_filename, code.co_firstlineno, code.co_qualname, code.co_flags, code.co_code,
        code.co_linetable, code.co_exceptiontable, code.co_names, code.co_varnames,
        code.co_freevars, code.co_cellvars, code.co_argcount, code.co_posonlyargcount,
        code.co_kwonlyargcount, [_constant(c) for c in code.co_consts],
    )  # fmt: skip


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _parts(value)
    if isinstance(value, tuple):
        return "tuple", [_constant(v) for v in value]
    if isinstance(value, frozenset):  # whose order is another one in each process
        return "frozenset", sorted(repr(v) for v in value)
    return type(value).__name__, repr(value)
