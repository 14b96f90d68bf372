"""Names for the parts of an atlas, from the key points of a data set. Nothing learns from them. Without torch."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from s3n_core.datasets.records import ImageRecord
from s3n_core.parts.atlas.atlas import Atlas

NEAR_PART = 0.15
"""A peak counts as an annotated part's if that lies within this fraction of the box's longer side, and is the nearest."""

MAJORITY = 0.5
"""A part takes the name of a key point that is the nearest one for at least this share of its peaks near any."""

FEWEST_NAMED = 3
"""A part with fewer peaks near key points than this gets no name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPointName:
    """The key point that most peaks of a part are near to.

    Attributes:
        name: Its name.
        share: The share of ``peaks`` for which it is the nearest key point, in [0, 1].
        peaks: Number of the part's peaks that are near to a key point.
    """

    name: str
    share: float
    peaks: int


def annotated_part(record: ImageRecord, x: float, y: float) -> str | None:
    """Return the name of the annotated part that a place belongs to; None if none is near enough."""
    if not record.parts:
        return None
    distances = [np.hypot(part.x - x, part.y - y) for part in record.parts]
    best = int(np.argmin(distances))
    box = record.box
    spread = [(part.x, part.y) for part in record.parts]
    side = max(box.width, box.height) if box else float(np.ptp(np.array(spread), axis=0).max())
    return record.parts[best].name if distances[best] <= NEAR_PART * side else None


def key_point_names(
    atlas: Atlas, records: Mapping[str, ImageRecord], *, called: Callable[[str], str] = str
) -> dict[int, KeyPointName]:
    """Return the key point of each part of which enough peaks are near to one.

    Args:
        atlas: The atlas.
        records: Records of its images by name; images without one, or without key points, are left out.
        called: Returns what a key point is counted as, such as its name without its side.
    """
    if not any(record.parts for record in records.values()):
        return {}
    counts = defaultdict[int, Counter[str]](Counter)
    images = atlas.images
    for place, part in zip(atlas.places, atlas.part_of.tolist(), strict=True):
        if place["background"]:
            continue
        record = records.get(images[int(place["image"])].file)
        name = None if record is None else annotated_part(record, float(place["x"]), float(place["y"]))
        if name is not None:
            counts[part][called(name)] += 1
    found = {}
    for part, of_part in counts.items():
        name, most = of_part.most_common(1)[0]
        if of_part.total() >= FEWEST_NAMED:
            found[part] = KeyPointName(name=name, share=most / of_part.total(), peaks=of_part.total())
    return found
