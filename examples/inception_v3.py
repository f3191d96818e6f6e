"""Inception-v3: predict, learn to see, then learn new kinds of textures by the last layer alone.

    python examples/inception_v3.py                train, kill, resume, compare, draw
    python examples/inception_v3.py train FOLDER   the last layer; start it again, and it goes on

First the network of the paper, 299x299 pixels and 1,000 classes: its parameters are counted, and
images per second measured. Then one of a quarter of the channels, on 75x75 pixels (the least that
it takes: every convolution without padding leaves less), is treated as `mobilenet_v2.py` beside
this file does it and says.

Source: Szegedy et al. 2015, "Rethinking the Inception Architecture for Computer Vision", table 1
and figures 5 to 7, without the auxiliary classifier; numbers of channels as in TensorFlow's models.
"""

from collections.abc import Sequence
from typing import Any

from mobilenet_v2 import Model, main, parse_options  # type: ignore[import-not-found]

import numflow as tf

Branch = Sequence[tuple[int, int, int]]  # channels, rows and columns of the window of each layer


def inception_v3(layer: Any, x: Any, width: float) -> Any:
    """Images [count, side, side, 3] to maps [count, rows, columns, 2048 width].

    layer(x, channels, kernel, stride, padding): a convolution with batch norm and relu.
    """

    def conv(x: Any, channels: int, rows: int = 1, columns: int = 1, stride: int = 1,
             padding: str = "SAME") -> Any:  # fmt: skip
        return layer(x, max(4, int(channels * width)), (rows, columns), stride, padding)

    def pooled(x: Any) -> Any:
        return tf.nn.max_pool2d(x, 3, 2, "VALID")

    def chain(x: Any, branch: Branch, last_stride: int = 1) -> Any:
        """Layers one after the other; with a stride the last one stays inside the image."""
        for part in branch[:-1]:
            x = conv(x, *part)
        return conv(x, *branch[-1], last_stride, "SAME" if last_stride == 1 else "VALID")

    def mixed(x: Any, *branches: Branch, pool: int) -> Any:
        """Branches side by side, and a mean of neighbours behind them."""
        parts = [chain(x, branch) for branch in branches]
        return tf.concat([*parts, conv(tf.nn.avg_pool2d(x, 3, 1, "SAME"), pool)], -1)

    def halved(x: Any, *branches: Branch) -> Any:
        """Branches of stride 2, and the largest of neighbours."""
        return tf.concat([*(chain(x, branch, 2) for branch in branches), pooled(x)], -1)

    x = conv(x, 32, 3, 3, 2, "VALID")
    x = conv(x, 32, 3, 3, 1, "VALID")
    x = pooled(conv(x, 64, 3, 3))
    x = conv(conv(x, 80, padding="VALID"), 192, 3, 3, 1, "VALID")
    x = pooled(x)
    for pool in (32, 64, 64):  # 35 x 35
        five = [(48, 1, 1), (64, 5, 5)]
        twice = [(64, 1, 1), (96, 3, 3), (96, 3, 3)]
        x = mixed(x, [(64, 1, 1)], five, twice, pool=pool)
    x = halved(x, [(384, 3, 3)], [(64, 1, 1), (96, 3, 3), (96, 3, 3)])
    for n in (128, 160, 160, 192):  # 17 x 17: 7 x 7 as 1 x 7 and 7 x 1
        seven = [(n, 1, 1), (n, 1, 7), (192, 7, 1)]
        twice = [(n, 1, 1), (n, 7, 1), (n, 1, 7), (n, 7, 1), (192, 1, 7)]
        x = mixed(x, [(192, 1, 1)], seven, twice, pool=192)
    seven = [(192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3)]
    x = halved(x, [(192, 1, 1), (320, 3, 3)], seven)
    for _ in range(2):  # 8 x 8: branches that split
        ends = [conv(x, 320)]
        for stem in (conv(x, 384), chain(x, [(448, 1, 1), (384, 3, 3)])):
            ends += [conv(stem, 384, 1, 3), conv(stem, 384, 3, 1)]
        x = tf.concat([*ends, conv(tf.nn.avg_pool2d(x, 3, 1, "SAME"), 192)], -1)
    return x


INCEPTION = Model(
    "Inception-v3", __file__, inception_v3, False, 299, (23_817_352, 34_432), small_side=75,
    small_width=0.25, rate=0.01,
)  # fmt: skip

if __name__ == "__main__":
    main(INCEPTION, parse_options(__doc__, steps=1000))
