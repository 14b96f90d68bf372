"""The parts of the places that a running search has collected so far: a preview, which changes no file. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.parts.atlas.atlas_files import (
    IMAGES,
    UNFINISHED_DESCRIPTORS,
    class_means,
    descriptor_reader,
    read_image_lines,
)
from s3n_core.parts.atlas.clustering import fit_clusters
from s3n_core.parts.atlas.examples import PartExample, spread_ranks
from s3n_core.system.line_files import part_path

FIRST_PREVIEW = 200
"""The first preview appears after so many places, the next after each doubling."""

PREVIEW_PARTS = 8
"""Number of parts of a preview if none is given: the suggested number is found at the end."""

MOST_PLACES = 4000
"""A preview groups at most so many peaks, evenly chosen among all that are collected."""

_EXAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewPart:
    """A group of peaks.

    Attributes:
        peaks: Number of its peaks among those that were grouped.
        images: Number of images that these lie in.
        examples: Some of them, from the most to the least typical.
    """

    peaks: int
    images: int
    examples: tuple[PartExample, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AtlasPreview:
    """What a search has found so far.

    Attributes:
        images: Number of images that were read so far.
        peaks: Number of peaks in them.
        parts: The groups, the largest first.
        sizes: (width, height) in pixels of each image with an example, by its name.
    """

    images: int
    peaks: int
    parts: tuple[PreviewPart, ...]
    sizes: dict[str, tuple[int, int]]


def preview_parts(folder: Path, parts: int | None = None, *, seed: int = 0) -> AtlasPreview | None:
    """Group the peaks that an unfinished atlas has collected so far.

    Only reads: the search that writes the folder gives the same atlas with and without previews.

    Args:
        folder: The folder of the unfinished atlas.
        parts: Number of parts; None: `PREVIEW_PARTS`.
        seed: Seed of the clustering.

    Returns:
        The preview; None where the atlas is finished, or has too few peaks.
    """
    path = part_path(folder / IMAGES)
    if not path.exists():
        return None
    used, done = list[dict[str, Any]](), 0
    try:
        for line in read_image_lines(path):
            done += 1
            if not line["error"]:
                used.append(line)
    except ValueError:  # the last line is being written
        pass
    except OSError:  # the search has just ended
        return None
    peaks = [(number, *peak[:3]) for number, line in enumerate(used) for peak in line["peaks"]]
    wanted = PREVIEW_PARTS if parts is None else parts
    chosen = np.array(spread_ranks(len(peaks), MOST_PLACES), dtype=np.intp)
    if len(chosen) < 2 * wanted:
        return None
    stored = _descriptors(folder / UNFINISHED_DESCRIPTORS, used, chosen)
    if stored is None:
        return None
    images = np.array([peaks[row][0] for row in chosen])
    predicted = np.array([used[number]["predicted"] for number in images], dtype=np.int32)
    classes = int(predicted.max()) + 1
    sums, counts = np.zeros((classes, stored.shape[1])), np.bincount(predicted, minlength=classes).astype(np.float64)
    np.add.at(sums, predicted, stored.astype(np.float64))
    read = descriptor_reader(stored, predicted, class_means(sums, counts))
    clusters, assigned = fit_clusters(read, len(chosen), wanted, seed=seed)
    descriptors, found, sizes = read(np.arange(len(chosen))), list[PreviewPart](), dict[str, tuple[int, int]]()
    for part in range(wanted):
        rows = np.flatnonzero(assigned == part)
        if not len(rows):
            continue
        distances = np.linalg.norm(descriptors[rows] - clusters.centroids[part], axis=1)
        ranked = rows[np.argsort(distances, kind="stable")]
        examples = list[PartExample]()
        for rank in spread_ranks(len(ranked), _EXAMPLES):
            number, x, y, _ = peaks[chosen[ranked[rank]]]
            line = used[number]
            sizes[line["file"]] = (line["width"], line["height"])
            examples.append(PartExample(file=line["file"], x=x, y=y, rank=rank + 1, of=len(ranked)))
        found.append(PreviewPart(peaks=len(rows), images=len(np.unique(images[rows])), examples=tuple(examples)))
    found.sort(key=lambda part: -part.peaks)
    return AtlasPreview(images=done, peaks=len(peaks), parts=tuple(found), sizes=sizes)


def _descriptors(path: Path, used: Sequence[dict[str, Any]], chosen: NDArray[np.intp]) -> NDArray[np.float16] | None:
    """Return the descriptors (n, D) of some of the peaks, counted over all images; None where the file has gone."""
    channels = int(used[0]["channels"])
    peaks, rows = (np.array([len(line["peaks"]) for line in used]), np.array([line["rows"] for line in used]))
    first_peak, first_row = np.cumsum(peaks) - peaks, np.cumsum(rows) - rows
    owner = np.searchsorted(first_peak + peaks, chosen, side="right")
    at = first_row[owner] + chosen - first_peak[owner]
    try:
        whole = np.memmap(path, dtype=np.float16, mode="r")
        return np.array(whole[: int(rows.sum()) * channels].reshape(-1, channels)[at])
    except (OSError, ValueError):
        return None
