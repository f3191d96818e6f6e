"""tf.compat.v1.image: resizing with TensorFlow 1's conventions and parameters."""

from __future__ import annotations

from typing import Any

from numflow import dtypes
from numflow.compat.v1.arguments import either
from numflow.graph.tensor import Tensor, TensorLike
from numflow.ops import image_sampling, patches
from numflow.ops import math as maths
from numflow.ops import shape as shaping
from numflow.ops.convert import as_tensor
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


def crop_and_resize(
    image: TensorLike,
    boxes: TensorLike,
    box_ind: TensorLike = None,
    crop_size: Any = None,
    method: str = "bilinear",
    extrapolation_value: float = 0,
    name: str | None = None,
    box_indices: TensorLike = None,
) -> Tensor:
    """nf.image.crop_and_resize; `box_ind` is its box_indices."""
    which = either("crop_and_resize", "box_ind", box_ind, "box_indices", box_indices)
    return image_sampling.crop_and_resize(
        image, boxes, which, crop_size, method, extrapolation_value
    )


def extract_glimpse(
    input: TensorLike,
    size: Any,
    offsets: TensorLike,
    centered: bool = True,
    normalized: bool = True,
    uniform_noise: bool = True,
    name: str | None = None,
) -> Tensor:
    """A window of each image, around offsets in every case; nf.image.extract_glimpse differs.

    Args:
      offsets: float32 [batch, 2]: y and x of the window's middle.
      centered: counted from the middle of the image, where -1 and 1, or the image's size and its
        negative if not normalized, are its borders; else from its upper left corner.
      normalized: as shares of the image's size.
      uniform_noise: what stands outside; else normal noise.
    """
    op = "extract_glimpse"
    images, middle = as_tensor(input, None, op, "input"), as_tensor(offsets, None, op, "offsets")
    window = as_tensor(size, dtypes.int32, op, "size")
    image = maths.cast(shaping.shape(images)[1:3], dtypes.float32)
    place = middle * image if normalized else middle
    if centered:
        place = place / 2 + image / 2
    begin = place - maths.cast(window, dtypes.float32) / 2
    noise = "uniform" if uniform_noise else "gaussian"
    return image_sampling.extract_glimpse(images, size, begin, False, False, noise)


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
