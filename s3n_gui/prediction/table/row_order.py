"""Which rows of a table are shown, and in which order: indices found with NumPy, never a proxy that asks row by row."""

from __future__ import annotations

from dataclasses import dataclass
from operator import ne
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_gui.prediction.table.columns import NOBODY, Answers

Kind = Literal["all", "mistakes", "right", "disagreements", "below", "unreadable"]
KINDS: tuple[Kind, ...] = get_args(Kind)
SortKey = Literal[
    "position", "file", "class", "label", "probability", "margin", "agreement", "entropy", "peaks", "error"
]


@dataclass(frozen=True, slots=True)
class RowFilter:
    """What must hold of a row that is shown.

    Attributes:
        text: Part of its file name, class, label or error; case does not matter.
        kind: "mistakes" and "right" know the label; "disagreements" are answered differently by the branches; "below" and
            "unreadable" have no answer above the threshold, or none at all.
        threshold: For "below", a probability.
        label: Index of the class that it must be known to have, or None.
        predicted: Index of the class that it must be predicted as, or None.
    """

    text: str = ""
    kind: Kind = "all"
    threshold: float = 0.0
    label: int | None = None
    predicted: int | None = None

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        return not self.text.strip() and self.kind == "all" and self.label is None and self.predicted is None


def shown_rows(
    answers: Answers, wanted: RowFilter, key: SortKey = "position", *, descending: bool = False
) -> NDArray[np.int64]:
    """Return the rows to show, in order.

    Rows that have no value to sort by come last either way; among equals the order of the images holds.
    """
    rows = np.flatnonzero(passing(answers, wanted))
    if key == "position":
        return rows[::-1] if descending else rows
    values = _sort_values(answers, key)[rows]
    missing = np.isnan(values)
    order = np.argsort(np.where(missing, np.inf, -values if descending else values), kind="stable")
    sorted_rows: NDArray[np.int64] = rows[order]
    return sorted_rows


def passing(answers: Answers, wanted: RowFilter) -> NDArray[np.bool_]:
    """Return for every row whether it passes."""
    keep = np.ones(len(answers), dtype=bool)
    label, predicted = answers.column("label"), answers.column("class")
    match wanted.kind:
        case "mistakes":
            keep &= answers.column("correct") == 0
        case "right":
            keep &= answers.column("correct") == 1
        case "disagreements":
            keep &= answers.column("agreement") < 1
        case "below":
            keep &= ~(answers.column("probability") >= wanted.threshold)
        case "unreadable":
            keep &= predicted == NOBODY
        case "all":
            pass
    if wanted.label is not None:
        keep &= label == wanted.label
    if wanted.predicted is not None:
        keep &= predicted == wanted.predicted
    needle = wanted.text.strip().casefold()
    if needle:
        keep &= _holding(answers, needle)
    return keep


def _holding(answers: Answers, needle: str) -> NDArray[np.bool_]:
    names = np.array([needle in name.casefold() for name in answers.names] + [False])  # the last stands for no class
    found = names[answers.column("class")] | names[answers.column("label")]
    found |= np.fromiter((needle in name.casefold() for name in answers.files), dtype=bool, count=len(answers))
    for row, reason in answers.errors.items():
        found[row] |= needle in reason.casefold()
    held: NDArray[np.bool_] = found
    return held


def _sort_values(answers: Answers, key: SortKey) -> NDArray[np.float64]:
    match key:
        case "file":
            return _ranks(answers.files)
        case "class" | "label":
            ranks = np.append(_ranks(answers.names), np.nan)
            values: NDArray[np.float64] = ranks[answers.column(key)]
            return values
        case "error":
            values = np.full(len(answers), np.nan)
            reasons = list(answers.errors.values())
            values[list(answers.errors)] = _ranks(reasons)
            return values
        case "peaks":
            peaks = answers.column("peaks").astype(np.float64)
            return np.where(peaks < 0, np.nan, peaks)
        case _:
            column: NDArray[Any] = answers.column(key)
            return column.astype(np.float64)


def _ranks(texts: list[str]) -> NDArray[np.float64]:
    """Return each text's place in the alphabet; equal texts share one."""
    folded = [text.casefold() for text in texts]
    order = sorted(range(len(folded)), key=folded.__getitem__)
    in_order = [folded[at] for at in order]
    steps = np.fromiter(map(ne, in_order[1:], in_order), dtype=np.int64, count=max(len(texts) - 1, 0))
    ranks = np.zeros(len(texts))
    ranks[order[1:]] = np.cumsum(steps)
    return ranks
