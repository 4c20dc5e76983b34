"""Everything that a search and its fits import, for a process that others are forked from."""

import gc

import lightgbm  # noqa: F401
import numpy  # noqa: F401
import pandas  # noqa: F401
import sklearn.ensemble
import sklearn.pipeline  # noqa: F401
import threadpoolctl  # type: ignore[import-untyped]  # noqa: F401
import xgboost  # noqa: F401

# What has been imported is never garbage: a collector that looked at it in every process would copy the shared memory.
gc.collect()
gc.freeze()
