"""tf.compat.v1.nn.rnn_cell: TensorFlow 1's recurrent cells.

cell(inputs, state) gives (output, new state); `zero_state(batch_size, dtype)` is what it begins
with. Weights are made at the first call, kernels [inputs + state, gates * units] as TensorFlow 1
has them. The functions of rnn.py run these cells over whole sequences in one kernel where they have
the usual activations.
"""

from numflow.compat.v1.rnn_cell.base import LSTMStateTuple, RNNCell
from numflow.compat.v1.rnn_cell.lstm import BasicLSTMCell, LSTMCell
from numflow.compat.v1.rnn_cell.simple import BasicRNNCell, GRUCell
from numflow.compat.v1.rnn_cell.stack import MultiRNNCell
from numflow.keras.rnn_wrappers import DeviceWrapper, DropoutWrapper, ResidualWrapper

__all__ = [
    "BasicLSTMCell",
    "BasicRNNCell",
    "DeviceWrapper",
    "DropoutWrapper",
    "GRUCell",
    "LSTMCell",
    "LSTMStateTuple",
    "MultiRNNCell",
    "RNNCell",
    "ResidualWrapper",
]
