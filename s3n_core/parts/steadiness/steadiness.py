"""How steady the parts of an atlas are: whether their peaks come again in changed views, and how far off they lie. Without torch.

Two changed views of each image are asked: its mirror image, and a crop whose corner is drawn. Their peaks are mapped back to the
original exactly, so a peak *comes again* if the changed view has one of the same part near its place. Beside each figure stands
the same one for the changed view of another image: what a part that always lies at one place of the image would have, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import ImageRecord
from s3n_core.evaluation.bootstrap import interval_over_images
from s3n_core.evaluation.intervals import share_text
from s3n_core.parts.annotation.annotation_measures import HIT, merged_side
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.key_points import MAJORITY, KeyPointName, key_point_names
from s3n_core.parts.comparison.atlas_agreement import MatchedPart
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.seeding import keyed_generator

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """How often the peaks of a part come again.

    Attributes:
        share: The share of its peaks that do, in [0, 1].
        low: Lower end of the 95 % interval over images; None for fewer than ten.
        high: Upper end.
        control: The same share for the changed view of another image.
        peaks: Number of its peaks that the changed views show.
        images: Number of images that they are in.
    """

    share: float
    low: float | None
    high: float | None
    control: float | None
    peaks: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceAccuracy:
    """How far the peaks of a part lie from where they should.

    Attributes:
        distance: Median over images of the mean distance of their peaks, as a fraction of the image's longer side.
        low: Lower end of the 95 % interval over images; None for fewer than ten.
        high: Upper end.
        control: The same distance for the peaks of another image.
        images: Number of images.
        point: The key point that most peaks are near to; empty where there is none: the distance is then that to the nearest
            peak of the same part in the changed views.
    """

    distance: float
    low: float | None
    high: float | None
    control: float | None
    images: int
    point: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPlaces:
    """The part of another model's atlas that lies at the same places.

    Attributes:
        atlas: Name of the other atlas's folder.
        model: Digest of its model.
        name: Name of its part; empty if it lacks it.
        shared: Number of places that both have.
        places: Number of the part's places in the images of both.
    """

    atlas: str
    model: str
    name: str
    shared: int
    places: int


@dataclass(frozen=True, slots=True)
class Statement:
    """Something that was measured, in words.

    Attributes:
        said: What was found.
        beside: Its 95 % interval, how it was measured, and what it is held against; may be empty.
    """

    said: str
    beside: str

    @property
    def text(self) -> str:
        """Both as one sentence."""
        return f"{self.said} ({self.beside})." if self.beside else f"{self.said}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSteadiness:
    """How steady a part is.

    Attributes:
        part: Its number.
        mirrored: In mirror images; None without peaks.
        shifted: In shifted crops; None without peaks.
        accuracy: How far off its peaks are; None if that cannot be told.
        others: In the atlases of other models.
    """

    part: int
    mirrored: Repeats | None = None
    shifted: Repeats | None = None
    accuracy: PlaceAccuracy | None = None
    others: tuple[SharedPlaces, ...] = ()

    def statements(self) -> tuple[Statement, ...]:
        """Return everything in words."""
        found = [] if self.accuracy is None else [accuracy_statement(self.accuracy)]
        for words, repeats, view in (
            ("Mirrored", self.mirrored, "mirror image"),
            ("Shifted", self.shifted, "crop"),
        ):
            if repeats is not None:
                said = f"{words}: {100 * repeats.share:.0f} % of {repeats.peaks:,} come again"
                beside = _beside(repeats.control, f"in another image's {view}")
                found.append(Statement(said, _listed(_interval(repeats.low, repeats.high), beside)))
        for other in self.others:
            share = share_text(other.shared, other.places)
            if other.name:
                found.append(
                    Statement(f"Model of {other.atlas}: {share} of its peaks are there, too", f"as {other.name}")
                )
            else:
                found.append(Statement(f"Model of {other.atlas}: it has no such part", ""))
        return tuple(found)


@dataclass(frozen=True, kw_only=True)
class Steadiness:
    """How steady the parts of an atlas are.

    Attributes:
        images: Number of images that were asked again.
        left_out: Number of images that could not be used.
        parts: Each part that is measured, in the order of their numbers.
    """

    images: int
    left_out: int
    parts: tuple[PartSteadiness, ...]

    def of(self, part: int) -> PartSteadiness | None:
        """Return a part's; None if it was not measured."""
        return next((one for one in self.parts if one.part == part), None)

    def with_others(self, others: Mapping[int, tuple[SharedPlaces, ...]]) -> Steadiness:
        """Return the same with what other models have (`shared_places`), in place of what was known of others."""
        parts = tuple(replace(one, others=others.get(one.part, ())) for one in self.parts)
        return replace(self, parts=parts)

    def with_parts(self, more: Steadiness) -> Steadiness:
        """Return the same with more parts, which were measured with the same images."""
        return replace(self, parts=tuple(sorted((*self.parts, *more.parts), key=lambda one: one.part)))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        found: dict[str, Any] = to_json(self)
        return found

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Steadiness:
        """Read what `to_dict` returns.

        Raises:
            ValueError: It is something else.
            KeyError: A field is missing.
        """

        def one(value: Mapping[str, Any]) -> PartSteadiness:
            views = {
                view: None if value[view] is None else from_json(Repeats, value[view])
                for view in ("mirrored", "shifted")
            }
            accuracy = value["accuracy"]
            return PartSteadiness(
                part=int(value["part"]),
                mirrored=views["mirrored"],
                shifted=views["shifted"],
                accuracy=None if accuracy is None else from_json(PlaceAccuracy, accuracy),
                others=tuple(from_json(SharedPlaces, other) for other in value["others"]),
            )

        return cls(
            images=int(values["images"]),
            left_out=int(values["left_out"]),
            parts=tuple(one(value) for value in values["parts"]),
        )

    def table(self, names: Mapping[int, str]) -> list[list[str]]:
        """Return a table with its titles; a part of which nothing can be told has no row.

        Args:
            names: Names of the parts.
        """
        rows = [["part", "mirrored", "another image", "shifted", "another image", "off by", "another image"]]
        for one in self.parts:
            if (one.mirrored, one.shifted, one.accuracy) == (None, None, None):
                continue
            row = [names[one.part]]
            for repeats in (one.mirrored, one.shifted):
                if repeats is None:
                    row += ["", ""]
                else:
                    share = f"{100 * repeats.share:.0f} % of {repeats.peaks:,}{_in_brackets(repeats.low, repeats.high)}"
                    row += [share, _percent(repeats.control)]
            off = one.accuracy
            if off is None:
                row += ["", ""]
            else:
                point = f", {off.point}" if off.point else ""
                row += [
                    f"{100 * off.distance:.0f} %{_in_brackets(off.low, off.high)}{point}",
                    _percent(off.control),
                ]
            rows.append(row)
        return rows

    def sentences(self) -> list[str]:
        """Return what the table means, in words."""
        left_out = f" {self.left_out} could not be used." if self.left_out else ""
        return [
            f"{self.images} images, mirrored and cropped once each.{left_out} A peak comes again if the changed view has one of "
            f"the same part within {100 * HIT:.0f} % of the image's sides; in brackets 95 % intervals over images.",
            "Off by: median distance as a share of the image's longer side, to the key point that is named, else to the nearest "
            "peak of the part in the changed views.",
        ]


def accuracy_statement(accuracy: PlaceAccuracy) -> Statement:
    """Return how accurate places are, in words, and what that was measured with."""
    how = f"by the key point {accuracy.point}" if accuracy.point else "by mirrored and shifted images"
    return Statement(
        f"Accurate to about {100 * accuracy.distance:.0f} % of the side",
        _listed(_interval(accuracy.low, accuracy.high), how, _beside(accuracy.control, "with another image's peaks")),
    )


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


def other_images(count: int, seed: int = 0) -> tuple[int, ...]:
    """Return for each of so many images the one whose changed views its peaks are held against as a control."""
    order = keyed_generator(seed, "views of other images").permutation(count)
    partner = np.empty(count, dtype=np.intp)
    partner[order] = np.roll(order, -1)
    return tuple(partner.tolist())


def key_point_accuracy(
    atlas: Atlas, records: Mapping[str, ImageRecord], names: Mapping[int, KeyPointName] | None = None
) -> dict[int, PlaceAccuracy]:
    """Return how far the peaks of each part lie from its key point, left and right taken as one.

    A part has a key point if that is the nearest one for at least half of its peaks near any. Peaks in images in which the key
    point is not visible are left out. The control takes the places of the peaks, as fractions of the image, to the next image
    with the key point and the part.

    Args:
        atlas: The atlas.
        records: Records of its images by name.
        names: The key points of its parts (`key_point_names`), if they are known already.
    """
    near = key_point_names(atlas, records) if names is None else names
    chosen = {part: name for part, name in near.items() if name.share >= MAJORITY}
    if not chosen:
        return {}
    peaks = ~np.asarray(atlas.places["background"])
    images, part_of = np.asarray(atlas.places["image"][peaks]), atlas.part_of[peaks]
    x, y = (np.asarray(atlas.places[axis][peaks], dtype=np.float64) for axis in "xy")
    found = {}
    for part, name in chosen.items():
        point = merged_side(name.name)
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
        turned = shares[1:] + shares[:1]
        others = [
            _to_nearest(share * size, marks, size) for share, marks, size in zip(turned, points, sizes, strict=True)
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


def _interval(low: float | None, high: float | None) -> str:
    return "" if low is None or high is None else f"{100 * low:.0f} to {100 * high:.0f}"


def _beside(control: float | None, what: str) -> str:
    return "" if control is None else f"{what} {100 * control:.0f} %"


def _listed(*some: str) -> str:
    return "; ".join(filter(None, some))


def _in_brackets(low: float | None, high: float | None) -> str:
    found = _interval(low, high)
    return f" ({found})" if found else ""


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.0f} %"
