"""Values measured in the images of two classes, and the comparison that they make. Without torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress

import numpy as np
from numpy.typing import NDArray

from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.parts.comparison.comparison import FEWEST, ComparedImage, ComparedPart, Comparison, Interval
from s3n_core.system.seeding import keyed_generator

_RESAMPLES = 2000


@dataclass(frozen=True, eq=False)
class ClassValues:
    """What was measured in the images of one class; n images, P parts, then the rows of the rest.

    Attributes:
        contributions: float64 (n, P + rest), in logits; 0 where a part is not found.
        found: bool (n, P + rest).
        losses: Loss of the margin of A over B when a part is hidden, less that for random places, (n, P): 0 where the part
            is not found, NaN where nothing could be hidden; None if nothing was hidden.
        units: The unit of each image, 0 ... u - 1: near-duplicates share one.
        changed: 1 where the predicted class changes when a part is hidden, (n, P), with 0 and NaN alike; None alike.
        changed_random: The share of random places that change it, alike.
    """

    contributions: NDArray[np.float64]
    found: NDArray[np.bool_]
    losses: NDArray[np.float64] | None
    units: NDArray[np.intp]
    changed: NDArray[np.float64] | None = None
    changed_random: NDArray[np.float64] | None = None

    def of(self, rows: NDArray[np.intp] | NDArray[np.bool_]) -> ClassValues:
        """Return those of some images, with units numbered from 0 again."""

        def some(values: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
            return None if values is None else values[rows]

        return ClassValues(
            self.contributions[rows],
            self.found[rows],
            some(self.losses),
            np.unique(self.units[rows], return_inverse=True)[1].astype(np.intp),
            some(self.changed),
            some(self.changed_random),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class MeasuredImages:
    """What was measured in each image of two classes, of which comparisons are made: of all, or of those with a tag.

    Attributes:
        a: Class A.
        b: Class B, or None for all other classes.
        split: Which images these are.
        files: The images' names, (n,).
        of_a: Which of them are of class A, bool (n,).
        right: Which of them are predicted correctly, bool (n,).
        values: What was measured in them.
        parts: (number, name, whether background) of each part, in the order of the columns.
        rest: Names of the columns after them.
        not_hidden: Why no place could be hidden in each, as of `hide_parts`, (n,); empty where places were hidden.
        unreadable: Names of images that could not be used.
        seed: Seed of the bootstrap.
        images: What was found in each, (n,).
    """

    a: str
    b: str | None
    split: str
    files: tuple[str, ...]
    of_a: NDArray[np.bool_]
    right: NDArray[np.bool_]
    values: ClassValues
    parts: tuple[tuple[int, str, bool], ...]
    rest: tuple[str, ...]
    not_hidden: tuple[str, ...]
    unreadable: tuple[str, ...] = ()
    seed: int = 0
    images: tuple[ComparedImage, ...] = ()

    def comparison(self, keep: NDArray[np.bool_] | None = None, *, tag: str = "") -> Comparison:
        """Compare the classes.

        Args:
            keep: Only these images, bool (n,), some of both classes; None: all.
            tag: What these images are called.
        """
        kept = np.ones(len(self.files), dtype=bool) if keep is None else keep
        of_a, of_b = (self.values.of(np.flatnonzero(kept & side)) for side in (self.of_a, ~self.of_a))
        parts, rest = compare_values(of_a, of_b, self.parts, self.rest, seed=self.seed)
        reasons = list(compress(self.not_hidden, kept))
        return Comparison(
            a=self.a,
            b=self.b,
            split=self.split,
            images_a=len(of_a.units),
            images_b=len(of_b.units),
            units_a=int(of_a.units.max()) + 1,
            units_b=int(of_b.units.max()) + 1,
            margin=float(of_a.contributions.sum(axis=1).mean() - of_b.contributions.sum(axis=1).mean()),
            parts=parts,
            rest=rest,
            not_hidden=sum(map(bool, reasons)),
            not_finite=reasons.count(NOT_FINITE),
            unreadable=self.unreadable,
            tag=tag,
            images=tuple(image for image, keeps in zip(self.images, kept.tolist(), strict=False) if keeps),
        )

    def by_tag(self, tags: Mapping[str, Collection[str]]) -> tuple[Comparison, ...]:
        """Compare the classes once for each tag: images with the tag, or all of a class that has none with it.

        Args:
            tags: The tags of images by their name.

        Returns:
            One comparison per tag that some image has, in the order of the tags' names.
        """
        of_images = [tags.get(name, ()) for name in self.files]
        found = []
        for tag in sorted(set(chain.from_iterable(of_images))):
            tagged = np.array([tag in own for own in of_images])
            keep = np.zeros_like(tagged)
            for side in (self.of_a, ~self.of_a):
                keep |= side & (tagged if (side & tagged).any() else True)
            found.append(self.comparison(keep, tag=tag))
        return tuple(found)


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
                again = keyed_generator(seed, "images with room to hide", str(parts[column][0]))
                known_a = _resampled_known(of_a, a.units, drawn_a, again)
                known_b = _resampled_known(of_b, b.units, drawn_b, again)
                if known_a is not None and known_b is not None:
                    relied_intervals[column] = _intervals((known_a - known_b)[:, None])[0]

    def changes(column: int) -> tuple[int, int | None, float | None]:
        of_both = [
            values.changed[:, column]
            for values in (a, b)
            if values.changed is not None and column < values.changed.shape[1]
        ]
        of_random = [
            values.changed_random[:, column] for values in (a, b) if values.changed_random is not None and of_both
        ]
        if not of_both or relied[column] is None:
            return 0, None, None
        own, random = np.concatenate(of_both), np.concatenate(of_random)
        known = np.isfinite(own)
        return int(known.sum()), int(own[known].sum()), float(random[known].sum())

    def row(column: int, part: int | None, name: str, background: bool) -> ComparedPart:
        more_often, stronger = _split(a, b, column)
        hidden, changed, changed_random = changes(column)
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
            hidden=hidden,
            changed=changed,
            changed_random=changed_random,
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
    """Return the mean of values (n, R) in each resample, (resamples, R)."""
    sums, sizes = np.zeros((drawn.shape[1], values.shape[1])), np.zeros((drawn.shape[1], 1))
    np.add.at(sums, units, values)
    np.add.at(sizes, units, 1)
    found: NDArray[np.float64] = (drawn @ sums) / np.maximum(drawn @ sizes, 1)
    return found


def _resampled_known(
    values: NDArray[np.float64], units: NDArray[np.intp], drawn: NDArray[np.int64], generator: np.random.Generator
) -> NDArray[np.float64] | None:
    """Return the mean of those of values (n,) that are numbers in each resample, (resamples,); None with too few units of them.

    Where some are missing, only the units that have some are drawn, by ``generator``: a resample of all could hold none.
    """
    known = np.isfinite(values)
    if not known.all():
        values, units = values[known], np.unique(units[known], return_inverse=True)[1].astype(np.intp)
        if int(units.max()) + 1 < FEWEST:
            return None
        drawn = _drawn_counts(units, generator)
    return _resampled(values[:, None], units, drawn)[:, 0]


def _intervals(draws: NDArray[np.float64]) -> list[Interval]:
    low, high = np.quantile(draws, (0.025, 0.975), axis=0)
    return list(zip(low.tolist(), high.tolist(), strict=True))
