"""The ledger of a logit or margin: what is read at each place, in texts that add up, beside what is relied on.

What is read are contributions. What is relied on is known only where a place was hidden (`hide_places`): how much more
the logit or margin falls than with random places of the same size. Does not import torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from s3n_core.datasets.records import displayed_class
from s3n_core.inspection.contribution_rows import ContributionRow
from s3n_core.inspection.contribution_view import ContributionView
from s3n_core.inspection.geometry import Place
from s3n_core.inspection.hidden_place import Change, HiddenPlace
from s3n_core.inspection.number_text import number_text, signed_decimals, signed_text

DIGITS = 2
"""Decimals of all logits in a ledger and of the margin that they sum to."""

_CLEAR = 0.95  # a place matters if it is stronger than this share of the random places
_SAME_PLACE = 0.5  # pixels


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerRow:
    """One row.

    Attributes:
        row: What is read there.
        text: The row's total with sign; the texts of all rows add up to the ledger's total.
        hidden: What hiding the row's place does to the logit or margin; None if it was not hidden.
    """

    row: ContributionRow
    text: str
    hidden: Change | None = None

    @property
    def label(self) -> str:
        """The row's name, capitalised: "Peak 1", "Elsewhere on the object", "Outside the object", "Bias"."""
        return self.row.label.capitalize()

    @property
    def relied_text(self) -> str:
        """What is relied on there, with sign and two significant digits; empty if the place was not hidden."""
        return "" if self.hidden is None else signed_text(self.hidden.relied_on)

    @property
    def is_clear(self) -> bool:
        """Whether hiding the place lowers the value more than at least 95 % of the random places do."""
        change = self.hidden
        return change is not None and change.stronger_than >= _CLEAR * len(change.controls) and change.relied_on > 0

    @property
    def details(self) -> str:
        """What the numbers consist of, in lines: branches, what lies outside the object, and the random places."""
        row = self.row
        lines = [", ".join(f"{branch} {signed_decimals(value, DIGITS)}" for branch, value in row.branches.items())]
        if row.outside is not None and row.kind == "peak":
            lines.append(f"of which {signed_decimals(row.outside, DIGITS)} is read outside the object")
        if self.hidden is not None:
            change = self.hidden
            low, high = change.range
            lines.append(
                f"hiding it: {signed_text(change.change)}; random places: {signed_text(change.median)} "
                f"({signed_text(low)} to {signed_text(high)}); stronger than {change.stronger_than} of "
                f"{len(change.controls)}"
            )
        return "\n".join(filter(None, lines))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """The ledger of one image.

    Attributes:
        target: The class, for display.
        versus: The class whose logit is subtracted, for display; empty: the logit itself.
        head: "joint", "O", "D" or "C".
        rows: The rows of the peaks, the rest and the bias.
        total: The logit or margin, to which the rows sum.
    """

    target: str
    versus: str
    head: str
    rows: tuple[LedgerRow, ...]
    total: float

    @property
    def question(self) -> str:
        """The question: "Red bird over Blue bird", or "Red bird"."""
        return f"{self.target} over {self.versus}" if self.versus else self.target

    @property
    def total_label(self) -> str:
        """The name of the total: "Sum = margin (joint)"."""
        return f"Sum = {'margin' if self.versus else 'logit'} ({self.head})"

    @property
    def total_text(self) -> str:
        """The total with sign."""
        return signed_decimals(self.total, DIGITS)

    @property
    def is_measured(self) -> bool:
        """Whether any place was hidden."""
        return any(row.hidden is not None for row in self.rows)

    @property
    def most(self) -> float:
        """The largest absolute value of all rows, for the lengths of bars; above 0."""
        values = [abs(row.row.total) for row in self.rows]
        values += [abs(row.hidden.relied_on) for row in self.rows if row.hidden is not None]
        return max(values, default=0.0) or 1.0

    @property
    def sentence(self) -> str:
        """What the model relies on, in one sentence; empty if no place was hidden."""
        if not self.is_measured:
            return ""
        value = "margin" if self.versus else "logit"
        clear = sorted((row for row in self.rows if row.is_clear), key=lambda row: -_relied(row))
        if not clear:
            return "No peak matters more than a random place of its size."
        first = clear[0]
        text = (
            f"The model relies on {first.row.label}: hiding it lowers the {value} by "
            f"{number_text(_relied(first), 2)} more than hiding a random place does."
        )
        if len(clear) > 1:
            text += f" Then {', '.join(f'{row.row.label} ({row.relied_text})' for row in clear[1:])}."
        return text


def ledger_of(view: ContributionView, hidden: Sequence[HiddenPlace] = (), margin: float | None = None) -> Ledger:
    """Return the ledger of contributions.

    Args:
        view: The contributions.
        hidden: Hidden places of the image; those at a row's place say what is relied on there.
        margin: The logit or margin as the scores have it, so that both are rounded alike; None: that of the cells.
    """
    found = view.contributions
    total = found.total if margin is None else margin
    texts = texts_that_add_up([row.total for row in view.rows], total)
    return Ledger(
        target=displayed_class(found.classes[found.target]),
        versus="" if found.versus is None else displayed_class(found.classes[found.versus]),
        head=found.head,
        rows=tuple(
            LedgerRow(row=row, text=text, hidden=_change(row.place, hidden, found.target, found.versus, found.head))
            for row, text in zip(view.rows, texts, strict=True)
        ),
        total=total,
    )


def texts_that_add_up(values: Sequence[float], total: float) -> list[str]:
    """Format values so that what is written adds up to the written total: each is rounded down or up.

    Where one of them is not finite, nothing adds up; each is formatted by itself.

    Args:
        values: The values, in logits.
        total: Their sum, up to rounding.
    """
    if not all(map(math.isfinite, (*values, total))):
        return [signed_decimals(value, DIGITS) for value in values]
    exact = [value * 10**DIGITS for value in values]
    units = [math.floor(value) for value in exact]
    missing = round(round(total, DIGITS) * 10**DIGITS) - sum(units)  # as the text of the total is rounded
    nearest_above = sorted(range(len(exact)), key=lambda at: units[at] - exact[at])
    for at in nearest_above[: max(missing, 0)]:
        units[at] += 1
    return [signed_decimals(unit / 10**DIGITS, DIGITS) for unit in units]


def _relied(row: LedgerRow) -> float:
    return 0.0 if row.hidden is None else row.hidden.relied_on


def _change(
    place: Place | None, hidden: Sequence[HiddenPlace], target: int, versus: int | None, head: str
) -> Change | None:
    if place is None:
        return None
    for one in hidden:
        if math.dist(one.place, place) <= _SAME_PLACE and head in one.logits:
            return one.logit(target, versus, head)
    return None
