"""Kernels, and what they need to run alone: argument block, compiler, object cache.

Nothing here knows of the framework. Import it as `numflow.kernels`, read `README.md` in this
folder, then `abi.py`.
"""
