"""The logger of numflow: what nf.print and nf.summary write to a log goes here."""

from __future__ import annotations

import logging


def get_logger() -> logging.Logger:
    """The logger called "numflow".

    Example:
      >>> nf.get_logger().name
      'numflow'
    """
    return logging.getLogger("numflow")
