"""A view of tiles whose size changes: what a person looks at stays, and screen readers can read the tiles."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QAccessible, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_gui.widgets.images.tile_view import TileView

COUNT = 5000


@pytest.fixture(params=[None, 1], ids=["grid", "column"])
def view(themed: QApplication, qtbot: QtBot, request: pytest.FixtureRequest) -> TileView:
    made = TileView(120, columns=request.param)
    qtbot.addWidget(made)
    model = QStandardItemModel(made)
    model.invisibleRootItem().appendRows([QStandardItem(f"tile {number}") for number in range(COUNT)])
    made.setModel(model)
    made.resize(600, 400)
    made.show()
    return made


def sizes(view: TileView) -> None:
    """Change the view as a splitter, a window and the slider of the tiles do."""
    for width, height in ((560, 400), (430, 400), (430, 250), (610, 390)):
        view.resize(width, height)
    view.set_tile(150)


def test_whoever_looks_elsewhere_stays_there(view: TileView) -> None:
    view.setCurrentIndex(view.model().index(2, 0))
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2)
    columns, first = view.columns, view.visible_rows().start
    sizes(view)
    assert abs(view.visible_rows().start - first) <= 5 * max(columns, view.columns) < first // 2


def test_an_edge_that_moves_by_pixels_does_not_scroll(view: TileView) -> None:
    view.verticalScrollBar().setValue(view.verticalScrollBar().maximum() // 2 + 7)
    first = view.visible_rows().start
    place = view.visualRect(view.model().index(first, 0))
    for width in (*range(600, 580, -1), *range(580, 601)):
        view.resize(width, 400)
    assert view.visible_rows().start == first
    assert abs(view.visualRect(view.model().index(first, 0)).top() - place.top()) <= 6


def test_the_current_tile_stays_whole_where_it_is_in_sight(view: TileView) -> None:
    current = view.model().index(4000, 0)
    view.setCurrentIndex(current)
    view.scrollTo(current)
    sizes(view)
    room = view.viewport().rect()
    place = view.visualRect(current)
    assert room.contains(place) or (place.height() > room.height() and room.intersects(place))


def test_a_column_stays_one(themed: QApplication, qtbot: QtBot) -> None:
    view = TileView(120, columns=1)
    qtbot.addWidget(view)
    view.setModel(QStandardItemModel(3, 1, view))
    view.resize(600, 90)  # wide and low: a grid would have smaller tiles
    view.show()
    assert view.columns == 1


def test_screen_readers_can_read_the_tiles(view: TileView) -> None:
    said = QAccessible.queryAccessibleInterface(view)
    assert (said.role(), said.childCount()) == (QAccessible.Role.List, COUNT)
    assert said.child(3).text(QAccessible.Text.Name) == "tile 3"
    assert said.child(1).rect().size() == view.visualRect(view.model().index(1, 0)).size()
