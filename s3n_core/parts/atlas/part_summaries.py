"""What is known of an atlas's parts: over all images, and in those of a class. Without torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas_files import AtlasImage
from s3n_core.parts.atlas.part_edits import EditedParts


@dataclass(frozen=True, slots=True, kw_only=True)
class PartSummary:
    """What is known of one part over all images.

    Attributes:
        part: Its number, from 0.
        name: Its name.
        background: Whether it holds background.
        hidden: Whether a person has hidden it.
        peaks: Number of its peaks.
        cells: Number of the drawn cells that it holds.
        images: Number of images in which it has a peak.
        place: Mean (x, y) of its peaks as fractions of the image's width and height; None without peaks.
        spread: Their standard deviation, alike.
        response: Mean R of its peaks, in [0, 1]; None without peaks.
        contribution: Mean contribution of a peak to the margin of the image's class over its strongest rival, in logits.
        strong: The share of its peaks in D, those in both sets counted half; the others are in C.
        classes: (class, images of the class in which it has a peak, images of the class), the most frequent first.
    """

    part: int
    name: str
    background: bool
    hidden: bool
    peaks: int
    cells: int
    images: int
    place: tuple[float, float] | None
    spread: tuple[float, float] | None
    response: float | None
    contribution: float | None
    strong: float | None
    classes: tuple[tuple[str, int, int], ...]

    @property
    def is_empty(self) -> bool:
        """Whether it holds neither peaks nor drawn cells any more."""
        return not (self.peaks or self.cells)

    @property
    def marks(self) -> tuple[str, ...]:
        """What a list says beside the name (`part_marks`)."""
        return part_marks(self.peaks, self.cells, background=self.background, hidden=self.hidden)

    @property
    def title(self) -> str:
        """Its name and marks: "part 3 (background, drawn cells only)"."""
        return marked_name(self.name, self.marks)

    @property
    def found_text(self) -> str:
        """How often it is found: "12 peaks in 8 images"."""
        if self.peaks:
            return f"{self.peaks:,} peak{_s(self.peaks)} in {self.images:,} image{_s(self.images)}"
        return "no peak" + (f", {self.cells:,} drawn cell{_s(self.cells)}" if self.cells else "")


def marked_name(name: str, marks: Sequence[str]) -> str:
    """Return a part's name with its marks: "part 3 (background, drawn cells only)"."""
    return f"{name} ({', '.join(marks)})" if marks else name


def part_marks(peaks: int, cells: int, *, background: bool = False, hidden: bool = False) -> tuple[str, ...]:
    """Return what a list says of a part beside its name.

    Args:
        peaks: Number of its peaks.
        cells: Number of its drawn cells. A group of drawn cells only is what k-means makes of a background without peaks; a part
            without either is empty, because a person has moved all its peaks to other parts.
        background: Whether it holds background.
        hidden: Whether a person has hidden it.
    """
    holds = "" if peaks else "drawn cells only" if cells else "empty"
    return tuple(filter(None, ("background" if background else "", "hidden" if hidden else "", holds)))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassPart:
    """One part in the images of a class.

    Attributes:
        part: Its number, from 0.
        name: Its name.
        images: In how many of them it has a peak.
        total: Number of images of the class.
        contribution: What its peaks contribute to the margin of the class over the strongest rival, in logits, as the mean
            over all images of the class.
    """

    part: int
    name: str
    images: int
    total: int
    contribution: float


def part_summaries(
    places: NDArray[Any],
    part_of: NDArray[np.int64],
    images: Sequence[AtlasImage],
    parts: EditedParts,
    counts: Mapping[int, tuple[int, int]],
    background: Collection[int],
) -> tuple[PartSummary, ...]:
    """Return what is known of each part, the most frequent first, empty ones last.

    Args:
        places: Peaks and drawn cells (`atlas_files.PLACE`), (n,).
        part_of: The part of each, (n,).
        images: The atlas's images.
        parts: The parts.
        counts: How many peaks and drawn cells each holds.
        background: Those that hold background.
    """
    at_peaks = ~np.asarray(places["background"])
    places, part_of = places[at_peaks], part_of[at_peaks]
    sizes = np.array([(max(image.width, 1), max(image.height, 1)) for image in images])
    shares = np.stack([places["x"], places["y"]], axis=1) / sizes[places["image"]]
    strong = np.choose(places["set"], (1.0, 0.0, 0.5, np.nan))
    labels = [None if image.error else image.label for image in images]  # of those that could be used, as for a class
    totals = {name: labels.count(name) for name in dict.fromkeys(labels) if name is not None}
    found = []
    for part in parts.numbers:
        own = part_of == part
        shown_in = np.unique(places["image"][own]).tolist()
        by_class = dict.fromkeys(totals, 0)
        for image in shown_in:
            if (name := labels[image]) is not None:
                by_class[name] += 1
        some = bool(own.any())
        in_sets = strong[own][np.isfinite(strong[own])]
        classes = sorted(by_class, key=lambda name: -by_class[name] / totals[name])
        found.append(
            PartSummary(
                part=part,
                name=parts.name(part),
                background=part in background,
                hidden=parts.is_hidden(part),
                peaks=counts[part][0],
                cells=counts[part][1],
                images=len(shown_in),
                place=_pair(shares[own].mean(axis=0)) if some else None,
                spread=_pair(shares[own].std(axis=0)) if some else None,
                response=float(places["response"][own].mean()) if some else None,
                contribution=float(places["contribution"][own].mean()) if some else None,
                strong=float(in_sets.mean()) if in_sets.size else None,
                classes=tuple((name, by_class[name], totals[name]) for name in classes if by_class[name]),
            )
        )
    return tuple(sorted(found, key=lambda summary: (-summary.peaks, -summary.cells)))


def parts_of_class(
    label: str, places: NDArray[Any], part_of: NDArray[np.int64], images: Sequence[AtlasImage], parts: EditedParts
) -> tuple[ClassPart, ...]:
    """Return the parts of a class, those whose peaks contribute most first.

    Args:
        label: The class.
        places: Peaks and drawn cells (`atlas_files.PLACE`), (n,).
        part_of: The part of each, (n,).
        images: The atlas's images.
        parts: The parts.

    Raises:
        AtlasError: There is no image of it.
    """
    of_class = [number for number, image in enumerate(images) if image.label == label and not image.error]
    if not of_class:
        raise AtlasError(f"The atlas has no image of {displayed_class(label)}.")
    own = np.isin(places["image"], of_class) & ~np.asarray(places["background"])
    places, part_of = places[own], part_of[own]
    found = []
    for part in parts.numbers:
        of_part = part_of == part
        if of_part.any() and not parts.is_hidden(part):
            found.append(
                ClassPart(
                    part=part,
                    name=parts.name(part),
                    images=len(np.unique(places["image"][of_part])),
                    total=len(of_class),
                    contribution=float(places["contribution"][of_part].sum(dtype=np.float64)) / len(of_class),
                )
            )
    return tuple(sorted(found, key=lambda part: -part.contribution))


def _s(count: int) -> str:
    return "" if count == 1 else "s"


def _pair(values: NDArray[Any]) -> tuple[float, float]:
    first, second = values.tolist()
    return float(first), float(second)
