"""The ``.mat`` files of data sets: tables of structs and lists of texts, with every complaint naming the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import DataSetError

_LARGEST_FILE = 1 << 26  # bytes: what these tables hold is far below; what a damaged one claims may be far above


def read_matlab(file: Path, *names: str) -> dict[str, NDArray[Any]]:
    """Read variables of a ``.mat`` file (version 5 to 7.2), each as a one-dimensional array.

    Structs become rows of a structured array, one number or text becomes one element.

    Raises:
        DataSetError: The file cannot be read, is no such file, is damaged, or lacks one of the variables.
    """
    from scipy.io import loadmat  # late: it takes a third of a second, and few data sets need it

    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise DataSetError(f"{file} is larger than any such table ({_LARGEST_FILE >> 20} MiB): it is another file.")
        with file.open("rb") as stream:
            variables: Mapping[str, Any] = loadmat(stream, squeeze_me=True, variable_names=names)
    except OSError as error:
        raise DataSetError(f"{file} cannot be read ({error.strerror or error}).") from error
    except DataSetError:
        raise
    except NotImplementedError as error:  # version 7.3, which is HDF5
        raise DataSetError(f"{file} is of MATLAB's version 7.3: save it anew as version 7 (save -v7).") from error
    except Exception as error:  # the reader raises almost any type on malformed input
        raise DataSetError(f"{file} is no readable .mat file ({type(error).__name__}): copy it anew.") from error
    missing = [name for name in names if name not in variables]
    if missing:
        raise DataSetError(f"{file} holds no '{missing[0]}': it is another file than its name says.")
    return {name: np.atleast_1d(variables[name]) for name in names}
