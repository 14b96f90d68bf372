"""The whole row under the mouse is highlighted."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QTableView
from pytestqt.qtbot import QtBot

from s3n_gui.widgets.row_hover import RowHover, RowHoverDelegate


@pytest.fixture
def table(qtbot: QtBot, themed: QApplication) -> QTableView:
    made = QTableView()
    qtbot.addWidget(made)
    model = QStandardItemModel(3, 3, made)
    for row in range(3):
        for column in range(3):
            model.setItem(row, column, QStandardItem(""))
    made.setModel(model)
    made.setItemDelegate(RowHoverDelegate(RowHover(made), made))
    made.setShowGrid(False)
    made.resize(500, 200)
    made.show()
    return made


def _move(table: QTableView, row: int, column: int) -> None:
    place = QPointF(table.visualRect(table.model().index(row, column)).center())
    button = Qt.MouseButton.NoButton
    event = QMouseEvent(
        QEvent.Type.MouseMove, place, place, button, Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(table.viewport(), event)


def _colours(table: QTableView, row: int) -> set[str]:
    picture = table.viewport().grab().toImage()
    places = (table.visualRect(table.model().index(row, column)).center() for column in range(3))
    return {picture.pixelColor(QPoint(place)).name() for place in places}


def test_all_cells_of_the_row_under_the_mouse_are_tinted(table: QTableView) -> None:
    plain = _colours(table, 1)
    _move(table, 1, 2)
    tinted = _colours(table, 1)
    assert len(plain) == len(tinted) == 1
    assert tinted != plain
    assert _colours(table, 0) == plain
    _move(table, 0, 0)
    assert (_colours(table, 0), _colours(table, 1)) == (tinted, plain)
    QApplication.sendEvent(table.viewport(), QEvent(QEvent.Type.Leave))
    assert _colours(table, 0) == plain
