"""Logging for entry points. The library itself adds no handler and sets no level."""

import logging
import sys


def configure(level: int = logging.INFO) -> None:
    """Send keystage's own messages to standard error, one plain line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    logger = logging.getLogger("keystage")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False
