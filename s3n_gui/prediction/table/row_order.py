"""Filtering and sorting of rows as NumPy index arrays, because a proxy model that tests row by row is slow."""

from __future__ import annotations

from dataclasses import dataclass
from operator import ne
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from s3n_core.datasets.records import displayed_class
from s3n_core.prediction.rows import COLUMNS
from s3n_gui.prediction.table.prediction_columns import NOBODY, PredictionColumns

Kind = Literal["all", "mistakes", "right", "disagreements", "below", "unreadable"]
KINDS: tuple[Kind, ...] = get_args(Kind)
POSITION = "position"
"""The key that sorts by the order of the images; every other key is a column's."""


@dataclass(frozen=True, slots=True)
class RowFilter:
    """The conditions for a row to be shown.

    Attributes:
        text: Part of its file name, class, label or error; case does not matter.
        kind: "mistakes" and "right" need a label; in "disagreements" the branches differ; "below" rows have a confidence
            below the threshold or no prediction, "unreadable" rows have no prediction.
        threshold: The confidence for "below", in [0, 1].
        label: Index of the required label, or None.
        predicted: Index of the required predicted class, or None.
        files: Names of the images that may be shown; None: all.
    """

    text: str = ""
    kind: Kind = "all"
    threshold: float = 0.0
    label: int | None = None
    predicted: int | None = None
    files: frozenset[str] | None = None

    @property
    def is_open(self) -> bool:
        """Whether every row passes."""
        classes = self.label is None and self.predicted is None
        return not self.text.strip() and self.kind == "all" and classes and self.files is None


def shown_rows(
    table: PredictionColumns, wanted: RowFilter, key: str = POSITION, *, descending: bool = False
) -> NDArray[np.int64]:
    """Return the rows to show, in order.

    Rows without a value come last in both directions; ties keep the order of the images.
    """
    rows = np.flatnonzero(passing(table, wanted))
    if key == POSITION:
        return rows[::-1] if descending else rows
    values = _sort_values(table, key)[rows]
    missing = np.isnan(values)
    order = np.argsort(np.where(missing, np.inf, -values if descending else values), kind="stable")
    sorted_rows: NDArray[np.int64] = rows[order]
    return sorted_rows


def passing(table: PredictionColumns, wanted: RowFilter) -> NDArray[np.bool_]:
    """Return a boolean mask of the rows that pass the filter."""
    keep = np.ones(len(table), dtype=bool)
    label, predicted = table.column("label"), table.column("class")
    match wanted.kind:
        case "mistakes":
            keep &= table.column("correct") == 0
        case "right":
            keep &= table.column("correct") == 1
        case "disagreements":
            keep &= table.column("agreement") < 1
        case "below":
            keep &= ~(table.column("probability") >= wanted.threshold)
        case "unreadable":
            keep &= predicted == NOBODY
        case "all":
            pass
    if wanted.label is not None:
        keep &= label == wanted.label
    if wanted.predicted is not None:
        keep &= predicted == wanted.predicted
    if wanted.files is not None:
        keep &= np.fromiter((name in wanted.files for name in table.files), dtype=bool, count=len(table))
    needle = wanted.text.strip().casefold()
    if needle:
        keep &= _holding(table, needle)
    return keep


def _holding(table: PredictionColumns, needle: str) -> NDArray[np.bool_]:
    # A class is found by its name and as it is displayed; -1 (no class) selects the last.
    names = np.array(
        [needle in name.casefold() or needle in displayed_class(name).casefold() for name in table.names] + [False]
    )
    found = names[table.column("class")] | names[table.column("label")]
    found |= np.fromiter((needle in name.casefold() for name in table.files), dtype=bool, count=len(table))
    for row, reason in table.errors.items():
        found[row] |= needle in reason.casefold()
    held: NDArray[np.bool_] = found
    return held


def _sort_values(table: PredictionColumns, key: str) -> NDArray[np.float64]:
    column = next(column for column in COLUMNS if column.key == key)
    if column.kind == "text":
        texts = table.texts[key]
        named = [row for row, text in enumerate(texts) if text]
        values = np.full(len(table), np.nan)
        values[named] = _ranks([texts[row] for row in named])
        return values
    numbers = table.column(key)
    if column.kind in ("class", "word"):
        ranks = np.append(_ranks(table.names if column.kind == "class" else table.words), np.nan)
        return np.asarray(ranks[numbers], dtype=np.float64)
    numbers = numbers.astype(np.float64)
    return numbers if column.kind == "number" else np.where(numbers < 0, np.nan, numbers)


def _ranks(texts: list[str]) -> NDArray[np.float64]:
    """Return each text's alphabetical rank, ignoring case; equal texts share a rank."""
    folded = [text.casefold() for text in texts]
    order = sorted(range(len(folded)), key=folded.__getitem__)
    in_order = [folded[at] for at in order]
    steps = np.fromiter(map(ne, in_order[1:], in_order), dtype=np.int64, count=max(len(texts) - 1, 0))
    ranks = np.zeros(len(texts))
    ranks[order[1:]] = np.cumsum(steps)
    return ranks
