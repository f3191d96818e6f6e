"""What can be said: one block per op, one file per family. README.md shows how to add one."""
