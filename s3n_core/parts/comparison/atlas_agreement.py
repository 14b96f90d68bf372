"""Two atlases of the same images side by side: which parts they share, and whether their rankings agree. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.comparison import ComparedPart, Comparison

NEAR = 0.10
"""Two places are the same place if they are nearer than this fraction of the image's longer side."""

SAME_PART = 0.25
"""Two parts are the same part if they share at least this fraction of their places."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedPart:
    """A part of one atlas, and the part of the other that lies at the same places.

    Attributes:
        first: Number of the part in the first atlas; None if only the other has it.
        second: Number of the part in the other atlas; None if it lacks it.
        first_name: Its name there.
        second_name: Its name there.
        overlap: The share of their places that they have in common, 2 s / (n + m), in [0, 1]; of an unmatched part, the
            largest with any part of the other atlas.
        places: Number of places of the part, or of the first of the two.
        shared: How many of them the other part has, too; 0 of an unmatched part.
    """

    first: int | None
    second: int | None
    first_name: str
    second_name: str
    overlap: float
    places: int
    shared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RankAgreement:
    """How well two rankings of the shared parts agree.

    Attributes:
        parts: Number of parts that both rank.
        contribution: Kendall's tau-b of the contributions, in [-1, 1]; None with fewer than two parts.
        relied_on: The same for what is relied on; None alike, and where nothing was hidden.
        same_mark: Whether both name the same part as the best mark; None if one names none, or
            one without a peak.
    """

    parts: int
    contribution: float | None
    relied_on: float | None
    same_mark: bool | None


def match_parts(first: Atlas, second: Atlas) -> tuple[MatchedPart, ...]:
    """Match the parts of two atlases by where their peaks lie in the same images.

    Two peaks are at the same place if they are nearer than `NEAR` of the image's longer side. The matching is the one with the
    largest sum of overlaps; pairs below `SAME_PART` are not matched. Hidden parts take part, those without a peak do not.

    Returns:
        The matched parts, most places first, then those that only the first atlas has, then those that only the other has.

    Raises:
        AtlasError: The atlases have no image in common.
    """
    from scipy.optimize import linear_sum_assignment

    numbers = [
        np.array([part for part, (peaks, _) in atlas.counts.items() if peaks], dtype=np.intp)
        for atlas in (first, second)
    ]
    shared, counts = _shared_places(first, second, numbers)
    overlaps = 2 * shared / np.maximum(counts[0][:, None] + counts[1], 1)
    rows, columns = linear_sum_assignment(-overlaps)
    pairs = [(row, column) for row, column in zip(rows, columns, strict=True) if overlaps[row, column] >= SAME_PART]
    found = [
        MatchedPart(
            first=int(numbers[0][row]),
            second=int(numbers[1][column]),
            first_name=first.parts.name(int(numbers[0][row])),
            second_name=second.parts.name(int(numbers[1][column])),
            overlap=float(overlaps[row, column]),
            places=int(counts[0][row]),
            shared=int(shared[row, column]),
        )
        for row, column in sorted(pairs, key=lambda pair: -counts[0][pair[0]])
    ]
    for index in sorted(set(range(len(numbers[0]))) - {row for row, _ in pairs}, key=lambda row: -counts[0][row]):
        part = int(numbers[0][index])
        best = float(overlaps[index].max(initial=0))
        places = int(counts[0][index])
        name = first.parts.name(part)
        found.append(MatchedPart(first=part, second=None, first_name=name, second_name="", overlap=best, places=places))
    for index in sorted(set(range(len(numbers[1]))) - {column for _, column in pairs}, key=lambda row: -counts[1][row]):
        part = int(numbers[1][index])
        best = float(overlaps[:, index].max(initial=0))
        places = int(counts[1][index])
        name = second.parts.name(part)
        found.append(MatchedPart(first=None, second=part, first_name="", second_name=name, overlap=best, places=places))
    return tuple(found)


def rank_agreement(first: Comparison, second: Comparison, matched: tuple[MatchedPart, ...]) -> RankAgreement:
    """Compare the rankings of the same two classes in two atlases, over the parts that both have.

    Args:
        first: The comparison in the first atlas.
        second: That of the same classes in the other.
        matched: The parts of both (`match_parts`).
    """
    pairs = {match.first: match.second for match in matched if match.first is not None and match.second is not None}
    of = [{part.part: part for part in comparison.parts} for comparison in (first, second)]
    both = [(of[0][one], of[1][other]) for one, other in pairs.items() if one in of[0] and other in of[1]]
    marks = first.mark, second.mark
    same = None
    if marks[0] is not None and marks[1] is not None:
        known = {match.first for match in matched}, {match.second for match in matched}
        if marks[0].part in known[0] and marks[1].part in known[1]:  # else one of them has no peak to match it by
            same = (marks[0].part, marks[1].part) in pairs.items()
    return RankAgreement(
        parts=len(both),
        contribution=_tau(both, "contribution"),
        relied_on=_tau(both, "relied_on"),
        same_mark=same,
    )


def _tau(both: list[tuple[ComparedPart, ComparedPart]], field: str) -> float | None:
    from scipy.stats import kendalltau

    values = [(getattr(one, field), getattr(other, field)) for one, other in both]
    known = [pair for pair in values if None not in pair]
    if len(known) < 2:
        return None
    tau = float(kendalltau(*zip(*known, strict=True)).statistic)
    return tau if np.isfinite(tau) else None


def _shared_places(
    first: Atlas, second: Atlas, numbers: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return how many places two parts share, (P, Q), and how many places each part has in the common images."""
    known = {image.file: number for number, image in enumerate(second.images) if not image.error}
    common = {
        number: known[image.file]
        for number, image in enumerate(first.images)
        if image.file in known and not image.error
    }
    if not common:
        raise AtlasError("The two atlases have no image in common; build both from the same images.")
    of = [_by_image(atlas, index) for atlas, index in zip((first, second), numbers, strict=True)]
    shared = np.zeros((len(numbers[0]), len(numbers[1])), dtype=np.int64)
    counts = np.zeros(len(numbers[0]), dtype=np.int64), np.zeros(len(numbers[1]), dtype=np.int64)
    for one, other in common.items():
        places, parts = of[0].get(one, _NONE)
        others, other_parts = of[1].get(other, _NONE)
        np.add.at(counts[0], parts, 1)
        np.add.at(counts[1], other_parts, 1)
        if not len(places) or not len(others):
            continue
        image = first.images[one]
        distances = np.linalg.norm(places[:, None] - others, axis=-1) / max(image.width, image.height, 1)
        # Each place is shared at most once: with the nearest place of the other atlas that has it as its nearest.
        nearest, back = distances.argmin(axis=1), distances.argmin(axis=0)
        rows = np.flatnonzero((back[nearest] == np.arange(len(places))) & (distances.min(axis=1) < NEAR))
        np.add.at(shared, (parts[rows], other_parts[nearest[rows]]), 1)
    return shared, counts


_NONE: tuple[NDArray[Any], NDArray[Any]] = (np.empty((0, 2)), np.empty(0, dtype=np.intp))


def _by_image(atlas: Atlas, numbers: NDArray[np.int64]) -> Mapping[int, tuple[NDArray[np.float64], NDArray[np.intp]]]:
    """Return the places of each image's peaks, (n, 2), and the position of each one's part among ``numbers``."""
    peaks = ~np.asarray(atlas.places["background"])
    places = np.stack([atlas.places["x"][peaks], atlas.places["y"][peaks]], axis=1).astype(np.float64)
    images, parts = np.asarray(atlas.places["image"][peaks]), np.searchsorted(numbers, atlas.part_of[peaks])
    starts = np.flatnonzero(np.diff(images, prepend=-1)).tolist()
    ends = (np.flatnonzero(np.diff(images, append=-1)) + 1).tolist()  # in an atlas without peaks none, as of the starts
    return {int(images[start]): (places[start:end], parts[start:end]) for start, end in zip(starts, ends, strict=True)}
