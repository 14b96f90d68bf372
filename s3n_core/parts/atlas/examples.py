"""Examples of a part in the images of some classes, from the most to the least typical. Without torch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from s3n_core.parts.atlas.atlas import Atlas


@dataclass(frozen=True, slots=True, kw_only=True)
class PartExample:
    """A peak of a part.

    Attributes:
        file: The image's name.
        x: Place of the peak, in pixels of the original.
        y: Alike.
        rank: How typical it is among those of the classes: 1 is the most typical.
        of: Number of images of the classes that have a peak of the part.
        row: Its row in the atlas's places; -1 where there is no atlas yet.
    """

    file: str
    x: float
    y: float
    rank: int
    of: int
    row: int = -1


def spread_ranks(count: int, some: int) -> list[int]:
    """Return at most ``some`` evenly spaced ranks of ``count``, from 0: the first, the middle and the last are among them."""
    ranks = np.linspace(0, max(count - 1, 0), min(some, count)).round().astype(int)
    return [int(rank) for rank in np.unique(ranks)]


def part_examples(atlas: Atlas, part: int, labels: Collection[str] | None, count: int = 6) -> tuple[PartExample, ...]:
    """Return examples of a part at evenly spaced ranks: the most typical, the middle and the least typical ones are among them.

    Every image gives its strongest peak. The nearer its descriptor lies to the part's centroid (of a merged part, to the nearest
    of its centroids), the more typical it is.

    Args:
        atlas: The atlas.
        part: The part.
        labels: The classes; None: all images, those without a label, too.
        count: Number of examples; fewer where fewer images have a peak of the part.
    """
    asked = [
        number
        for number, image in enumerate(atlas.images)
        if (labels is None or image.label in labels) and not image.error
    ]
    own = (atlas.part_of == part) & ~np.asarray(atlas.places["background"]) & np.isin(atlas.places["image"], asked)
    rows = np.flatnonzero(own)
    if not len(rows):
        return ()
    places = atlas.places[rows]
    order = np.lexsort((-places["response"], places["image"]))
    rows, places = rows[order], places[order]
    first = np.unique(places["image"], return_index=True)[1]  # the strongest of every image
    rows, places = rows[first], places[first]
    descriptors = atlas.descriptors(rows)
    distances = np.min([np.linalg.norm(descriptors - one, axis=1) for one in atlas.parts.centroids(part)], axis=0)
    ranks = np.argsort(distances, kind="stable")
    return tuple(
        PartExample(
            file=atlas.images[int(places["image"][ranks[rank]])].file,
            x=float(places["x"][ranks[rank]]),
            y=float(places["y"][ranks[rank]]),
            rank=rank + 1,
            of=len(rows),
            row=int(rows[ranks[rank]]),
        )
        for rank in spread_ranks(len(rows), count)
    )
