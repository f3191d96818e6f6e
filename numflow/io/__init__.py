"""Files: checkpoints of numflow, TensorFlow and safetensors.

    damage.py          how a reader refuses a file
    crc32c.py          the checksum
    arrays.py          names of element types in files; tensors as bytes, bytes as tensors
    checkpoint.py      write and read numflow's container, NFC1
    header.py          what the head of a container may say
    shards.py          a checkpoint in several files
    safetensors.py     read and write safetensors
    protobuf.py        messages of protobuf, field by field
    tf_table.py        the sorted table in TensorFlow's checkpoints
    tf_checkpoint.py   read TensorFlow's V1 and V2 checkpoints

Every reader takes the file for hostile: nothing in it runs code, every length is compared with the
bytes that are there before it is used, and what does not fit is a `DataLossError` that names file
and reason. What follows from variables and objects is in numflow/checkpointing/.
"""
