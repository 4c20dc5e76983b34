"""Keep a process to its compute profile."""

import os

from keystage.compute.spec import ComputeProfile

# Read by the numeric libraries when they are first imported.
_THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_NUM_THREADS")


def cores(profile: ComputeProfile) -> int:
    """The number of cores the profile means on this machine."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return profile.cores or available


def apply(profile: ComputeProfile) -> None:
    """Limit the threads of numeric libraries; to be called before the first of them is imported.

    Threads that wait for each other sleep instead of spinning: where another process wants the same cores, as with two
    queue workers, a spinning thread keeps the one it waits for from running, and fits of a tenth of a second were seen
    to take most of a minute (``benchmarks/threads_under_load.py``).
    """
    for variable in _THREAD_VARIABLES:
        os.environ[variable] = str(cores(profile))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
