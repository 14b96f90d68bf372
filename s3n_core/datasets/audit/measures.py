"""The size and perceptual hash of every image, as compact text for the JSON of an audit."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.audit.near_duplicates import HASH_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMeasures:
    """Sizes and hashes of N images, in the order of the data set's records.

    Attributes:
        sizes: Base64 of uint32 (N, 2), little-endian: width and height of the upright image in pixels, 0 if unreadable.
        hashes: Base64 of uint8 (N, 32): the hash (`near_duplicates.picture_hash`), all zeros without one.
    """

    sizes: str
    hashes: str

    @classmethod
    def of(cls, sizes: NDArray[np.integer], hashes: NDArray[np.uint8]) -> ImageMeasures:
        """Encode the size (width, height) and hash of each image, (N, 2) and (N, 32); zeros where there is none."""
        return cls(sizes=_text(sizes.astype("<u4").tobytes()), hashes=_text(hashes.tobytes()))


def read_measures(report: Mapping[str, Any], images: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]] | None:
    """Return the measures in the JSON of an audit.

    Args:
        report: The JSON of ``s3n audit --json``.
        images: The number of images that they must describe.

    Returns:
        Sizes (N, 2) as (width, height) in pixels, and hashes (N, 32); None if the report has no such measures.
    """
    measures = report.get("measures")
    try:
        sizes = np.frombuffer(base64.b64decode(measures["sizes"], validate=True), "<u4")  # type: ignore[index]  # caught
        hashes = np.frombuffer(base64.b64decode(measures["hashes"], validate=True), np.uint8)  # type: ignore[index]
    except (TypeError, LookupError, ValueError):
        return None
    if sizes.size != 2 * images or hashes.size != HASH_BYTES * images:
        return None
    return sizes.reshape(-1, 2).astype(np.int64), hashes.reshape(-1, HASH_BYTES)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")
