"""The cell layout of the confusion matrix, without widgets."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, QRectF

from s3n_gui.prediction.accuracy.matrix_frame import MatrixFrame


def frame(count: int = 200, side: float = 400) -> MatrixFrame:
    return MatrixFrame(count, QRectF(100, 80, side + 100, side))


def test_the_whole_matrix_fits_and_cells_are_found() -> None:
    whole = frame()
    assert whole.is_whole
    assert whole.cell == 2
    assert whole.area == QRectF(100, 80, 400, 400)
    assert whole.cell_at(QPointF(100.5, 80.5)) == (0, 0)
    assert whole.cell_at(QPointF(499.5, 479.5)) == (199, 199)
    assert whole.cell_at(QPointF(501, 100)) is None
    assert whole.cell_at(QPointF(99, 100)) is None
    assert (whole.rows(), whole.columns()) == (range(200), range(200))
    assert frame(5).cell == 48, "few cells do not become huge"


def test_zooming_keeps_what_is_under_the_mouse() -> None:
    at = QPointF(313, 222)
    near = frame().zoomed(7.3, at)
    assert near.cell_at(at) == frame().cell_at(at)
    assert near.cell == pytest.approx(14.6)
    assert len(near.columns()) < 40
    assert near.zoomed(100).cell == 48
    assert near.zoomed(0.001) == frame()
    assert near.whole() == frame()


def test_panning_stops_at_the_edges() -> None:
    near = frame().zoomed(8, QPointF(300, 280))
    assert near.moved(10_000, 10_000).rows().start == 0
    end = near.moved(-10_000, -10_000)
    assert end.rows().stop == end.columns().stop == 200
    assert end.box((199, 199)).bottom() == pytest.approx(end.area.bottom())


def test_a_cell_is_brought_into_view() -> None:
    near = frame().zoomed(8)
    for cell in ((0, 0), (199, 3), (77, 199)):
        shown = near.showing(cell)
        assert shown.area.adjusted(-0.1, -0.1, 0.1, 0.1).contains(shown.box(cell))
        assert shown.showing(cell) == shown
    assert frame().showing((50, 50)) == frame()


def test_another_field_keeps_the_zoom() -> None:
    near = frame().zoomed(8)
    grown = near.in_field(QRectF(100, 80, 800, 800))
    assert grown.zoom == near.zoom
    assert MatrixFrame(0, QRectF(0, 0, 10, 10)).cell_at(QPointF(1, 1)) is None
