"""TensorFlow 1.x's names, with its parameters.

So far the ops without state: nf.compat.v1.nn and nf.compat.v1.image.
"""

from __future__ import annotations

from numflow.compat.v1 import image, nn

__all__ = ["image", "nn"]
