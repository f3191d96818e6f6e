"""Derivatives of graphs: reverse mode (vjp.py), and what targets count (cotangents.py)."""
