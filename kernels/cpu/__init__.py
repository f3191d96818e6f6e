"""Kernels for the CPU: matrix products, gather, BLAS."""
