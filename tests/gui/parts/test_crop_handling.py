"""Moving a peak to another part: by dragging its crop, by the menu, by the keys; and undoing it."""

from __future__ import annotations

from pathlib import Path

from made_up_atlas import CLASSES, made_up_comparison
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QMenu, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_gui.parts.crop import Crop
from s3n_gui.parts.crops.crop_menu import CropMenu
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.session import Session

KNOT, PLOVER, RUFF = CLASSES


def show_pair(parts: PartsPage, qtbot: QtBot) -> None:
    parts.pair.set_pair(KNOT, PLOVER)
    qtbot.waitUntil(lambda: parts.pair.pair is not None and (parts.pair.pair.a, parts.pair.pair.b) == (KNOT, PLOVER))
    qtbot.waitUntil(parts.is_ready)


def mouse(widget: QWidget, kind: QEvent.Type, at: QPoint, buttons: Qt.MouseButton = Qt.MouseButton.LeftButton) -> None:
    """Send a mouse event as a drag with the left button does; ``at`` is a global place."""
    button = Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
    place = QPointF(widget.mapFromGlobal(at))
    QApplication.sendEvent(
        widget, QMouseEvent(kind, place, QPointF(at), button, buttons, Qt.KeyboardModifier.NoModifier)
    )


def drag(source: QWidget, begin: QPoint, end: QPoint) -> None:
    """Press in a widget and move to a global place."""
    at = source.mapToGlobal(begin)
    mouse(source, QEvent.Type.MouseButtonPress, at)
    mouse(source, QEvent.Type.MouseMove, at + QPoint(2, 0))
    mouse(source, QEvent.Type.MouseMove, end)


def drop(source: QWidget, end: QPoint) -> None:
    mouse(source, QEvent.Type.MouseButtonRelease, end, Qt.MouseButton.NoButton)


def row_place(parts: PartsPage, part: int) -> QPoint:
    """Return a global place in the row of a part."""
    rows = parts.pair_view.rows
    at = next(
        QPoint(20, y)
        for y in range(rows.viewport().height())
        if rows.part_at(QPoint(20, y)) == part and rows.part_at(QPoint(20, y + 20)) == part
    )
    return rows.viewport().mapToGlobal(at + QPoint(0, 12))


def part_of(parts: PartsPage, crop: Crop) -> int:
    content = parts.controller.content
    assert content is not None
    return int(content.atlas.part_of[crop.row])


def test_a_crop_that_is_dropped_on_another_row_belongs_to_that_part(
    opened: PartsPage, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    show_pair(opened, qtbot)
    rows, handling = opened.pair_view.rows, opened.crops
    crop, place = rows.crops_shown()[0]
    assert part_of(opened, crop) == 0
    drag(rows.viewport(), place.center(), row_place(opened, 1))
    state = handling.drag.state
    assert state is not None
    assert (state.own, state.over) == (0, 1)
    assert handling.drag.ghost is not None
    assert handling.drag.ghost.words == "Move to part 2"
    assert not opened.pair_view.tip.isVisible()
    with qtbot.waitSignal(session.notice_reported) as said:
        drop(rows.viewport(), row_place(opened, 1))
    assert said.args[0].startswith("Moved to part 2")
    qtbot.waitUntil(lambda: part_of(opened, crop) == 1)
    assert handling.drag.state is None
    (edit,) = Atlas(tmp_path / "atlas").parts.edits
    assert (edit.kind, edit.parts, edit.image, edit.x, edit.y) == ("reassign", (1,), crop.file, crop.x, crop.y)
    qtbot.waitUntil(lambda: opened.is_ready() and rows.rows[0].found == (3, 4))
    content = opened.controller.content
    assert content is not None
    assert [summary.peaks for summary in content.parts] == [13, 11, 0]
    assert int(content.matrix.found[0, content.matrix.parts.index(0)]) == 3
    opened.undo_stack().undo()
    qtbot.waitUntil(lambda: part_of(opened, crop) == 0)
    opened.undo_stack().redo()
    qtbot.waitUntil(lambda: part_of(opened, crop) == 1)


def test_escape_and_places_beside_the_parts_move_nothing(opened: PartsPage, qtbot: QtBot, tmp_path: Path) -> None:
    show_pair(opened, qtbot)
    rows, handling = opened.pair_view.rows, opened.crops
    _, place = rows.crops_shown()[0]
    drag(rows.viewport(), place.center(), row_place(opened, 1))
    assert handling.drag.ghost is not None
    qtbot.keyClick(rows, Qt.Key.Key_Escape)
    assert handling.drag.state is None
    drop(rows.viewport(), row_place(opened, 1))
    for nowhere in (row_place(opened, 0), rows.viewport().mapToGlobal(QPoint(20, 5))):  # its own row, the titles
        drag(rows.viewport(), place.center(), nowhere)
        assert handling.drag.state is not None
        assert handling.drag.state.over == -1
        drop(rows.viewport(), nowhere)
    drag(rows.viewport(), place.center(), row_place(opened, 1))
    opened.pair_view.hide()  # another tab, another page
    assert handling.drag.state is None
    assert not opened.controller.edits.is_busy
    assert Atlas(tmp_path / "atlas").parts.edits == ()


def popup() -> QMenu:
    found = QApplication.activePopupWidget()
    assert isinstance(found, QMenu)
    return found


def test_the_menu_of_a_crop_moves_its_peak_too(opened: PartsPage, session: Session, qtbot: QtBot) -> None:
    show_pair(opened, qtbot)
    rows, pages = opened.pair_view.rows, list[str]()
    session.page_requested.connect(pages.append)
    crop, place = rows.crops_shown()[0]
    reason = QContextMenuEvent.Reason.Mouse
    at = place.center()
    QApplication.sendEvent(rows.viewport(), QContextMenuEvent(reason, at, rows.viewport().mapToGlobal(at)))
    menu = popup()
    assert isinstance(menu, CropMenu)
    assert [action.text() for action in menu.actions() if action.text()] == [
        "Inspect",
        "Show with this place hidden",
        "More like this",
        "Move to part",
    ]
    assert [action.text() for action in menu.parts.actions()] == ["part 2", "part 3"]
    menu.parts.actions()[0].trigger()
    menu.close()
    qtbot.waitUntil(lambda: part_of(opened, crop) == 1)
    # Inspect takes the images with the part, as Enter does.
    menu = opened.crops.menu_of(rows.crops_shown()[0][0])
    qtbot.addWidget(menu)
    menu.actions()[0].trigger()
    assert pages == ["inspect"]
    menu.actions()[2].trigger()
    assert opened.shown.currentWidget() is opened.map_view
    qtbot.waitUntil(opened.is_ready)


def test_the_keys_move_the_current_crop(opened: PartsPage, qtbot: QtBot) -> None:
    show_pair(opened, qtbot)
    rows = opened.pair_view.rows
    rows.setFocus()
    rows.step(1)
    qtbot.keyClick(rows, Qt.Key.Key_Right)
    crop = rows.current_crop
    assert crop is not None
    qtbot.keyClick(rows, Qt.Key.Key_M)
    parts = popup()
    qtbot.keyClick(parts, Qt.Key.Key_Down)
    qtbot.keyClick(parts, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: part_of(opened, crop) == 1)
    qtbot.waitUntil(opened.is_ready)
    rows.step(-1)
    keyboard = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    QApplication.sendEvent(rows, keyboard)
    assert isinstance(popup(), CropMenu)
    popup().close()


def test_where_no_peak_lies_nothing_can_be_moved_and_it_is_said(opened: PartsPage, qtbot: QtBot) -> None:
    """In a comparison a part may be found between peaks; a crop there has no peak to move."""
    content = opened.controller.content
    assert content is not None
    keep_comparison(content.atlas, made_up_comparison(content.atlas, KNOT, PLOVER))
    opened.pair.set_pair(RUFF, KNOT)
    show_pair(opened, qtbot)
    row = next(row for row in opened.pair_view.rows.rows if row.by_effect)
    assert [part_of(opened, crop) for crop in row.crops_a] == [row.part] * len(row.crops_a)
    menu = opened.crops.menu_of(Crop(file=row.crops_a[0].file, x=5, y=80, width=120, height=90))
    qtbot.addWidget(menu)
    assert not menu.parts.menuAction().isEnabled()
    assert "No peak lies here" in menu.parts.menuAction().toolTip()
    menu = opened.crops.menu_of(Crop(file="/photographs/mine.jpg", x=5, y=80, width=120, height=90))
    qtbot.addWidget(menu)
    assert "does not have this image" in menu.parts.menuAction().toolTip()


def test_crops_of_the_tabs_atlas_and_class_are_dropped_on_their_parts(opened: PartsPage, qtbot: QtBot) -> None:
    view = opened.map_view
    opened.bar.tabs.setCurrentIndex(opened.views.index(view))
    view.show_like(0)
    qtbot.waitUntil(lambda: opened.is_ready() and len(view.crops.crops) > 3)
    crop = view.crops.crop_at(QPoint(10, 10))
    assert crop is not None
    item = view.parts.visualItemRect(view.parts.item(1)).center()
    drag(view.crops.surface, QPoint(10, 10), view.parts.viewport().mapToGlobal(item))
    drop(view.crops.surface, view.parts.viewport().mapToGlobal(item))
    qtbot.waitUntil(lambda: part_of(opened, crop) == 1)

    portrait = opened.portrait_view
    opened.bar.tabs.setCurrentIndex(opened.views.index(portrait))
    qtbot.waitUntil(opened.is_ready)
    qtbot.waitUntil(lambda: portrait.rows[1].y() > portrait.rows[0].y())  # laid out
    first, second = portrait.rows[:2]
    crop = first.strip.crop_at(QPoint(10, 10))
    assert crop is not None
    assert part_of(opened, crop) == first.part
    end = second.mapToGlobal(QPoint(20, 20))
    drag(first.strip, QPoint(10, 10), end)
    drop(first.strip, end)
    qtbot.waitUntil(lambda: part_of(opened, crop) == second.part)
    qtbot.waitUntil(opened.is_ready)


def test_keys_reach_the_crops_of_grids_and_strips(opened: PartsPage, qtbot: QtBot) -> None:
    view = opened.map_view
    opened.bar.tabs.setCurrentIndex(opened.views.index(view))
    view.show_like(0)
    qtbot.waitUntil(lambda: opened.is_ready() and len(view.crops.crops) > 3)
    grid, asked = view.crops, list[Crop]()
    view.opened.disconnect()
    view.opened.connect(asked.append)
    grid.surface.setFocus()
    for key in (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_Down, Qt.Key.Key_Up, Qt.Key.Key_End, Qt.Key.Key_Return):
        qtbot.keyClick(grid.surface, key)
    assert asked == [grid.crops[-1]]
    found = grid.current_place()
    assert found is not None
    assert grid.viewport().rect().contains(grid.surface.mapTo(grid.viewport(), found[1].center()))
    qtbot.keyClick(grid.surface, Qt.Key.Key_M)
    popup().close()

    portrait = opened.portrait_view
    opened.bar.tabs.setCurrentIndex(opened.views.index(portrait))
    qtbot.waitUntil(lambda: opened.is_ready() and portrait.rows[0].strip.width() > 120)
    strip = portrait.rows[0].strip
    strip.setFocus()
    qtbot.keyClick(strip, Qt.Key.Key_Right)
    found = strip.current_place()
    assert found is not None
    assert found[0] == strip.crops[1]
    qtbot.keyClick(strip, Qt.Key.Key_M)
    menu = popup()
    qtbot.keyClick(menu, Qt.Key.Key_Down)
    qtbot.keyClick(menu, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: part_of(opened, found[0]) != 0)
    qtbot.waitUntil(opened.is_ready)
