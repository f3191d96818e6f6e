"""Graph to graph, one file per pass; pipeline.py is the ordered list."""
