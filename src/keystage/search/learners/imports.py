"""Everything that fits import, for a process that others are forked from: there alone it is imported ahead of need."""

import gc

import lightgbm  # noqa: F401
import numpy  # noqa: F401
import threadpoolctl  # type: ignore[import-untyped]  # noqa: F401
import xgboost  # noqa: F401

# What has been imported is never garbage: a collector that looked at it in every process would copy the shared memory.
gc.collect()
gc.freeze()
