"""Orders of the classes, the most confused pairs, and where the cells of the matrix lie: without widgets."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import QPointF, QRectF

from s3n_gui.prediction.accuracy.confusion_order import class_order, confused_pairs
from s3n_gui.prediction.accuracy.matrix_frame import MatrixFrame

COUNTS = np.array(
    [
        [8, 0, 0, 2, 0],
        [0, 5, 0, 0, 0],
        [0, 0, 9, 0, 1],
        [3, 0, 0, 1, 0],
        [0, 0, 1, 0, 0],
    ]
)


def test_pairs_come_by_how_often() -> None:
    pairs = confused_pairs(COUNTS)
    assert [(pair.label, pair.answer, pair.count) for pair in pairs] == [(3, 0, 3), (0, 3, 2), (4, 2, 1), (2, 4, 1)]
    assert pairs[0].share == pytest.approx(0.75)
    assert pairs[2].share == 1.0, "among equals the larger share first"
    assert confused_pairs(COUNTS, most=1) == pairs[:1]


def test_confused_classes_stand_side_by_side() -> None:
    order = class_order(COUNTS, "confusion").tolist()
    assert sorted(order) == [0, 1, 2, 3, 4]
    assert set(order[:2]) == {0, 3}
    assert set(order[2:4]) == {2, 4}
    assert order[4] == 1, "never confused: last"


def test_groups_join_at_their_nearest_ends() -> None:
    counts = np.diag([5, 5, 5, 5])
    for (row, column), number in {(0, 1): 4, (2, 3): 3, (1, 2): 2}.items():
        counts[row, column] = number
    order = class_order(counts, "confusion").tolist()
    assert order in ([0, 1, 2, 3], [3, 2, 1, 0])


def test_other_orders() -> None:
    assert class_order(COUNTS, "model").tolist() == [0, 1, 2, 3, 4]
    assert class_order(COUNTS, "recall").tolist() == [4, 3, 0, 2, 1]
    empty = np.array([[0, 0], [1, 1]])
    assert class_order(empty, "recall").tolist() == [1, 0], "a class without images comes last"


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
