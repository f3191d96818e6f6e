"""Where native code finds things: words of records and entries, fields of Python's objects.

`native.py` measures that objects look like this in memory.
"""

from __future__ import annotations

# A record: a program and what belongs to one call of it at a time. executor.py reads the first
# eight words. R_CELL_TABLE has a row per variable, in order of address:
#   {cell, number of slots, address of slots, is it written, form or -1, lock taken, array held, -}
# R_WRITES counts those that are written; R_COUNTS: reference counts can be read; R_REFUSAL: the
# error word of the last call that a kernel refused.
R_BUSY, R_IMAGE, R_COUNT, R_FIRST_WRITE, R_CONTEXT, R_LAUNCH, R_POOL, R_LONG = range(8)
R_CELLS, R_CELL_TABLE, R_WRITES, R_COUNTS, R_REFUSAL = range(8, 13)
RECORD_WORDS = 16
CELL_WORDS = 8

# An entry: how objects become operands of a record. Tables, with a row per argument, array that is
# always the same, and result:
#   E_GUARDS   {kind, dtype object or constant, number of dims, dims, number of slots, slots, -, -}
#   E_FIXED    {address of data, number of slots, slots, -}
#   E_RESULTS  {number of slots, slots, kept tensor, another, which is replaced next, list that
#               holds them or 0, function that makes one, result of the call going on}
# E_FORM: what is returned. E_IDLE: a list that must be empty for `fast`.
E_RECORD, E_ARGUMENTS, E_GUARDS, E_FIXED, E_FIXED_TABLE, E_RESULTS, E_RESULT_TABLE = range(7)
E_TENSOR_TYPE, E_TENSOR_SLOT, E_TENSOR_WEAK = range(7, 10)
E_FORM, E_PACK, E_IDLE, E_MISS, E_REFUSED = range(10, 15)
ENTRY_WORDS = 16
GUARD_WORDS, FIXED_WORDS, RESULT_WORDS = 8, 4, 8

KIND_ARRAY, KIND_NUMBER, KIND_CONSTANT = range(3)
FORM_NONE, FORM_ONLY, FORM_TUPLE, FORM_LIST = range(4)

MISMATCH = -1

# Offsets in bytes: PyObject.ob_type, PyVarObject.ob_size, fields of PyArrayObject and of
# PyArray_Descr; the value of a NumPy scalar and of a float.
TYPE, SIZE = 8, 16
DATA, NDIM, DIMS, BASE, DESCR, FLAGS, WEAK = 16, 24, 32, 48, 56, 64, 72
SCALAR, ORDER = 16, 26
VALUE = 16
CONTIGUOUS_ALIGNED = 0x1 | 0x100
