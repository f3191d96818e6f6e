"""tf.compat.v1.image: resizing with TensorFlow 1's conventions and parameters."""

from __future__ import annotations

from typing import Any

from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import patches
from numflow.ops.image_places import resize_with_crop_or_pad as resize_image_with_crop_or_pad
from numflow.ops.image_places import resize_with_pad_v1 as resize_image_with_pad
from numflow.ops.image_resize import ResizeMethodV1 as ResizeMethod
from numflow.ops.image_resize import (
    resize_area,
    resize_bicubic,
    resize_bilinear,
    resize_nearest_neighbor,
)
from numflow.ops.image_resize import resize_images_v1 as resize_images
from numflow.ops.image_sampling import crop_and_resize_v1 as crop_and_resize
from numflow.ops.image_sampling import extract_glimpse_v1 as extract_glimpse

__all__ = [
    "ResizeMethod",
    "crop_and_resize",
    "extract_glimpse",
    "extract_image_patches",
    "resize_area",
    "resize_bicubic",
    "resize_bilinear",
    "resize_image_with_crop_or_pad",
    "resize_image_with_pad",
    "resize_images",
    "resize_nearest_neighbor",
]


def extract_image_patches(
    images: TensorLike,
    ksizes: Any = None,
    strides: Any = None,
    rates: Any = None,
    padding: Any = None,
    name: str | None = None,
    sizes: Any = None,
) -> Tensor:
    """nf.image.extract_patches; `ksizes` is its sizes."""
    window = either("extract_image_patches", "ksizes", ksizes, "sizes", sizes)
    return patches.extract_patches(images, window, strides, rates, padding)
