"""Column definitions of prediction tables: storage and display, shared by all writers, readers and views.

The columns themselves are the fields of `rows.Prediction`; add new ones there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

TOP = 5
"""Maximum number of classes listed per image."""

BRANCH_LETTERS = ("O", "D", "C")
"""Branches in the order of their columns: original, discriminative, complementary."""

PeakPlace = tuple[float, float, float, float, float]
"""A peak: x and y in pixels of the upright original, R at it, its membership in T_d and in T_c (all three in [0, 1])."""

Cell = str | float | int | None
"""One value of a CSV table; None is an empty cell."""

Kind = Literal[
    "text", "class", "word", "number", "count", "flag", "ranking", "branch classes", "branch numbers", "places"
]
"""The type of a column: free text; a class name; a choice of words; a fraction or another real number; a non-negative
integer; a boolean; (class, probability) pairs; (branch, class) pairs; a number for each of those branches; peaks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """How the window's table shows a column.

    Attributes:
        title: The heading text.
        meaning: What the column shows, as a sentence without a full stop.
        place: Sort key for the order of the columns.
        width: Width in pixels at text size 1.
        digits: Number of decimals.
        falling: Whether the first click on the heading sorts in descending order.
        spared: Hiding priority: a narrow table hides the columns with the highest values first; 0 is never hidden.
    """

    title: str
    meaning: str
    place: int
    width: int = 82
    digits: int = 3
    falling: bool = False
    spared: int = 7


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Attributes:
        kind: Its type.
        name: The field of the row; set from the class.
        key: Its name in JSON and CSV; if empty, the field's name.
        shared: Whether JSON stores it once, in the header, for all rows.
        always: Whether a row without a prediction has it.
        derive: Computes it from the rest of a row that has a prediction but no value for it.
        heading: How the window shows it; None: only as part of another column.
    """

    kind: Kind
    name: str = ""
    key: str = ""
    shared: bool = False
    always: bool = False
    derive: Callable[[Any], Any] | None = None
    heading: Heading | None = None

    @property
    def csv_names(self) -> tuple[str, ...]:
        """The names of its CSV columns."""
        match self.kind:
            case "ranking":  # The first has columns of its own.
                return tuple(f"{what}_{rank}" for rank in range(2, TOP + 1) for what in ("class", "probability"))
            case "branch classes":
                return tuple(f"{what}_{letter}" for letter in BRANCH_LETTERS for what in ("class", "probability"))
            case "branch numbers":  # Part of the columns of the branches' classes.
                return ()
        return (self.key,)

    @property
    def csv_cells(self) -> Callable[[Any], Sequence[Cell]]:
        """A function from a row's value to its cells, one for each of ``csv_names``."""
        value = attrgetter(self.name)
        match self.kind:
            case "ranking":
                return lambda row: _ranking_cells(value(row))
            case "branch classes":
                return lambda row: _branch_cells(row.branch_scores)
            case "branch numbers":
                return lambda row: ()
            case "flag":
                return lambda row: (None if value(row) is None else "true" if value(row) else "false",)
            case "places":
                return lambda row: ("; ".join(" ".join(f"{number:g}" for number in place) for place in value(row)),)
        return lambda row: (value(row),)

    @property
    def to_json(self) -> Callable[[Any], Any] | None:
        """A lossless function from a value to a JSON value; None if the value already is one."""
        return _TO_JSON.get(self.kind)

    @property
    def from_json(self) -> Callable[[Any], Any] | None:
        """A function from a JSON value back to the value; None if none is needed."""
        return _FROM_JSON.get(self.kind)


def columns_of(row_type: type) -> tuple[Column, ...]:
    """Return the columns with which the fields of a dataclass are annotated, in field order."""
    columns = []
    for name, hint in get_type_hints(row_type, include_extras=True).items():
        if get_origin(hint) is Annotated:
            column = next(extra for extra in get_args(hint)[1:] if isinstance(extra, Column))
            columns.append(replace(column, name=name, key=column.key or name))
    return tuple(columns)


def _ranking_cells(ranking: Sequence[tuple[str, float]]) -> list[Cell]:
    cells: list[Cell] = [cell for pair in ranking[1:TOP] for cell in pair]
    return cells + [None] * (2 * (TOP - 1) - len(cells))


def _branch_cells(scores: Sequence[tuple[str, str, float]]) -> list[Cell]:
    by_letter = {letter: (name, probability) for letter, name, probability in scores}
    return [cell for letter in BRANCH_LETTERS for cell in by_letter.get(letter, (None, None))]


_TO_JSON: dict[Kind, Callable[[Any], Any]] = {
    "ranking": lambda pairs: [list(pair) for pair in pairs],
    "branch classes": dict,
    "branch numbers": list,
    "places": lambda places: [list(place) for place in places],
}

_FROM_JSON: dict[Kind, Callable[[Any], Any]] = {
    "text": str,
    "ranking": lambda pairs: tuple([(name, float(probability)) for name, probability in pairs]),
    "branch classes": lambda classes: tuple(classes.items()),
    "branch numbers": lambda numbers: tuple(map(float, numbers)),
    "places": lambda places: tuple([(float(x), float(y), float(r), float(d), float(c)) for x, y, r, d, c in places]),
}
