"""The places of an atlas that look most like a place. Without torch.

Descriptors are projected once onto the 64 directions in which they differ most, and kept memory-mapped. A search goes through all
projections, takes the best 200 and ranks these by their whole descriptors.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import OutputBusy, OutputError
from s3n_core.parts.atlas.atlas_files import open_new_array
from s3n_core.parts.atlas.clustering import Read, chunks
from s3n_core.system.atomic_files import open_atomic, output_error, read_bytes, write_json
from s3n_core.system.line_files import only_writer
from s3n_core.system.seeding import keyed_generator

PROJECTED, DIRECTIONS, HEADER = "neighbours.npy", "neighbour_directions.npy", "neighbours.json"
NEIGHBOUR_FILES = (PROJECTED, DIRECTIONS, HEADER)
"""What `index_of` makes anew where it is missing."""

FORMAT, VERSION = "s3n-neighbours", 2  # 1 could be kept when the class means changed

MOST_DIRECTIONS = 64
RANKED = 200
"""So many of the best projections are ranked by their whole descriptors."""

_SAMPLE = 50_000  # descriptors that the directions come from


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A place that looks like the one that was asked for.

    Attributes:
        row: Its row in ``peaks.npy``.
        image: Name of its image.
        label: Name of the image's class, or None.
        x: Where it is, in original pixels.
        y: Alike.
        part: Number of its part.
        name: Name of its part.
        similarity: Cosine of the two descriptors as they are compared, in [-1, 1].
    """

    row: int
    image: str
    label: str | None
    x: float
    y: float
    part: int
    name: str
    similarity: float


class NeighbourIndex:
    """Finds the descriptors with the largest cosine.

    Args:
        projected: The projections of all descriptors, float32 (n, at most 64), may be memory-mapped.
        directions: The directions, float32 (D, at most 64).
        read: The descriptors as they are compared, L2-normalised.

    Attributes:
        projected: The projections.
    """

    def __init__(self, projected: NDArray[np.float32], directions: NDArray[np.float32], read: Read) -> None:
        self.projected, self._directions, self._read = np.asarray(projected), directions, read

    def nearest(
        self, descriptor: NDArray[np.floating[Any]], count: int = 20, *, left_out: NDArray[np.bool_] | None = None
    ) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
        """Return the rows nearest to a descriptor, and their cosines, the nearest first.

        Args:
            descriptor: As it is compared, L2-normalised, (D,).
            count: How many, at most `RANKED`.
            left_out: Rows that are not wanted, bool (n,).
        """
        query = np.asarray(descriptor, dtype=np.float32)
        total = len(self.projected)
        scores = self.projected @ (query @ self._directions)  # at once: in pieces it takes several times as long
        if left_out is not None:
            scores[left_out] = -np.inf
        kept = min(max(RANKED, count), total)
        best = np.sort(np.argpartition(scores, total - kept)[total - kept :])
        best = best[np.isfinite(scores[best])]
        cosines = self._read(best) @ query
        order = np.argsort(-cosines, kind="stable")[:count]
        return best[order], cosines[order].astype(np.float32)


def index_of(folder: Path, read: Read, count: int, *, centred: bool) -> NeighbourIndex:
    """Open the projections that an atlas keeps, and make them first if there are none yet.

    Args:
        folder: The atlas's folder; if nothing can be written there, the projections are kept in memory.
        read: The descriptors as they are compared.
        count: Their number, at least 1.
        centred: Whether the mean of the predicted class is subtracted in them.
    """
    wanted = {"format": FORMAT, "version": VERSION, "places": count, "centred": centred}
    if _header(folder) != wanted:
        directions = _directions(read, count)
        try:
            with only_writer(folder / PROJECTED):
                _store(folder, read, count, directions, wanted)
        except (OutputError, OutputBusy):
            projected = np.empty((count, directions.shape[1]), dtype=np.float32)
            for rows in chunks(count):
                projected[rows] = read(rows) @ directions
            return NeighbourIndex(projected, directions, read)
    return NeighbourIndex(np.load(folder / PROJECTED, mmap_mode="r"), np.load(folder / DIRECTIONS), read)


def drop_index(folder: Path) -> None:
    """Let the projections that an atlas keeps count no longer: its descriptors change, or how they are compared.

    Raises:
        OutputError: The folder cannot be written.
    """
    try:
        (folder / HEADER).unlink(missing_ok=True)
    except OSError as error:
        raise output_error(folder / HEADER, error) from error


def found_share(
    index: NeighbourIndex, read: Read, total: int, *, count: int = 20, queries: int = 100, seed: int = 0
) -> float:
    """Return the share of the true nearest descriptors that are found, in [0, 1], over drawn queries.

    Args:
        index: What is measured.
        read: The descriptors as they are compared.
        total: Their number.
        count: How many are asked for.
        queries: How many descriptors are drawn as queries, each of which is its own nearest.
        seed: Seed of the draw.
    """
    drawn = np.sort(keyed_generator(seed, "neighbours asked for").choice(total, min(queries, total), replace=False))
    asked = read(drawn)
    truth = np.empty((len(drawn), total), dtype=np.float32)
    for rows in chunks(total):
        truth[:, rows] = asked @ read(rows).T
    found = 0.0
    for query, cosines in zip(asked, truth, strict=True):
        least = np.sort(cosines)[-min(count, total)]
        rows, _ = index.nearest(query, count)
        found += float((cosines[rows] >= least - 1e-6).sum()) / min(count, total)
    return found / len(drawn)


def _directions(read: Read, count: int) -> NDArray[np.float32]:
    """Return the directions in which descriptors are longest: eigenvectors of their second moments, (D, at most 64)."""
    rows = np.arange(count)
    if count > _SAMPLE:
        rows = np.sort(keyed_generator(0, "directions").choice(count, _SAMPLE, replace=False))
    moments: NDArray[np.float64] | None = None
    for some in chunks(len(rows)):
        values = read(rows[some]).astype(np.float64)
        part = values.T @ values
        moments = part if moments is None else moments + part
    assert moments is not None
    _, vectors = np.linalg.eigh(moments)
    return np.ascontiguousarray(vectors[:, ::-1][:, :MOST_DIRECTIONS].astype(np.float32))


def _store(folder: Path, read: Read, count: int, directions: NDArray[np.float32], header: dict[str, Any]) -> None:
    drop_index(folder)
    with open_new_array(folder / PROJECTED, np.float32, (count, directions.shape[1])) as file:
        for rows in chunks(count):
            file.write((read(rows) @ directions).astype(np.float32).tobytes())
    with open_atomic(folder / DIRECTIONS) as file:
        np.save(file, directions, allow_pickle=False)
    write_json(folder / HEADER, header)


def _header(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads(read_bytes(folder / HEADER))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
