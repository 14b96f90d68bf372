"""The answer to "what tells A from B" in two lines of plain words, with the numbers that they rest on. Without torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from s3n_core.inspection.number_text import signed_decimals
from s3n_core.parts.comparison.comparison import FEWEST, ComparedPart, Comparison, Interval

AnswerKind = Literal["part", "background", "none", "too few images", "not hidden"]

_NAMED = 3  # parts that are named
_NONE = 0.005  # smaller shares are not worth a row of their own


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer.

    Attributes:
        kind: A part was shown to matter; the background was, and most; nothing was; there are too few images to show anything;
            nothing was hidden, so that it is not known.
        first: What tells the classes apart, as far as it was shown by hiding it.
        second: The sizes of these effects, where the rest of the difference is read, and on how many images all of it rests.
    """

    kind: AnswerKind
    first: str
    second: str

    @property
    def lines(self) -> tuple[str, str]:
        """Both lines."""
        return self.first, self.second


def answer(comparison: Comparison, names: Mapping[int, str] | None = None) -> Answer:
    """Return what tells two classes apart.

    Only what hiding has shown to cost more than random patches of the same size is said to tell the classes apart: its 95 %
    interval lies above theirs. Parts whose interval reaches into that of the largest effect are named with it, since it is not
    shown which of them matters most. What is merely read somewhere is called so.

    Args:
        comparison: The comparison.
        names: Names of parts, by number, where they are not those of the comparison.
    """
    named = names or {}

    def name(part: ComparedPart) -> str:
        return part.name if part.part is None else named.get(part.part, part.name)

    hidden = [part for part in comparison.parts if part.relied_on is not None]
    proven = sorted((part for part in hidden if part.beats_random), key=lambda part: -(part.relied_on or 0.0))
    rivals = [part for part in proven[1:_NAMED] if _overlap(part.relied_interval, proven[0].relied_interval)]
    kind: AnswerKind
    if not hidden:
        kind, first = "not hidden", "What the model relies on is not known: no part was hidden."
    elif not comparison.has_intervals:
        kind = "too few images"
        first = (
            f"Too few images to show what the model relies on: {FEWEST} of each class are needed, and there are "
            f"{comparison.units_a} and {comparison.units_b}."
        )
    elif all(part.relied_interval is None for part in hidden):
        kind = "too few images"
        images = comparison.images_a + comparison.images_b
        first = (
            f"Too few images to show what the model relies on: places could be hidden in only "
            f"{images - comparison.not_hidden} of {images}, and {FEWEST} of each class are needed."
        )
    elif not proven:
        kind, first = "none", "No part found that matters more than a random patch."
    else:
        best = proven[0]
        kind = "background" if best.background else "part"
        these = " or ".join(
            f"the background ({name(part)})" if part.background else name(part) for part in [best, *rivals]
        )
        lead = f"Tells these two apart by {these}" if best.changed != 0 else f"What matters most is {these}"
        if best.background:
            lead = f"This model rests on {these}"
        first = f"{lead}: hiding {name(best) if rivals else 'it'} {_changes(best, comparison.margin)}."
        others = [f"{name(part)}, {part.changed} of {part.hidden}" for part in proven[1:_NAMED] if part.changed]
        if others:
            first += f" Then {'; '.join(others)}."
    second = " ".join(
        sentence
        for sentence in (
            _effects([(name(part), part) for part in proven[:_NAMED]]),
            "Intervals overlap, so which of these matters most is not shown." if rivals else "",
            _reading(comparison, [(name(part), part) for part in comparison.parts])
            if kind in ("not hidden", "too few images")
            else "",
            _shares(comparison),
            _images(comparison),
        )
        if sentence
    )
    return Answer(kind=kind, first=first, second=second)


def _changes(part: ComparedPart, margin: float) -> str:
    costs = f"costs {part.relied_on:.2f} of the margin of {margin:.2f} logits more than a random patch of the same size"
    if part.changed is None or part.changed_random is None:
        return costs
    if not part.changed:
        return f"{costs}, but changes none of {part.hidden} predictions"
    random = f"a random patch of the same size: {part.changed_random:.1f} of {part.hidden}"
    return f"changes {part.changed} of {part.hidden} predictions ({random})"


def _effects(parts: list[tuple[str, ComparedPart]]) -> str:
    texts = [
        f"{name} {part.relied_on:.2f} ({_interval(part.relied_interval)})"
        for name, part in parts
        if part.relied_on is not None and part.relied_interval is not None
    ]
    return f"Loss of margin beyond random patches, in logits with 95 % intervals: {', '.join(texts)}." if texts else ""


def _reading(comparison: Comparison, parts: list[tuple[str, ComparedPart]]) -> str:
    best = max(parts, key=lambda pair: pair[1].contribution, default=None)
    if best is None or best[1].contribution <= 0:
        return ""
    read, whole = signed_decimals(best[1].contribution), signed_decimals(comparison.margin)
    return f"The largest contribution is read at {best[0]} ({read} of {whole} logits)."


def _shares(comparison: Comparison) -> str:
    """Say what is read at background, at no part and outside the object."""
    whole = sum(abs(row.contribution) for row in comparison.rows)
    if not whole:
        return ""
    background = sum(abs(part.contribution) for part in comparison.parts if part.background)
    shares = [("at background parts", background)] if any(part.background for part in comparison.parts) else []
    words = {"no part": "at no part", "outside the object": "outside the object"}
    shares += [(words.get(row.name, row.name), abs(row.contribution)) for row in comparison.rest]
    texts = [
        f"{100 * value / whole:.0f} % {where}"
        for where, value in shares
        if value / whole >= _NONE or where == "at no part"
    ]
    return f"Of what is read, {', '.join(texts)}." if texts else ""


def _images(comparison: Comparison) -> str:
    split = {"test": "test images", "val": "validation images"}.get(comparison.split, "images")
    return f"{comparison.images_a:,} and {comparison.images_b:,} {split}."


def _overlap(one: Interval | None, other: Interval | None) -> bool:
    return one is not None and other is not None and one[0] <= other[1] and other[0] <= one[1]


def _interval(interval: Interval | None) -> str:
    return "" if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}"
