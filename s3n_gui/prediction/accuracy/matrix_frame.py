"""The layout of a square matrix's cells in a view with zoom and pan. No widget, so it can be tested alone."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF

Cell = tuple[int, int]
"""(row, column)."""


@dataclass(frozen=True, slots=True)
class MatrixFrame:
    """A matrix of ``count`` x ``count`` cells in a field of the view.

    Attributes:
        count: Rows and columns.
        field: The part of the view that the matrix may fill.
        largest: Largest side of a cell, in pixels.
        zoom: Side of a cell relative to the side at which the matrix just fits.
        left: Column at the field's left edge, as a fraction.
        top: Row at its top edge, as a fraction.
    """

    count: int
    field: QRectF
    largest: float = 48.0
    zoom: float = 1.0
    left: float = 0.0
    top: float = 0.0

    @property
    def cell(self) -> float:
        """Side of a cell, in pixels."""
        return self._fitting * self.zoom

    @property
    def is_whole(self) -> bool:
        """Whether the whole matrix is visible."""
        return self.zoom <= 1.0

    @property
    def area(self) -> QRectF:
        """The part of the field that the matrix covers."""
        side = self.cell * self.count
        return QRectF(
            self.field.left(), self.field.top(), min(side, self.field.width()), min(side, self.field.height())
        )

    @property
    def _fitting(self) -> float:
        side = min(self.field.width(), self.field.height()) / max(self.count, 1)
        side = min(max(side, 0.1), self.largest)
        return float(int(side)) if side >= 4 else side  # whole pixels per cell, unless that wastes much space

    def box(self, cell: Cell) -> QRectF:
        """Return a cell's rectangle, possibly outside the field."""
        side = self.cell
        return QRectF(
            self.field.left() + (cell[1] - self.left) * side, self.field.top() + (cell[0] - self.top) * side, side, side
        )

    def cell_at(self, place: QPointF) -> Cell | None:
        """Return the cell under a place in the view, or None."""
        if not self.count or not self.area.contains(place):
            return None
        row = int(self.top + (place.y() - self.field.top()) / self.cell)
        column = int(self.left + (place.x() - self.field.left()) / self.cell)
        return (row, column) if max(row, column) < self.count else None

    def rows(self) -> range:
        """Return the visible rows."""
        return self._seen(self.top, self.area.height())

    def columns(self) -> range:
        """Return the visible columns."""
        return self._seen(self.left, self.area.width())

    def _seen(self, first: float, pixels: float) -> range:
        return (
            range(int(first), min(int(first + pixels / self.cell - 1e-6) + 1, self.count)) if self.count else range(0)
        )

    def zoomed(self, factor: float, at: QPointF | None = None) -> MatrixFrame:
        """Return a zoomed frame; the place under ``at`` stays fixed."""
        at = at if at is not None else self.area.center()
        zoom = min(max(self.zoom * factor, 1.0), max(self.largest / self._fitting, 1.0))
        across, down = at.x() - self.field.left(), at.y() - self.field.top()
        side = self._fitting * zoom
        return replace(
            self,
            zoom=zoom,
            left=self.left + across / self.cell - across / side,
            top=self.top + down / self.cell - down / side,
        )._held()

    def moved(self, right: float, down: float) -> MatrixFrame:
        """Return a frame panned by some pixels."""
        return replace(self, left=self.left - right / self.cell, top=self.top - down / self.cell)._held()

    def showing(self, cell: Cell) -> MatrixFrame:
        """Return a frame moved as little as needed to show a whole cell."""
        wide, high = self.area.width() / self.cell, self.area.height() / self.cell
        left = min(max(self.left, cell[1] + 1 - wide), cell[1])
        top = min(max(self.top, cell[0] + 1 - high), cell[0])
        return replace(self, left=left, top=top)._held()

    def whole(self) -> MatrixFrame:
        """Return a frame that shows the whole matrix."""
        return replace(self, zoom=1.0, left=0.0, top=0.0)

    def _held(self) -> MatrixFrame:
        """Return a frame clamped so that no gap opens at an edge."""
        wide, high = self.field.width() / self.cell, self.field.height() / self.cell
        return replace(
            self,
            left=min(max(self.left, 0.0), max(self.count - wide, 0.0)),
            top=min(max(self.top, 0.0), max(self.count - high, 0.0)),
        )

    def in_field(self, field: QRectF) -> MatrixFrame:
        """Return a frame for another field, with the same zoom."""
        return replace(self, field=field)._held()
