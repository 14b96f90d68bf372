"""How steady the parts of an atlas are: what was measured of each, in words and as JSON. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from s3n_core.evaluation.intervals import share_text
from s3n_core.parts.annotation.annotation_measures import HIT
from s3n_core.system.json_values import from_json, to_json


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
