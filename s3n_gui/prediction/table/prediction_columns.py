"""A table of predictions as NumPy columns: 100,000 rows take about 30 MB and sort in milliseconds.

The columns follow the rows' schema; a column's kind determines its array.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.evaluation.accuracy import TableAccuracy, table_accuracy
from s3n_core.models.seen_images import SeenCounts
from s3n_core.prediction.rows import COLUMNS, Prediction, PredictionHeader
from s3n_core.prediction.schema import BRANCH_LETTERS, TOP, Column, Kind, PeakPlace

NOBODY = -1
"""Marks a class, label or number that a row does not have."""

_LEAST_ROOM = 1024

_HELD: dict[Kind, tuple[type, int]] = {
    "class": (np.int32, 1),
    "word": (np.int32, 1),
    "number": (np.float64, 1),
    "count": (np.int32, 1),
    "flag": (np.int8, 1),
    "ranking": (np.int32, TOP),
    "branch classes": (np.int32, len(BRANCH_LETTERS)),
    "branch numbers": (np.float64, len(BRANCH_LETTERS)),
    "places": (np.int32, 1),
}
"""Type and width of a column's array, by kind. Texts are kept as strings."""

_OWN = tuple(column for column in COLUMNS if not column.shared)
_TEXTS = tuple(column for column in _OWN if column.kind == "text")
_NUMBERS = tuple(column for column in _OWN if column.kind != "text")
_PROBABILITIES = " probabilities"
"""Suffix of the key of a ranking's second array; the first holds the classes."""


@dataclass(frozen=True)
class Block:
    """Consecutive rows as columns, made in a reader thread and appended in the GUI thread.

    Attributes:
        count: Number of rows.
        new_names: Class names that no earlier block had, in the order of their indices.
        new_words: The same for words.
        texts: Columns of text by key.
        numbers: Arrays by key, with rows along the first axis; see `PredictionColumns.column`.
        places: The concatenated peaks of all rows by key, float32 (n, 5); see ``PeakPlace``.
    """

    count: int
    new_names: list[str]
    new_words: list[str]
    texts: dict[str, list[str]]
    numbers: dict[str, NDArray[Any]]
    places: dict[str, NDArray[np.float32]]


class BlockReader:
    """Turns the engine's rows into blocks; use one reader per table, since indices continue from block to block."""

    def __init__(self, header: PredictionHeader) -> None:
        self._names: dict[str, int] = {}
        for name in header.classes:
            self._names.setdefault(name, len(self._names))
        self._words: dict[str, int] = {}

    def read(self, lines: Iterable[bytes | str]) -> Block:
        """Read lines of JSON, one row each.

        Raises:
            KeyError, TypeError, ValueError: A line is not a row.
        """
        return self.pack([json.loads(line) for line in lines])

    def pack(self, rows: Sequence[dict[str, Any]]) -> Block:
        """Convert rows (``Prediction.to_dict``) to columns."""
        known, words = len(self._names), len(self._words)
        for row in rows:
            if "class" not in row and not row.get("error"):
                raise KeyError("class")
        texts = {column.key: [str(row.get(column.key, "")) for row in rows] for column in _TEXTS}
        numbers = _arrays(len(rows))
        places: dict[str, NDArray[np.float32]] = {}
        for column in _NUMBERS:
            key, values = column.key, [row.get(column.key) for row in rows]
            match column.kind:
                case "class":
                    numbers[key][:] = [_index(self._names, value) for value in values]
                case "word":
                    numbers[key][:] = [_index(self._words, value) for value in values]
                case "number":
                    numbers[key][:] = values  # None becomes NaN
                case "count" | "flag":
                    numbers[key][:] = [NOBODY if value is None else value for value in values]
                case "ranking":
                    self._pack_ranking(numbers[key], numbers[key + _PROBABILITIES], values)
                case "branch classes":
                    for array, value in zip(numbers[key], values, strict=True):
                        for letter, name in (value or {}).items():
                            array[BRANCH_LETTERS.index(letter)] = _index(self._names, name)
                case "branch numbers":
                    for array, row, value in zip(numbers[key], rows, values, strict=True):
                        for letter, number in zip(row.get("branches", ()), value or (), strict=True):
                            array[BRANCH_LETTERS.index(letter)] = number
                case "places":
                    numbers[key][:] = [len(value or ()) for value in values]
                    joined = [place for value in values for place in value or ()]
                    places[key] = np.array(joined, dtype=np.float32).reshape(-1, 5)
        return Block(len(rows), list(self._names)[known:], list(self._words)[words:], texts, numbers, places)

    def _pack_ranking(self, classes: NDArray[Any], probabilities: NDArray[Any], values: Sequence[Any]) -> None:
        for row, value in enumerate(values):
            for rank, (name, probability) in enumerate((value or ())[:TOP]):
                classes[row, rank] = _index(self._names, name)
                probabilities[row, rank] = probability


@dataclass
class PredictionColumns:
    """A table of predictions to which rows can be appended.

    Attributes:
        header: What all rows share.
        names: Class names: the model's, then those that occur only as labels.
        words: The values of all word columns (names of the rules of Eq. 3).
        texts: Columns of text by key.
        errors: Why there is no prediction, by row.
    """

    header: PredictionHeader
    names: list[str] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    texts: dict[str, list[str]] = field(default_factory=dict)
    errors: dict[int, str] = field(default_factory=dict)
    _count: int = 0
    _arrays: dict[str, NDArray[Any]] = field(default_factory=dict)
    _places: dict[str, list[NDArray[np.float32]]] = field(default_factory=dict)
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = list(dict.fromkeys(self.header.classes))
        self.texts = {column.key: [] for column in _TEXTS}
        self._arrays = _arrays(_LEAST_ROOM)
        self._places = {column.key: [] for column in _NUMBERS if column.kind == "places"}

    def __len__(self) -> int:
        return self._count

    @property
    def files(self) -> list[str]:
        """The images' names."""
        return self.texts["file"]

    def append(self, block: Block) -> None:
        """Append the next rows."""
        start, end = self._count, self._count + block.count
        room = len(self._arrays["class"])
        if end > room:
            grown = _arrays(max(end, 2 * room))
            for key, array in self._arrays.items():
                grown[key][:start] = array[:start]
            self._arrays = grown
        for key, array in block.numbers.items():
            self._arrays[key][start:end] = array
        for key, texts in block.texts.items():
            self.texts[key] += texts
        for key, places in block.places.items():
            self._places[key].append(places)
        self._starts.append(start)
        self.names += block.new_names
        self.words += block.new_words
        self.errors.update({start + at: reason for at, reason in enumerate(block.texts["error"]) if reason})
        self._count = end

    def column(self, key: str) -> NDArray[Any]:
        """Return a column of numbers by its key in the schema; rows are along the first axis.

        Classes (``class``, ``label``, ``top``, ``branches``) are indices into ``names``, words into ``words``; flags are
        1, 0 or -1; peaks are given by their count. Units and ranges are those of the row. Missing values are -1, or NaN in
        columns of floats.
        """
        view: NDArray[Any] = self._arrays[key][: self._count]
        return view

    def name(self, key: str, row: int) -> str:
        """Return a row's class or label as text; empty if it has none."""
        index = int(self._arrays[key][row])
        return self.names[index] if index >= 0 else ""

    def word(self, key: str, row: int) -> str:
        """Return a row's word; empty if it has none."""
        index = int(self._arrays[key][row])
        return self.words[index] if index >= 0 else ""

    def branches(self, row: int) -> tuple[tuple[str, str], ...]:
        """Return (letter, class) of each branch that the network reports."""
        return self._branch_classes("branches", row)

    def branch_scores(self, row: int) -> tuple[tuple[str, str, float], ...]:
        """Return (letter, class, probability) of each branch that the network reports."""
        pairs = zip(self.branches(row), self._branch_numbers("branch_probabilities", row), strict=True)
        return tuple((letter, name, probability) for (letter, name), probability in pairs)

    def places(self, row: int) -> tuple[PeakPlace, ...]:
        """Return a row's peaks as the engine wrote them, strongest first."""
        return self._row_places("peak_places", row)

    def top(self, row: int) -> tuple[tuple[str, float], ...]:
        """Return up to five (class, probability), most probable first."""
        return self._ranking("top", row)

    def number(self, key: str, row: int) -> float | None:
        """Return an entry of a column of numbers; None if missing."""
        value = float(self._arrays[key][row])
        return None if np.isnan(value) else value

    def count(self, key: str, row: int) -> int | None:
        """Return an entry of a column of counts; None if missing."""
        value = int(self._arrays[key][row])
        return None if value == NOBODY else value

    def accuracy(self) -> TableAccuracy:
        """Compute the accuracy of the predictions."""
        confidence = self.column("probability")
        return table_accuracy(
            self.column("label"), self.column("class"), self.column("correct"), confidence, len(self.names)
        )

    def seen(self) -> SeenCounts:
        """Count how many images of those that the accuracy counts the model has seen before."""
        counted = self.column("seen")[self.column("correct") >= 0]
        numbers = dict(zip(*(part.tolist() for part in np.unique(counted, return_counts=True)), strict=True))
        words: Counter[str] = Counter()
        for index, number in numbers.items():
            words[self.words[index] if index >= 0 else ""] += number
        return SeenCounts.count(words)

    def row(self, row: int) -> Prediction:
        """Return a row exactly as the engine wrote it."""
        header, failed = self.header, row in self.errors
        values = {column.name: self._value(column, row) for column in _OWN if column.always or not failed}
        return Prediction(mode=header.mode, precision=header.precision, model=header.model, **values)

    def _value(self, column: Column, row: int) -> Any:
        key = column.key
        match column.kind:
            case "text":
                return self.texts[key][row]
            case "class":
                return self.name(key, row) or None
            case "word":
                return self.word(key, row)
            case "number":
                return self.number(key, row)
            case "count":
                return self.count(key, row)
            case "flag":
                flag = self.count(key, row)
                return None if flag is None else bool(flag)
            case "ranking":
                return self._ranking(key, row)
            case "branch classes":
                return self._branch_classes(key, row)
            case "branch numbers":
                return self._branch_numbers(key, row)
            case "places":
                return self._row_places(key, row)

    def _ranking(self, key: str, row: int) -> tuple[tuple[str, float], ...]:
        classes, probabilities = self._arrays[key][row], self._arrays[key + _PROBABILITIES][row]
        pairs = zip(classes.tolist(), probabilities.tolist(), strict=True)
        return tuple((self.names[index], probability) for index, probability in pairs if index >= 0)

    def _branch_classes(self, key: str, row: int) -> tuple[tuple[str, str], ...]:
        pairs = zip(BRANCH_LETTERS, self._arrays[key][row].tolist(), strict=True)
        return tuple((letter, self.names[index]) for letter, index in pairs if index >= 0)

    def _branch_numbers(self, key: str, row: int) -> tuple[float, ...]:
        pairs = zip(self._arrays[key][row].tolist(), self._arrays["branches"][row].tolist(), strict=True)
        return tuple(number for number, index in pairs if index >= 0)

    def _row_places(self, key: str, row: int) -> tuple[PeakPlace, ...]:
        block = bisect_right(self._starts, row) - 1
        counts = self._arrays[key]
        first = int(counts[self._starts[block] : row].sum())
        of_row = self._places[key][block][first : first + int(counts[row])].tolist()
        # float32 has enough precision for the table's few digits; rounding restores them exactly.
        return tuple((round(x, 1), round(y, 1), round(r, 4), round(d, 4), round(c, 4)) for x, y, r, d, c in of_row)


def _arrays(rows: int) -> dict[str, NDArray[Any]]:
    """Return one array per column, filled with the marker for missing values."""
    arrays: dict[str, NDArray[Any]] = {}
    for column in _NUMBERS:
        kind, width = _HELD[column.kind]
        arrays[column.key] = _empty(kind, width, rows)
        if column.kind == "ranking":
            arrays[column.key + _PROBABILITIES] = _empty(np.float64, width, rows)
    return arrays


def _empty(kind: type, width: int, rows: int) -> NDArray[Any]:
    shape = rows if width == 1 else (rows, width)
    return np.full(shape, np.nan if kind is np.float64 else NOBODY, dtype=kind)


def _index(known: dict[str, int], name: str | None) -> int:
    return NOBODY if name is None else known.setdefault(name, len(known))
