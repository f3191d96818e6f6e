"""From a Python function to a graph: the tracer, and what decides whether a trace fits a call."""
