"""The tab "Classes × parts": its numbers, and the way from a cell to the row and its images."""

from __future__ import annotations

from made_up_atlas import CLASSES
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from s3n_gui.parts.panel import PartsPage

KNOT, PLOVER, RUFF = CLASSES


def test_a_cell_says_what_a_part_contributes_and_in_how_many_images(opened: PartsPage, qtbot: QtBot) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    cells = opened.matrix_view.cells
    assert cells.isVisible()
    assert cells.columns == 4  # three parts and the rest
    assert [cells.text_of(0, column) for column in range(4)] == ["+2.00", "+1.00", "", "+1.00"]
    words = "Grey plover: part 1 found in 4 of 4 images; contributes +2.00 logits, 61.5 % of the sum of absolute values"
    assert cells.words_of(1, 0) == f"{words}, the rest included"
    opened.matrix_view.found.click()
    assert cells.columns == 3
    assert cells.text_of(1, 0) == "4"
    assert "in how many images" in opened.matrix_view.words.text().lower()


def test_a_cell_leads_to_its_row_and_the_nearest_class(opened: PartsPage, qtbot: QtBot) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    cells = opened.matrix_view.cells
    qtbot.keyClick(cells, Qt.Key.Key_Down)
    qtbot.keyClick(cells, Qt.Key.Key_Right)
    qtbot.keyClick(cells, Qt.Key.Key_Return)
    assert opened.bar.tabs.currentIndex() == 0
    assert (opened.pair.a, opened.pair.b) == (PLOVER, RUFF)  # the pair with the smallest margin
    qtbot.waitUntil(opened.is_ready)
    assert opened.pair_view.rows.current_part == 1


def test_a_click_on_a_part_selects_it_everywhere(opened: PartsPage, qtbot: QtBot) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    cells = opened.matrix_view.cells
    heading = cells.heading_of(1)
    qtbot.mouseClick(cells.viewport(), Qt.MouseButton.LeftButton, pos=heading.center())
    assert opened.pair_view.rows.current_part == 1
