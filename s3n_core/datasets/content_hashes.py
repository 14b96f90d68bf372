"""Content hashes of image files: the same file is recognised under any name and in any folder.

A hash is over the file's bytes, so an image that another program has saved again is another file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.threaded_map import threaded_map

_BYTES = 8  # 64 bits: among a million files, two different ones have the same hash once in forty million times
_PIECE = 1 << 18


def content_hash(path: Path) -> int | None:
    """Return the 64-bit hash (BLAKE2b) of a file's bytes, 0 up to 2^64; None where it cannot be read."""
    try:
        with open(path, "rb", buffering=0) as file:
            digest = hashlib.blake2b(digest_size=_BYTES)
            while piece := file.read(_PIECE):
                digest.update(piece)
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None
    return int.from_bytes(digest.digest(), "big")


def content_hashes(paths: Iterable[Path], *, workers: int | None = 1) -> NDArray[np.uint64]:
    """Return the hashes of files, sorted, each once; files that cannot be read are left out.

    Args:
        paths: The files.
        workers: Threads; None: as many as decode images; 0: this one.
    """
    with closing(threaded_map(content_hash, paths, workers=workers)) as found:
        return np.unique(np.array([one for one in found if one is not None], dtype=np.uint64))
