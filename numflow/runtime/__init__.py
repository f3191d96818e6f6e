"""Program -> results: plans for concrete shapes, and the machinery that runs them.

From below: `pool.py` (threads), `arena.py` (memory), `executor.py` (the loop over instructions),
`native.py` and `entry.py` (one call from Python that checks its arguments and runs a program).
"""
