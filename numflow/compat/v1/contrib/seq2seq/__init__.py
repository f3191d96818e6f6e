"""tf.contrib.seq2seq: attention, decoders, beam search, and the loss of sequences."""

from numflow.compat.v1.contrib.seq2seq.attention import (
    AttentionMechanism,
    BahdanauAttention,
    LuongAttention,
)
from numflow.compat.v1.contrib.seq2seq.attention_wrapper import (
    AttentionWrapper,
    AttentionWrapperState,
)
from numflow.compat.v1.contrib.seq2seq.backtrace import gather_tree, gather_tree_from_array
from numflow.compat.v1.contrib.seq2seq.basic_decoder import BasicDecoder, BasicDecoderOutput
from numflow.compat.v1.contrib.seq2seq.beam_search import (
    BeamSearchDecoder,
    BeamSearchDecoderOutput,
    BeamSearchDecoderState,
    FinalBeamSearchDecoderOutput,
)
from numflow.compat.v1.contrib.seq2seq.beams import tile_batch
from numflow.compat.v1.contrib.seq2seq.decoder import Decoder, dynamic_decode
from numflow.compat.v1.contrib.seq2seq.loss import sequence_loss
from numflow.compat.v1.contrib.seq2seq.next_inputs import (
    CustomHelper,
    GreedyEmbeddingHelper,
    Helper,
    TrainingHelper,
)
from numflow.compat.v1.contrib.seq2seq.sampling import (
    SampleEmbeddingHelper,
    ScheduledEmbeddingTrainingHelper,
)

__all__ = [
    "AttentionMechanism",
    "AttentionWrapper",
    "AttentionWrapperState",
    "BahdanauAttention",
    "BasicDecoder",
    "BasicDecoderOutput",
    "BeamSearchDecoder",
    "BeamSearchDecoderOutput",
    "BeamSearchDecoderState",
    "CustomHelper",
    "Decoder",
    "FinalBeamSearchDecoderOutput",
    "GreedyEmbeddingHelper",
    "Helper",
    "LuongAttention",
    "SampleEmbeddingHelper",
    "ScheduledEmbeddingTrainingHelper",
    "TrainingHelper",
    "dynamic_decode",
    "gather_tree",
    "gather_tree_from_array",
    "sequence_loss",
    "tile_batch",
]
