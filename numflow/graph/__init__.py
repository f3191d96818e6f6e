"""The data: specs, tensors, ops, graphs, the loop form. README.md tells how they fit together."""
