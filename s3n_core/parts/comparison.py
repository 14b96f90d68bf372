"""What tells class A from class B: contributions of parts with intervals, beside what is relied on. Without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.system.json_values import from_json, to_json
from s3n_core.system.seeding import keyed_generator

FEWEST = 10
"""With fewer images than this of either class there is no interval."""

ALL_OTHERS = "all other classes"
"""What class B is called where class A is compared with all others."""

_RESAMPLES = 2000

Interval = tuple[float, float]


def value_text(value: float, interval: Interval | None, *, decimals: int = 2) -> str:
    """Return a value with its interval: "+1.50 (+1.10 to +1.90)".

    Args:
        value: The value.
        interval: The ends of its interval; None: without one.
        decimals: Of these ends, for where there is little room.
    """
    if interval is None:
        return f"{value:+.2f}"
    low, high = (f"{end:+.{decimals}f}" for end in interval)
    return f"{value:+.2f} ({low} to {high})"


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
        hidden: Images of both in which it was hidden, or is not found so that hiding it changes nothing.
        changed: In how many of ``hidden`` the predicted class changes when it is hidden; None where nothing was hidden.
        changed_random: The same for a random place of the same size, as the mean over the random places; None alike.
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
    hidden: int = 0
    changed: int | None = None
    changed_random: float | None = None

    @property
    def is_found(self) -> bool:
        """Whether it is found in an image; the rest always is."""
        return self.part is None or self.images_a + self.images_b > 0

    @property
    def beats_random(self) -> bool:
        """Whether hiding it was shown to cost more than random places: the interval of ``relied_on`` lies above 0."""
        return self.relied_interval is not None and self.relied_interval[0] > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondMark:
    """The second-best mark: what tells the classes apart when the best one is hidden in every image.

    Attributes:
        hidden: Name of the part that was hidden, where it is found.
        part: The best of the others then; None if no other contributes to the margin.
        images: Number of images of both classes.
        right_before: How many of them are predicted correctly as they are.
        right_after: How many with the part hidden.
    """

    hidden: str
    part: ComparedPart | None
    images: int
    right_before: int
    right_after: int

    def sentence(self) -> str:
        """Return it in words: "Without the bill: crown (+1.20), 78 % of 60 still correct (93 % before)."."""
        after, before = (100 * right / max(self.images, 1) for right in (self.right_after, self.right_before))
        best = "no other part" if self.part is None else f"{self.part.name} ({value_text(*_strength(self.part))})"
        return f"Without {self.hidden}: {best}; {after:.0f} % of {self.images} still correct ({before:.0f} % before)."


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedImage:
    """What was found and hidden in one image; of each part that is found in it, in the same order.

    Attributes:
        file: The image's name.
        of_a: Whether it is of class A.
        correct: Whether it is predicted correctly.
        parts: Numbers of the parts that are found in it.
        x: Where each part was hidden (or would be), in pixels of the original.
        y: Alike.
        contributions: What each contributes to the margin, in logits.
        losses: How much of the margin is lost when each is hidden, less that for random places; None if nothing was hidden.
        changed: Whether the predicted class changes then; None alike.
    """

    file: str
    of_a: bool
    correct: bool
    parts: tuple[int, ...]
    x: tuple[float, ...]
    y: tuple[float, ...]
    contributions: tuple[float, ...]
    losses: tuple[float, ...] | None
    changed: tuple[bool, ...] | None


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What tells class A from class B.

    Attributes:
        a: Class A.
        b: Class B; None: all other classes, the mean of whose logits is subtracted.
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
        tag: Which of the images these are, where a class was divided by a list or tags; empty for all.
        second: The second-best mark, if it was asked for.
        images: What was found in each image.
    """

    a: str
    b: str | None
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
    tag: str = ""
    second: SecondMark | None = None
    images: tuple[ComparedImage, ...] = ()

    def swapped(self) -> Comparison:
        """Return the same with the classes in the other order, which changes no contribution, loss or interval.

        Raises:
            ValueError: A class was compared with all others.
        """
        if self.b is None:
            raise ValueError("a comparison with all other classes has one order")

        def turned(part: ComparedPart) -> ComparedPart:
            return replace(part, images_a=part.images_b, images_b=part.images_a)

        return replace(
            self,
            a=self.b,
            b=self.a,
            images_a=self.images_b,
            images_b=self.images_a,
            units_a=self.units_b,
            units_b=self.units_a,
            parts=tuple(map(turned, self.parts)),
            rest=tuple(map(turned, self.rest)),
            second=self.second
            and replace(self.second, part=None if self.second.part is None else turned(self.second.part)),
            images=tuple(replace(image, of_a=not image.of_a) for image in self.images),
        )

    @property
    def names(self) -> tuple[str, str]:
        """The two classes as they are displayed."""
        return displayed_class(self.a), ALL_OTHERS if self.b is None else displayed_class(self.b)

    @property
    def mark(self) -> ComparedPart | None:
        """The part that tells the classes apart best: hiding it costs most or, if nothing was hidden, it contributes most.

        None if no part does either; background counts like any part, since a model may rest on it.
        """
        return best_mark(self.parts)

    @property
    def rows(self) -> tuple[ComparedPart, ...]:
        """The parts and the rest, whose contributions sum to ``margin``."""
        return (*self.parts, *self.rest)

    @property
    def by_effect(self) -> tuple[ComparedPart, ...]:
        """The parts that are found in either class, that which hiding costs most first; else by contribution."""
        found = [part for part in self.parts if part.is_found]
        return tuple(sorted(found, key=lambda part: -_strength(part)[0]))

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

    @classmethod
    def from_details(cls, values: Mapping[str, Any]) -> Comparison:
        """Read the result of `details`, also after a JSON round trip.

        Raises:
            ValueError: It is no such record.
        """

        def parts(rows: Any) -> tuple[ComparedPart, ...]:
            return tuple(from_json(ComparedPart, row) for row in rows)

        try:
            known = {field.name: values[field.name] for field in fields(cls) if field.name in values}
            known |= {"parts": parts(values["parts"]), "rest": parts(values["rest"])}
            known["unreadable"] = tuple(known.get("unreadable", ()))
            known["images"] = tuple(from_json(ComparedImage, image) for image in values.get("images", ()))
            if (second := known.get("second")) is not None:
                best = second["part"]
                known["second"] = replace(
                    from_json(SecondMark, {**second, "part": None}),
                    part=None if best is None else from_json(ComparedPart, best),
                )
            return cls(**known)
        except (KeyError, TypeError) as error:
            raise ValueError(f"a field is missing or wrong: {error}") from None

    def header(self) -> list[str]:
        """Return the titles of the table."""
        return ["part", "contribution", "more often", "stronger", "relied on", "changes", "in A", "in B", "first"]

    def cells(self) -> list[list[str]]:
        """Return the rows of the table, the rest and the sum included."""
        rows = [
            [
                row.name + (" (background)" if row.background else ""),
                value_text(row.contribution, row.interval),
                f"{row.more_often:+.2f}",
                f"{row.stronger:+.2f}",
                "" if row.relied_on is None else value_text(row.relied_on, row.relied_interval),
                "" if row.changed is None else f"{row.changed} of {row.hidden} (random {row.changed_random:.1f})",
                f"{row.images_a} of {self.images_a}",
                f"{row.images_b} of {self.images_b}",
                "" if row.first is None else f"{100 * row.first:.0f} %",
            ]
            for row in self.rows
            if row.is_found
        ]
        return [*rows, ["sum = margin", f"{self.margin:+.2f}", *[""] * 7]]

    def sentences(self) -> list[str]:
        """Return what the table says and does not say."""
        a, b = self.names
        of_tag = f", tag {self.tag}" if self.tag else ""
        said = [
            f"A: {a}, {self.images_a} images; B: {b}, {self.images_b} images (split {self.split}{of_tag}). In logits; the margin "
            "is that of A over B in images of A, less that in images of B."
        ]
        if self.b is None:
            said.append("The margin over all other classes is that over the mean of their logits.")
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
        relied = [part for part in self.parts if part.beats_random]
        if relied:
            names = ", ".join(part.name for part in sorted(relied, key=lambda part: -(part.relied_on or 0)))
            said.append(
                f"Hiding these costs more than random places of the same size (95 % intervals above 0): {names}."
            )
        elif any(part.relied_interval is not None for part in self.parts):
            said.append("No part was shown to matter more than random places of the same size.")
        mark = self.mark
        if mark is not None and mark.changed is not None:
            said.append(
                f"Hiding {mark.name} changes {mark.changed} of {mark.hidden} predictions; a random place of the same size "
                f"changes {mark.changed_random:.1f} of them."
            )
        if mark is not None and mark.background and mark.beats_random:
            said.append("The model rests on the background here.")
        if self.second is not None:
            said.append(self.second.sentence())
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
        not_hidden: In which of them no place could be hidden, bool (n,).
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
    not_hidden: NDArray[np.bool_]
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
            not_hidden=int(self.not_hidden[kept].sum()),
            unreadable=self.unreadable,
            tag=tag,
            images=tuple(image for image, keeps in zip(self.images, kept.tolist(), strict=False) if keeps),
        )

    def by_tag(self, tags: Mapping[str, str]) -> tuple[Comparison, ...]:
        """Compare the classes once for each tag: images with the tag, or all of a class that has none with it.

        Args:
            tags: The tag of images by their name.

        Returns:
            One comparison per tag that some image has, in the order of the tags' names.
        """
        of_images = np.array([tags.get(name, "") for name in self.files])
        found = []
        for tag in sorted(set(of_images.tolist()) - {""}):
            tagged = of_images == tag
            keep = np.zeros_like(tagged)
            for side in (self.of_a, ~self.of_a):
                keep |= side & (tagged if (side & tagged).any() else True)
            found.append(self.comparison(keep, tag=tag))
        return tuple(found)


def best_mark(parts: Sequence[ComparedPart]) -> ComparedPart | None:
    """Return the part that hiding costs most or, if nothing was hidden, that contributes most; None if none is above 0."""
    hidden = [part for part in parts if part.relied_on is not None]
    best = max(hidden or parts, key=lambda part: _strength(part)[0], default=None)
    return best if best is not None and _strength(best)[0] > 0 else None


def _strength(part: ComparedPart) -> tuple[float, Interval | None]:
    """Return what a part is ranked by, with its interval: what is relied on, or the contribution."""
    return (part.contribution, part.interval) if part.relied_on is None else (part.relied_on, part.relied_interval)


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
