"""tf.image: images of another size, other colours, other places."""

from __future__ import annotations

from numflow.ops.image_resize import ResizeMethod
from numflow.ops.image_resize import resize_images as resize

__all__ = [
    "ResizeMethod",
    "resize",
]
