"""tf.contrib.rnn: the cells of nf.compat.v1.nn.rnn_cell, further ones, and what runs them."""

from numflow.compat.v1.contrib.rnn.block import LSTMBlockCell, LSTMBlockFusedCell
from numflow.compat.v1.contrib.rnn.layer_norm import LayerNormBasicLSTMCell
from numflow.compat.v1.contrib.rnn.nas import NASCell
from numflow.compat.v1.contrib.rnn.stacked import (
    stack_bidirectional_dynamic_rnn,
    stack_bidirectional_rnn,
)
from numflow.compat.v1.contrib.rnn.update_gate import UGRNNCell
from numflow.compat.v1.contrib.rnn.wrappers import (
    EmbeddingWrapper,
    InputProjectionWrapper,
    OutputProjectionWrapper,
)
from numflow.compat.v1.rnn import static_bidirectional_rnn, static_rnn
from numflow.compat.v1.rnn_cell import (
    BasicLSTMCell,
    BasicRNNCell,
    DeviceWrapper,
    DropoutWrapper,
    GRUCell,
    LSTMCell,
    LSTMStateTuple,
    MultiRNNCell,
    ResidualWrapper,
    RNNCell,
)

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "EmbeddingWrapper",
    "GRUCell",
    "InputProjectionWrapper",
    "LSTMBlockCell",
    "LSTMBlockFusedCell",
    "LSTMCell",
    "LSTMStateTuple",
    "LayerNormBasicLSTMCell",
    "MultiRNNCell",
    "NASCell",
    "OutputProjectionWrapper",
    "RNNCell",
    "ResidualWrapper",
    "UGRNNCell",
    "stack_bidirectional_dynamic_rnn",
    "stack_bidirectional_rnn",
    "static_bidirectional_rnn",
    "static_rnn",
]
