"""Derivatives of graphs: reverse mode (vjp.py)."""
