"""Control flow that a trace keeps: branches, loops, and what is made of them (README.md)."""
