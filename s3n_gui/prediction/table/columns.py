"""All rows of one table of predictions as columns of numbers: 100,000 rows take some 30 MB and sort in milliseconds."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s3n_core.prediction.rows import BRANCH_LETTERS, TOP, PeakPlace, PredictionHeader, PredictionRow

NOBODY = -1
"""Stands for a class, label or number that a row does not have."""

_LEAST_ROOM = 1024


@dataclass(frozen=True)
class Block:
    """Rows that follow one another, as columns; made in a reading thread, appended in the window's.

    Attributes:
        files: The images' names.
        new_names: Class names that no block before had, in the order of their indices.
        new_rules: The same for the names of rules.
        numbers: Columns by name, each with one entry (or line) a row; see ``Answers``.
        places: The peaks of all rows one after the other, float32 (n, 5); see ``PeakPlace``.
        errors: Why there is no answer, by position in this block.
    """

    files: list[str]
    new_names: list[str]
    new_rules: list[str]
    numbers: dict[str, NDArray[Any]]
    places: NDArray[np.float32]
    errors: dict[int, str]


_COLUMNS: dict[str, tuple[type, int]] = {
    "class": (np.int32, 1),
    "probability": (np.float64, 1),
    "top_class": (np.int32, TOP),
    "top_probability": (np.float64, TOP),
    "branch": (np.int32, len(BRANCH_LETTERS)),
    "branch_probability": (np.float64, len(BRANCH_LETTERS)),
    "agreement": (np.float64, 1),
    "margin": (np.float64, 1),
    "entropy": (np.float64, 1),
    "rule": (np.int8, 1),
    "peaks": (np.int32, 1),
    "places": (np.int32, 1),
    "label": (np.int32, 1),
    "correct": (np.int8, 1),
}


class BlockReader:
    """Turns rows as the engine writes them into blocks; one for a table, since indices go on from block to block."""

    def __init__(self, header: PredictionHeader) -> None:
        self._names: dict[str, int] = {}
        for name in header.classes:
            self._names.setdefault(name, len(self._names))
        self._rules: dict[str, int] = {}

    def read(self, lines: Iterable[bytes | str]) -> Block:
        """Read lines of JSON, one row each.

        Raises:
            KeyError, TypeError, ValueError: A line is no row.
        """
        return self.pack([json.loads(line) for line in lines])

    def pack(self, rows: Sequence[dict[str, Any]]) -> Block:
        """Lay rows (``PredictionRow.to_dict``) into columns."""
        known, rules = len(self._names), len(self._rules)
        numbers = {name: _empty(kind, width, len(rows)) for name, (kind, width) in _COLUMNS.items()}
        files: list[str] = []
        errors: dict[int, str] = {}
        places: list[Sequence[float]] = []
        for at, row in enumerate(rows):
            files.append(str(row["file"]))
            numbers["label"][at] = self._index(row.get("label"))
            numbers["places"][at] = 0
            if row.get("error"):
                errors[at] = str(row["error"])
                continue
            numbers["class"][at] = self._index(row["class"])
            for name in ("probability", "agreement", "margin", "entropy"):
                numbers[name][at] = np.nan if row[name] is None else row[name]
            numbers["peaks"][at] = NOBODY if row["peaks"] is None else row["peaks"]
            numbers["rule"][at] = self._rules.setdefault(str(row["rule"]), len(self._rules))
            numbers["correct"][at] = NOBODY if row["correct"] is None else row["correct"]
            for rank, (name, probability) in enumerate(row["top"][:TOP]):
                numbers["top_class"][at, rank] = self._index(name)
                numbers["top_probability"][at, rank] = probability
            for (letter, name), sure_of in zip(row["branches"].items(), row["branch_probabilities"], strict=True):
                column = BRANCH_LETTERS.index(letter)
                numbers["branch"][at, column] = self._index(name)
                numbers["branch_probability"][at, column] = sure_of
            numbers["places"][at] = len(row["peak_places"])
            places += row["peak_places"]
        packed = np.array(places, dtype=np.float32).reshape(-1, 5)
        return Block(files, list(self._names)[known:], list(self._rules)[rules:], numbers, packed, errors)

    def _index(self, name: str | None) -> int:
        return NOBODY if name is None else self._names.setdefault(name, len(self._names))


@dataclass
class Answers:
    """A table of predictions that may still grow.

    Attributes:
        header: What its rows share.
        names: Class names: the model's, then those that only labels have.
        rules: Names of the rules of Eq. 3.
        files: The images' names.
        errors: Why there is no answer, by row.
    """

    header: PredictionHeader
    names: list[str] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    errors: dict[int, str] = field(default_factory=dict)
    _columns: dict[str, NDArray[Any]] = field(default_factory=dict)
    _places: list[NDArray[np.float32]] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.names = list(dict.fromkeys(self.header.classes))
        self._columns = {name: _empty(kind, width, _LEAST_ROOM) for name, (kind, width) in _COLUMNS.items()}

    def __len__(self) -> int:
        return len(self.files)

    def append(self, block: Block) -> None:
        """Add the rows that follow."""
        start, end = len(self.files), len(self.files) + len(block.files)
        room = len(self._columns["class"])
        if end > room:
            for name, (kind, width) in _COLUMNS.items():
                grown = _empty(kind, width, max(end, 2 * room))
                grown[:start] = self._columns[name][:start]
                self._columns[name] = grown
        for name, column in block.numbers.items():
            self._columns[name][start:end] = column
        self._places.append(block.places)
        self._starts.append(start)
        self.files += block.files
        self.names += block.new_names
        self.rules += block.new_rules
        self.errors.update({start + at: reason for at, reason in block.errors.items()})

    def column(self, name: str) -> NDArray[Any]:
        """Return a column of numbers, one entry (or line) a row.

        ``class``, ``label``, ``top_class`` and ``branch`` are indices into ``names``, ``rule`` into ``rules``; ``correct`` is
        1, 0 or -1; ``peaks`` and ``places`` are counts; ``probability``, ``branch_probability``, ``margin`` and ``agreement``
        lie in [0, 1]; ``entropy`` is in nats. What a row does not have is -1, or NaN where the column holds fractions.
        """
        view: NDArray[Any] = self._columns[name][: len(self.files)]
        return view

    def name(self, column: str, row: int) -> str:
        """Return a row's class or label as text; empty where it has none."""
        index = int(self._columns[column][row])
        return self.names[index] if index >= 0 else ""

    def branches(self, row: int) -> tuple[tuple[str, str], ...]:
        """Return (letter, class) of each branch that the network reports."""
        indices = self._columns["branch"][row]
        pairs = zip(BRANCH_LETTERS, indices.tolist(), strict=True)
        return tuple((letter, self.names[index]) for letter, index in pairs if index >= 0)

    def branch_scores(self, row: int) -> tuple[tuple[str, str, float], ...]:
        """Return (letter, class, probability) of each branch that the network reports."""
        probabilities = self._columns["branch_probability"][row].tolist()
        return tuple((letter, name, probabilities[BRANCH_LETTERS.index(letter)]) for letter, name in self.branches(row))

    def places(self, row: int) -> tuple[PeakPlace, ...]:
        """Return a row's peaks as the engine wrote them, the strongest first."""
        block = bisect_right(self._starts, row) - 1
        counts = self._columns["places"]
        first = int(counts[self._starts[block] : row].sum())
        of_row = self._places[block][first : first + int(counts[row])].tolist()
        # float32 holds the few digits of the table exactly; rounding brings them back.
        return tuple((round(x, 1), round(y, 1), round(r, 4), round(d, 4), round(c, 4)) for x, y, r, d, c in of_row)

    def top(self, row: int) -> tuple[tuple[str, float], ...]:
        """Return up to five (class, probability), the most probable first."""
        pairs = zip(
            self._columns["top_class"][row].tolist(), self._columns["top_probability"][row].tolist(), strict=True
        )
        return tuple((self.names[index], probability) for index, probability in pairs if index >= 0)

    def fraction(self, column: str, row: int) -> float | None:
        """Return an entry of a column of fractions; None where the row has none."""
        value = float(self._columns[column][row])
        return None if np.isnan(value) else value

    def row(self, row: int) -> PredictionRow:
        """Return a row exactly as the engine wrote it."""
        header, label = self.header, self.name("label", row) or None
        error = self.errors.get(row, "")
        if error:
            return PredictionRow(
                file=self.files[row],
                label=label,
                mode=header.mode,
                precision=header.precision,
                model=header.model,
                error=error,
            )
        peaks, correct = int(self._columns["peaks"][row]), int(self._columns["correct"][row])
        return PredictionRow(
            file=self.files[row],
            class_name=self.name("class", row),
            top=self.top(row),
            branches=self.branches(row),
            branch_probabilities=tuple(sure_of for _, _, sure_of in self.branch_scores(row)),
            rule=self.rules[int(self._columns["rule"][row])],
            peaks=None if peaks == NOBODY else peaks,
            peak_places=self.places(row),
            label=label,
            correct=None if correct == NOBODY else bool(correct),
            mode=header.mode,
            precision=header.precision,
            model=header.model,
            probability=self.fraction("probability", row),
            agreement=self.fraction("agreement", row),
            margin=self.fraction("margin", row),
            entropy=self.fraction("entropy", row),
        )


def _empty(kind: type, width: int, rows: int) -> NDArray[Any]:
    shape = rows if width == 1 else (rows, width)
    return np.full(shape, np.nan if kind is np.float64 else NOBODY, dtype=kind)
