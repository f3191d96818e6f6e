"""nf.sysconfig: how numflow was built. It is Python; what it compiles, it compiles at run time."""

from __future__ import annotations

import os
import sysconfig
from collections import OrderedDict


def get_build_info() -> OrderedDict[str, bool]:
    """What the build has, by TensorFlow's keys.

    Example:
      >>> nf.sysconfig.get_build_info()["is_cuda_build"]
      False
    """
    return OrderedDict(is_cuda_build=False, is_rocm_build=False, is_tensorrt_build=False)


def get_include() -> str:
    """The folder of C headers for extensions: Python's, since numflow has none of its own.

    Example:
      >>> isinstance(nf.sysconfig.get_include(), str)
      True
    """
    return os.path.normpath(sysconfig.get_paths()["include"])
