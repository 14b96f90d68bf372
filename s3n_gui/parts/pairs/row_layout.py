"""Where everything of the rows is: a column of rows of two heights, with headings between their kinds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRect

from s3n_gui.appearance.theme import px
from s3n_gui.parts.pairs.part_row import CROPS, PartRow, RowKind

HEADINGS: dict[RowKind, str] = {
    "matters": "Hiding it costs more than hiding a random patch",
    "not shown": "Not shown to matter",
    "background": "Background",
    "rest": "Elsewhere",
    "not compared": "Parts, most differently found first",
}

_GAP = 4
_NAME_SHARE = 0.26


@dataclass(frozen=True, slots=True)
class Placed:
    """A row or a heading in the column.

    Attributes:
        top: Its upper edge, in pixels.
        height: Its height.
        row: Its index; -1 for a heading.
        heading: The text of a heading.
    """

    top: int
    height: int
    row: int
    heading: str = ""


class RowLayout:
    """The places of rows in a column of a width.

    Args:
        rows: The rows.
        width: The column's width, in pixels.
    """

    def __init__(self, rows: Sequence[PartRow], width: int) -> None:
        self.width = width
        gaps = (CROPS - 1) * _GAP
        letters = 2 * px(18) + px(16)
        self.crop = max(min((width - 2 * px(12) - letters - 2 * gaps) // (2 * CROPS), px(76)), px(28))
        """Side of a crop."""
        self.line = px(44)
        """Height of the line above the crops."""
        self.placed: list[Placed] = []
        top, kind = 0, ""
        for index, row in enumerate(rows):
            if row.kind != kind:
                kind = row.kind
                self.placed.append(Placed(top, px(30), -1, _heading(rows, row.kind)))
                top += px(30)
            height = self.line + px(12) + (self.crop + px(8) if row.crops_a or row.crops_b else 0)
            self.placed.append(Placed(top, height, index))
            top += height
        self.height = top

    def of_row(self, row: int) -> QRect:
        """Return the rectangle of a row; empty if there is none."""
        for placed in self.placed:
            if placed.row == row:
                return QRect(0, placed.top, self.width, placed.height)
        return QRect()

    def blocks(self, row: QRect) -> tuple[QRect, QRect, QRect, QRect]:
        """Return the places of the name, where it is found, its share, and its effect."""
        return self.columns(row.top() + px(6), self.line)

    def columns(self, top: int, height: int) -> tuple[QRect, QRect, QRect, QRect]:
        """Return the four columns of a line."""
        edge, gap = px(12), px(16)
        room = self.width - 2 * edge - 3 * gap
        name = round(room * _NAME_SHARE)
        each = (room - name) // 3
        found, left = [QRect(edge, top, name, height)], edge + name + gap
        for _ in range(3):
            found.append(QRect(left, top, each, height))
            left += each + gap
        return found[0], found[1], found[2], found[3]

    def crop_place(self, row: QRect, side: int, number: int) -> QRect:
        """Return the place of a crop: of A (``side`` 0) or B (1)."""
        group = CROPS * self.crop + (CROPS - 1) * _GAP + px(18)
        left = px(12) + px(18) + side * (group + px(16)) + number * (self.crop + _GAP)
        return QRect(left, row.top() + px(6) + self.line + px(4), self.crop, self.crop)

    def letter_place(self, row: QRect, side: int) -> QRect:
        """Return the place of the letter A or B before the crops."""
        first = self.crop_place(row, side, 0)
        return QRect(first.left() - px(18), first.top(), px(16), self.crop)

    def rows_between(self, top: int, bottom: int) -> list[Placed]:
        """Return what is at least partly between two heights."""
        return [placed for placed in self.placed if placed.top + placed.height > top and placed.top < bottom]


def _heading(rows: Sequence[PartRow], kind: RowKind) -> str:
    """Return the heading of the rows of a kind, which says how their crops are ranked."""
    ranked = {row.by_effect for row in rows if row.kind == kind and (row.crops_a or row.crops_b)}
    if not ranked:
        return HEADINGS[kind]
    order = (
        "by effect, else by how typical" if len(ranked) == 2 else "by effect" if True in ranked else "by how typical"
    )
    return f"{HEADINGS[kind]} · crops {order}"
