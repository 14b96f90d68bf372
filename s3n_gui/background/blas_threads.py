"""One thread for the window's linear algebra.

NumPy's library starts a thread for each core when it is loaded. The window multiplies nothing large, and threads that wait for
one another beside a training make a small product a hundred times slower. Engine processes keep what the person has set.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_NAME = "OPENBLAS_NUM_THREADS"
_MARK = "S3N_WINDOW_SET_BLAS_THREADS"


def limit_threads() -> None:
    """Ask for one thread; to be called before NumPy is loaded. What the person has set counts."""
    if _NAME not in os.environ:
        os.environ[_NAME] = "1"
        os.environ[_MARK] = "1"


def lift_limit(environment: MutableMapping[str, str]) -> None:
    """Take the limit out of a process's environment, if it was the window that set it."""
    if environment.pop(_MARK, None) is not None:
        environment.pop(_NAME, None)
