"""Ops at once: tensors that hold values, variables, and the tape."""
