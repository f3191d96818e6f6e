"""Checkpoints of objects: variables, optimizers, and what contains them.

    objects.py      what an object consists of, and under which names
    sources.py      a checkpoint file of any known format, as values by object path
    restore.py      values on their way to objects; the report of what did not fit
    checkpoint.py   train.Checkpoint
    manager.py      train.CheckpointManager: which checkpoints are kept
    state.py        the list of kept checkpoints in a folder; latest_checkpoint
    reading.py      train.load_checkpoint and its like

The containers themselves are in numflow/io/.
"""
