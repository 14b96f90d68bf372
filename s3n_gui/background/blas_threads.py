"""The limit of OpenBLAS to one thread in the window.

OpenBLAS, which NumPy loads, starts a thread for each core. The window multiplies no large matrices, and next to a
running training, threads that wait for one another make a small product a hundred times slower. Engine processes keep
the user's own setting.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping

_NAME = "OPENBLAS_NUM_THREADS"
_MARK = "S3N_WINDOW_SET_BLAS_THREADS"


def limit_threads() -> None:
    """Set the limit, unless the user has set one; call it before NumPy is imported."""
    if _NAME not in os.environ:
        os.environ[_NAME] = "1"
        os.environ[_MARK] = "1"


def lift_limit(environment: MutableMapping[str, str]) -> None:
    """Remove the limit from the environment of a process, if `limit_threads` has set it."""
    if environment.pop(_MARK, None) is not None:
        environment.pop(_NAME, None)
