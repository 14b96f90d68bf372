"""How steady the parts of an atlas are: whether their peaks come again in changed views, and how far off they lie. Without torch.

Two changed views of each image are asked: its mirror image, and a crop whose corner is drawn. Their peaks are mapped back to the
original exactly, so a peak *comes again* if the changed view has one of the same part near its place. Beside each figure stands
the same one for the changed view of another image: what a part that always lies at one place of the image would have, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import ImageRecord
from s3n_core.evaluation.bootstrap import interval_over_images
from s3n_core.evaluation.other_images import other_images
from s3n_core.parts.annotation.annotation_measures import HIT, merged_side
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.key_points import MAJORITY, key_point_names
from s3n_core.parts.comparison.atlas_agreement import MatchedPart
from s3n_core.parts.steadiness.steadiness_result import PartSteadiness, PlaceAccuracy, Repeats, SharedPlaces, Steadiness

ViewName = Literal["mirrored", "shifted"]
VIEWS: tuple[ViewName, ...] = ("mirrored", "shifted")

Region = tuple[float, float, float, float]
"""(x0, y0, x1, y1) as fractions of an image's sides."""


@dataclass(frozen=True, eq=False)
class ImagePeaks:
    """The peaks of an image, or of a changed view of it.

    Attributes:
        places: (x, y) as fractions of the original's width and height, (n, 2).
        parts: The part of each, (n,).
        size: (width, height) of the original, in pixels.
        seen: What the network saw of the original.
    """

    places: NDArray[np.float64]
    parts: NDArray[np.int64]
    size: tuple[int, int]
    seen: Region = (0.0, 0.0, 1.0, 1.0)


def steadiness(
    original: Sequence[ImagePeaks],
    views: Mapping[ViewName, Sequence[ImagePeaks | None]],
    parts: Iterable[int],
    *,
    by_points: Mapping[int, PlaceAccuracy] | None = None,
    others: Mapping[int, tuple[SharedPlaces, ...]] | None = None,
    seed: int = 0,
) -> Steadiness:
    """Hold the peaks of images against those of their changed views.

    Args:
        original: The peaks of each image.
        views: Those of its changed views, mapped back to the original; None where a view could not be used.
        parts: The parts to tell of.
        by_points: How far their peaks are from key points, where there are any.
        others: Where other models have their peaks.
        seed: Seed of the draw of other images (`other_images`).
    """
    partner = other_images(len(original), seed)
    found = dict[ViewName, list[tuple[_Again, _Again] | None]]()
    for name, again in views.items():
        pairs = list[tuple[_Again, _Again] | None]()
        for position, peaks in enumerate(original):
            own, other = again[position], again[partner[position]]
            one = None if own is None else _again(peaks, own)
            beside = None if other is None or partner[position] == position else _again(peaks, other)
            pairs.append(None if one is None else (one, _NOTHING if beside is None else beside))
        found[name] = pairs
    results = []
    for part in parts:
        repeats = {name: _repeats(pairs, part, name) for name, pairs in found.items()}
        accuracy = (by_points or {}).get(part)
        results.append(
            PartSteadiness(
                part=part,
                mirrored=repeats.get("mirrored"),
                shifted=repeats.get("shifted"),
                accuracy=accuracy or _view_accuracy(list(found.values()), part),
                others=(others or {}).get(part, ()),
            )
        )
    used = sum(any(view is not None for view in of_image) for of_image in zip(*views.values(), strict=True))
    return Steadiness(images=used, left_out=len(original) - used, parts=tuple(results))


def key_point_accuracy(atlas: Atlas, records: Mapping[str, ImageRecord]) -> dict[int, PlaceAccuracy]:
    """Return how far the peaks of each part lie from its key point, left and right taken as one.

    A part has a key point if that is the nearest one for at least half of its peaks near any. Peaks in images in which the key
    point is not visible are left out. The control takes the places of the peaks, as fractions of the image, to another image
    with the key point and the part (`other_images`).

    Args:
        atlas: The atlas.
        records: Records of its images by name.
    """
    near = key_point_names(atlas, records, called=merged_side)  # a part on both eyes may have no majority on either
    chosen = {part: name.name for part, name in near.items() if name.share >= MAJORITY}
    if not chosen:
        return {}
    peaks = ~np.asarray(atlas.places["background"])
    images, part_of = np.asarray(atlas.places["image"][peaks]), atlas.part_of[peaks]
    x, y = (np.asarray(atlas.places[axis][peaks], dtype=np.float64) for axis in "xy")
    found = {}
    for part, point in chosen.items():
        rows = np.flatnonzero(part_of == part)
        shares, points, sizes = list[NDArray[np.float64]](), list[NDArray[np.float64]](), list[NDArray[np.float64]]()
        starts = np.flatnonzero(np.diff(images[rows], prepend=-1))
        for some in np.split(rows, starts[1:]) if rows.size else []:
            image = atlas.images[int(images[some[0]])]
            record = records.get(image.file)
            marks = [] if record is None else [one for one in record.parts if merged_side(one.name) == point]
            if marks:
                size = np.array([max(image.width, 1), max(image.height, 1)], dtype=np.float64)
                sizes.append(size)
                shares.append(np.stack([x[some], y[some]], axis=1) / size)
                points.append(np.array([(one.x, one.y) for one in marks]))
        if not shares:
            continue
        own = [_to_nearest(share * size, marks, size) for share, marks, size in zip(shares, points, sizes, strict=True)]
        others = [
            _to_nearest(shares[partner] * size, marks, size)
            for partner, marks, size in zip(
                other_images(len(shares), atlas.collection.seed), points, sizes, strict=True
            )
        ]
        found[part] = _accuracy(np.array(own), np.array(others) if len(own) > 1 else None, part, point)
    return found


def shared_places(
    atlas: Atlas, others: Iterable[tuple[Atlas, Sequence[MatchedPart]]]
) -> dict[int, tuple[SharedPlaces, ...]]:
    """Return for each part which places it shares with its counterpart in other models' atlases.

    Args:
        atlas: The atlas.
        others: The other atlases, and their parts matched with those of ``atlas`` (`atlas_agreement.match_parts`).
    """
    found = {part: list[SharedPlaces]() for part in atlas.parts.numbers}
    for other, matched in others:
        for match in matched:
            if match.first is not None:
                found[match.first].append(
                    SharedPlaces(
                        atlas=Path(other.path).resolve().name,
                        model=other.collection.model,
                        name=match.second_name,
                        shared=match.shared,
                        places=match.places,
                    )
                )
    return {part: tuple(some) for part, some in found.items()}


@dataclass(frozen=True, eq=False)
class _Again:
    """What becomes of the peaks of an image that a view shows.

    Attributes:
        parts: Their parts, (n,).
        near: Whether the view has a peak of the same part near, (n,).
        distances: To its nearest peak of the same part, as fractions of the longer side, (n,); NaN without one.
    """

    parts: NDArray[np.int64]
    near: NDArray[np.bool_]
    distances: NDArray[np.float64]


_NOTHING = _Again(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), np.empty(0))


def _again(peaks: ImagePeaks, view: ImagePeaks) -> _Again:
    x0, y0, x1, y1 = view.seen
    x, y = peaks.places[:, 0], peaks.places[:, 1]
    inside = (x0 <= x) & (x <= x1) & (y0 <= y) & (y <= y1)
    places, parts = peaks.places[inside], peaks.parts[inside]
    apart = np.abs(places[:, None] - view.places)
    same = parts[:, None] == view.parts
    near = (same & (apart < HIT).all(axis=-1)).any(axis=1)
    size = np.array(peaks.size, dtype=np.float64)
    distances = np.where(same, np.linalg.norm(apart * size, axis=-1) / max(size.max(), 1), np.inf)
    nearest = distances.min(axis=1, initial=np.inf)
    return _Again(parts, near, np.where(np.isfinite(nearest), nearest, np.nan))


def _repeats(pairs: Sequence[tuple[_Again, _Again] | None], part: int, name: str) -> Repeats | None:
    counts, beside = list[tuple[int, int]](), list[tuple[int, int]]()
    for pair in pairs:
        if pair is None:
            continue
        for again, rows in zip(pair, (counts, beside), strict=True):
            own = again.parts == part
            if own.any():
                rows.append((int(again.near[own].sum()), int(own.sum())))
    if not counts:
        return None
    values, control = np.array(counts, dtype=np.float64), np.array(beside, dtype=np.float64).reshape(-1, 2)

    def share(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        total: NDArray[np.float64] = drawn[..., 0].sum(axis=-1) / np.maximum(drawn[..., 1].sum(axis=-1), 1)
        return total

    low, high = interval_over_images(values, "steadiness", name, str(part), statistic=share) or (None, None)
    return Repeats(
        share=float(share(values)),
        low=low,
        high=high,
        control=float(share(control)) if len(control) else None,
        peaks=int(values[:, 1].sum()),
        images=len(values),
    )


def _view_accuracy(views: Sequence[Sequence[tuple[_Again, _Again] | None]], part: int) -> PlaceAccuracy | None:
    """Return how far the peaks of a part are from those of the changed views; None where these have none."""
    own, others = list[float](), list[float]()
    for of_image in zip(*views, strict=True):
        for side, values in ((0, own), (1, others)):
            some = [pair[side].distances[pair[side].parts == part] for pair in of_image if pair is not None]
            known = np.concatenate([np.empty(0), *some])
            known = known[np.isfinite(known)]
            if known.size:
                values.append(float(known.mean()))
    return _accuracy(np.array(own), np.array(others) if others else None, part) if own else None


def _accuracy(
    own: NDArray[np.float64], others: NDArray[np.float64] | None, part: int, point: str = ""
) -> PlaceAccuracy:
    def median(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.median(drawn, axis=-1)
        return found

    low, high = interval_over_images(own, "place accuracy", str(part), statistic=median) or (None, None)
    return PlaceAccuracy(
        distance=float(np.median(own)),
        low=low,
        high=high,
        control=None if others is None else float(np.median(others)),
        images=len(own),
        point=point,
    )


def _to_nearest(places: NDArray[np.float64], marks: NDArray[np.float64], size: NDArray[np.float64]) -> float:
    """Return the mean distance of places (n, 2) from the nearest mark (m, 2), as a fraction of the longer side."""
    return float(np.linalg.norm(places[:, None] - marks, axis=-1).min(axis=1).mean() / size.max())
