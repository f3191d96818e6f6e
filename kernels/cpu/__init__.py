"""Kernels for the CPU: matrix products, rows by index, scans, sorting, scatters."""
