"""numflow side by side with TensorFlow, JAX, PyTorch and NumPy: `python -m perf`, see README.md."""
