"""What tells class A from class B: contributions of parts with intervals, beside what is relied on. Without torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.system.json_values import to_json
from s3n_core.system.seeding import keyed_generator

FEWEST = 10
"""With fewer images than this of either class there is no interval."""

_RESAMPLES = 2000

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedPart:
    """One part, or what belongs to no part, in the comparison of class A with class B. All values in logits.

    Attributes:
        part: Its number, from 0; None for the rest.
        name: Its name; "no part" and "outside the object" for the rest.
        background: Whether it holds background.
        contribution: Its contribution to the margin of A over B: mean over images of A less mean over images of B.
        more_often: What of it comes from being found in more images of one class.
        stronger: What of it comes from contributing more where it is found; both sum to ``contribution``.
        interval: 95 % interval of ``contribution``; None with too few images.
        first: Probability that it is the part with the largest contribution; None with too few images, and for the rest.
        relied_on: How much of the margin is lost when it is hidden, less the loss for random places of the same size,
            averaged like ``contribution`` (images without it count as 0); None where nothing was hidden.
        relied_interval: 95 % interval of ``relied_on``; None alike.
        images_a: Images of A in which it is found.
        images_b: Images of B in which it is found.
    """

    part: int | None
    name: str
    background: bool
    contribution: float
    more_often: float
    stronger: float
    interval: Interval | None
    first: float | None
    relied_on: float | None
    relied_interval: Interval | None
    images_a: int
    images_b: int


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What tells class A from class B.

    Attributes:
        a: Class A.
        b: Class B.
        split: Which images these are.
        images_a: Number of images of A.
        images_b: Number of images of B.
        units_a: The same, near-duplicates and images of one group counted once.
        units_b: Alike.
        margin: Mean margin of A over B in images of A, less that in images of B, in logits.
        parts: The parts, the largest contribution first.
        rest: What belongs to no part.
        not_hidden: Images in which no place could be hidden for lack of room for random places.
        unreadable: Names of images that could not be used.
    """

    a: str
    b: str
    split: str
    images_a: int
    images_b: int
    units_a: int
    units_b: int
    margin: float
    parts: tuple[ComparedPart, ...]
    rest: tuple[ComparedPart, ...]
    not_hidden: int = 0
    unreadable: tuple[str, ...] = ()

    @property
    def rows(self) -> tuple[ComparedPart, ...]:
        """The parts and the rest, whose contributions sum to ``margin``."""
        return (*self.parts, *self.rest)

    @property
    def has_intervals(self) -> bool:
        """Whether there are enough images for intervals."""
        return min(self.units_a, self.units_b) >= FEWEST

    def to_dict(self) -> dict[str, Any]:
        """Return the ranking as JSON values; the contributions of all parts and ``rest`` sum to ``margin``."""
        return {
            "a": self.a,
            "b": self.b,
            "margin": self.margin,
            "parts": [
                {
                    "part": part.part,
                    "name": part.name,
                    "contribution": part.contribution,
                    "relied_on": part.relied_on,
                    "low": None if part.interval is None else part.interval[0],
                    "high": None if part.interval is None else part.interval[1],
                    "images_a": part.images_a,
                    "images_b": part.images_b,
                }
                for part in self.parts
            ],
        }

    def details(self) -> dict[str, Any]:
        """Return everything as JSON values."""
        found: dict[str, Any] = to_json(self)
        return found

    def header(self) -> list[str]:
        """Return the titles of the table."""
        return ["part", "contribution", "more often", "stronger", "relied on", "in A", "in B", "first"]

    def cells(self) -> list[list[str]]:
        """Return the rows of the table, the rest and the sum included."""
        rows = [
            [
                row.name + (" (background)" if row.background else ""),
                _text(row.contribution, row.interval),
                f"{row.more_often:+.2f}",
                f"{row.stronger:+.2f}",
                "" if row.relied_on is None else _text(row.relied_on, row.relied_interval),
                f"{row.images_a} of {self.images_a}",
                f"{row.images_b} of {self.images_b}",
                "" if row.first is None else f"{100 * row.first:.0f} %",
            ]
            for row in self.rows
            if row.part is None or row.images_a or row.images_b
        ]
        return [*rows, ["sum = margin", f"{self.margin:+.2f}", "", "", "", "", "", ""]]

    def sentences(self) -> list[str]:
        """Return what the table says and does not say."""
        a, b = displayed_class(self.a), displayed_class(self.b)
        said = [
            f"A: {a}, {self.images_a} images; B: {b}, {self.images_b} images (split {self.split}). In logits; the margin is "
            "that of A over B in images of A, less that in images of B."
        ]
        if (self.units_a, self.units_b) != (self.images_a, self.images_b):
            said.append(
                f"Near-duplicates and images of one group count once: {self.units_a} and {self.units_b} units of resampling."
            )
        if not self.has_intervals:
            said.append(f"No intervals: they need at least {FEWEST} images of each class.")
        rest, whole = sum(row.contribution for row in self.rest), sum(abs(row.contribution) for row in self.rows)
        if self.parts:
            best = self.parts[0]
            said.append(
                f"The largest contribution is read at {best.name} ({best.contribution:+.2f}); {rest:+.2f} is read at no part"
                + (f", {100 * abs(rest) / whole:.0f} % of the sum of absolute values." if whole else ".")
            )
        relied = [part for part in self.parts if part.relied_interval is not None and part.relied_interval[0] > 0]
        if relied:
            names = ", ".join(part.name for part in sorted(relied, key=lambda part: -(part.relied_on or 0)))
            said.append(
                f"Hiding these costs more than random places of the same size (95 % intervals above 0): {names}."
            )
        elif any(part.relied_interval is not None for part in self.parts):
            said.append("No part was shown to matter more than random places of the same size.")
        if self.not_hidden:
            said.append(f"In {self.not_hidden} images there was no room for random places; nothing was hidden there.")
        if self.unreadable:
            said.append(f"{len(self.unreadable)} images could not be used (first: {self.unreadable[0]}).")
        return said


@dataclass(frozen=True, eq=False)
class ClassValues:
    """What was measured in the images of one class; n images, P parts, then the rows of the rest.

    Attributes:
        contributions: float64 (n, P + rest), in logits; 0 where a part is not found.
        found: bool (n, P + rest).
        losses: Loss of the margin of A over B when a part is hidden, less that for random places, (n, P): 0 where the part
            is not found, NaN where nothing could be hidden; None if nothing was hidden.
        units: The unit of each image, 0 ... u - 1: near-duplicates share one.
    """

    contributions: NDArray[np.float64]
    found: NDArray[np.bool_]
    losses: NDArray[np.float64] | None
    units: NDArray[np.intp]


def compare_values(
    a: ClassValues, b: ClassValues, parts: Sequence[tuple[int, str, bool]], rest: Sequence[str], *, seed: int = 0
) -> tuple[tuple[ComparedPart, ...], tuple[ComparedPart, ...]]:
    """Compare what was measured in the images of two classes.

    Args:
        a: Of class A.
        b: Of class B.
        parts: (number, name, whether background) of each part, in the order of the columns.
        rest: Names of the columns after them.
        seed: Seed of the bootstrap, which resamples units within each class.

    Returns:
        The parts, the largest contribution first; and the rest.
    """
    enough = min(int(values.units.max()) + 1 for values in (a, b)) >= FEWEST
    generator = keyed_generator(seed, "comparison of classes")
    drawn_a, drawn_b = (_drawn_counts(values.units, generator) if enough else None for values in (a, b))
    means = a.contributions.mean(axis=0) - b.contributions.mean(axis=0)
    intervals, first = [None] * means.size, [None] * len(parts)
    if drawn_a is not None and drawn_b is not None:
        draws = _resampled(a.contributions, a.units, drawn_a) - _resampled(b.contributions, b.units, drawn_b)
        intervals = _intervals(draws)  # type: ignore[assignment]
        if parts:
            winners = draws[:, : len(parts)].argmax(axis=1)
            first = (np.bincount(winners, minlength=len(parts)) / len(draws)).tolist()
    relied: list[float | None] = [None] * means.size
    relied_intervals: list[Interval | None] = [None] * means.size
    if a.losses is not None and b.losses is not None:
        for column in range(len(parts)):
            of_a, of_b = a.losses[:, column], b.losses[:, column]
            if not (a.found[:, column].any() or b.found[:, column].any()):
                continue
            kept_a, kept_b = np.isfinite(of_a), np.isfinite(of_b)
            if not (kept_a.any() and kept_b.any()):
                continue
            relied[column] = float(of_a[kept_a].mean() - of_b[kept_b].mean())
            if drawn_a is not None and drawn_b is not None:
                draws = _resampled(of_a[:, None], a.units, drawn_a) - _resampled(of_b[:, None], b.units, drawn_b)
                relied_intervals[column] = _intervals(draws)[0]

    def row(column: int, part: int | None, name: str, background: bool) -> ComparedPart:
        more_often, stronger = _split(a, b, column)
        return ComparedPart(
            part=part,
            name=name,
            background=background,
            contribution=float(means[column]),
            more_often=more_often,
            stronger=stronger,
            interval=intervals[column],
            first=None if part is None else first[column],
            relied_on=relied[column],
            relied_interval=relied_intervals[column],
            images_a=int(a.found[:, column].sum()),
            images_b=int(b.found[:, column].sum()),
        )

    of_parts = [row(column, *part) for column, part in enumerate(parts)]
    of_rest = [row(len(parts) + index, None, name, False) for index, name in enumerate(rest)]
    return tuple(sorted(of_parts, key=lambda part: -part.contribution)), tuple(of_rest)


def _split(a: ClassValues, b: ClassValues, column: int) -> tuple[float, float]:
    """Return (f_A - f_B) x mean strength and mean f x (m_A - m_B), which sum to f_A m_A - f_B m_B.

    f is the share of images in which the part is found, m its mean contribution there; where it is found in one class only,
    the other's strength is unknown, and everything is "more often".
    """
    shares, strengths = [], []
    for values in (a, b):
        found = values.found[:, column]
        shares.append(float(found.mean()))
        strengths.append(float(values.contributions[found, column].mean()) if found.any() else None)
    m_a, m_b = strengths
    m_a, m_b = (m_b if m_a is None else m_a), (m_a if m_b is None else m_b)
    if m_a is None or m_b is None:
        return 0.0, 0.0
    return (shares[0] - shares[1]) * (m_a + m_b) / 2, (shares[0] + shares[1]) / 2 * (m_a - m_b)


def _drawn_counts(units: NDArray[np.intp], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return how often each unit is drawn, (resamples, units)."""
    count = int(units.max()) + 1
    return generator.multinomial(count, np.full(count, 1 / count), size=_RESAMPLES)


def _resampled(values: NDArray[np.float64], units: NDArray[np.intp], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the mean of values (n, R) in each resample, (resamples, R), without those that are not numbers."""
    known = np.isfinite(values)
    sums, sizes = (np.zeros((drawn.shape[1], values.shape[1])) for _ in range(2))
    np.add.at(sums, units, np.where(known, values, 0))
    np.add.at(sizes, units, known)
    found: NDArray[np.float64] = (drawn @ sums) / np.maximum(drawn @ sizes, 1)
    return found


def _intervals(draws: NDArray[np.float64]) -> list[Interval]:
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def _text(value: float, interval: Interval | None) -> str:
    return f"{value:+.2f}" + ("" if interval is None else f" ({interval[0]:+.2f} to {interval[1]:+.2f})")
