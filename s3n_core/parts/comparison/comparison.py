"""What tells class A from class B: contributions of parts with intervals, beside what is relied on. Without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.inspection import NOT_FINITE
from s3n_core.system.json_values import from_json, to_json

FEWEST = 10
"""With fewer images than this of either class there is no interval."""

ALL_OTHERS = "all other classes"
"""What class B is called where class A is compared with all others."""

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
        part: The best of the others then, background like any other; None if no other contributes to the margin.
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
        best = "no other part"
        if self.part is not None:
            name = f"the background ({self.part.name})" if self.part.background else self.part.name
            best = f"{name} ({value_text(*_strength(self.part))})"
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
        not_hidden: Images in which no place could be hidden: without room for random places, or the following.
        not_finite: Those of them in which an answer is not finite with a place hidden.
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
    not_finite: int = 0

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
        if crowded := self.not_hidden - self.not_finite:
            said.append(f"In {crowded} images there was no room for random places; nothing was hidden there.")
        if self.not_finite:
            said.append(f"In {self.not_finite} images with a place hidden, {NOT_FINITE}; they do not count there.")
        if self.unreadable:
            said.append(f"{len(self.unreadable)} images could not be used (first: {self.unreadable[0]}).")
        return said


def best_mark(parts: Sequence[ComparedPart]) -> ComparedPart | None:
    """Return the part that hiding costs most or, if nothing was hidden, that contributes most; None if none is above 0."""
    hidden = [part for part in parts if part.relied_on is not None]
    best = max(hidden or parts, key=lambda part: _strength(part)[0], default=None)
    return best if best is not None and _strength(best)[0] > 0 else None


def _strength(part: ComparedPart) -> tuple[float, Interval | None]:
    """Return what a part is ranked by, with its interval: what is relied on, or the contribution."""
    return (part.contribution, part.interval) if part.relied_on is None else (part.relied_on, part.relied_interval)
