"""Control flow that a trace keeps: branches, loops, and what is made of them (README.md)."""

from numflow.control import gradients as gradients  # the rules of the two ops
