"""The tab "Classes × parts": its numbers, and the way from a cell to the row and its images."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_atlas import CLASSES, made_up_comparison
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison.stored_comparisons import keep_comparison
from s3n_gui.appearance import theme
from s3n_gui.appearance.tokens import mixed
from s3n_gui.parts.matrix.matrix_cells import STRONGEST
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
    assert cells.words_of(1, 2) == "Grey plover: part 3 has no peak in any image; it holds drawn cells only"
    opened.matrix_view.found.click()
    assert cells.columns == 3
    assert cells.text_of(1, 0) == "4"
    assert "in how many images" in opened.matrix_view.words.text().lower()


def test_cells_have_the_colours_of_what_speaks_for_and_against(opened: PartsPage) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    cells, content = opened.matrix_view.cells, opened.controller.content
    assert content is not None
    values = content.matrix.contributions.copy()
    values[0, :2] = 2, -2
    cells.show_content(replace(content, matrix=replace(content.matrix, contributions=values)))
    picture, tokens = cells.viewport().grab().toImage(), theme.tokens()
    heading = cells.heading_of(0)
    for column, colour in enumerate((tokens.favour, tokens.against)):
        place = cells.heading_of(column)
        shade = picture.pixelColor(place.left() + 4, heading.bottom() + 5)
        assert shade.name().upper() == mixed(tokens.card, colour, STRONGEST)


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


def test_the_keys_reach_the_parts_above_the_cells(opened: PartsPage, qtbot: QtBot) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    cells = opened.matrix_view.cells
    for key in (Qt.Key.Key_Up, Qt.Key.Key_Right):
        qtbot.keyClick(cells, key)
    assert cells.accessibleDescription() == "part 2: Enter selects the part"
    qtbot.keyClick(cells, Qt.Key.Key_Return)
    assert opened.pair_view.rows.current_part == 1
    assert opened.bar.tabs.currentIndex() == 1
    for _ in range(4):
        qtbot.keyClick(cells, Qt.Key.Key_Right)
    assert cells.accessibleDescription().startswith("part 3: ")  # nothing is above the last column
    qtbot.keyClick(cells, Qt.Key.Key_Down)
    assert cells.accessibleDescription() == cells.words_of(0, 2)


def keep_effects(folder: Path, name: str) -> Path:
    """Keep a comparison of a class with all others: hiding part 1 costs 1.5, which is shown, parts 2 and 3 0.1, which is not."""
    atlas = Atlas(folder)
    return keep_comparison(atlas, replace(made_up_comparison(atlas, name, RUFF if name != RUFF else KNOT), b=None))


def test_what_hiding_costs_is_empty_until_it_is_measured_and_grey_where_it_is_not_shown(
    opened: PartsPage, qtbot: QtBot, tmp_path: Path
) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    view, cells = opened.matrix_view, opened.matrix_view.cells
    assert not view.measure.isVisible()
    view.effect.click()
    assert cells.columns == 3
    assert [cells.text_of(0, column) for column in range(3)] == [""] * 3
    assert "not measured" in cells.words_of(0, 0)
    assert view.state.text() == "3 of 3 classes not measured"
    assert view.measure.text() == "Measure"
    keep_effects(tmp_path / "atlas", KNOT)
    opened.controller.edits.refresh()
    qtbot.waitUntil(lambda: opened.is_ready() and cells.text_of(0, 0) == "+1.50")
    assert [cells.text_of(0, column) for column in (1, 2)] == ["+0.10", "+0.10"]
    assert [cells.is_shown(0, column) for column in range(3)] == [True, False, False]
    assert cells.text_of(1, 0) == ""
    words = "Red knot: hiding part 1 costs +1.50 logits more than hiding random patches of the same size"
    interval = "(95 % interval +1.10 to +1.90); it changes 9 of 24 predictions, a random patch 0.9"
    assert cells.words_of(0, 0) == f"{words} {interval}"
    assert cells.words_of(0, 1).endswith("Not shown to matter")
    assert view.state.text() == "2 of 3 classes not measured"
    assert view.measure.text() == "Measure the rest"
    # A cell leads to the answer that its number comes from.
    qtbot.keyClick(cells, Qt.Key.Key_Return)
    assert (opened.pair.a, opened.pair.b) == (KNOT, "")
    assert opened.bar.tabs.currentIndex() == 0
    qtbot.waitUntil(opened.is_ready)
    assert opened.pair_view.rows.current_part == 0
    # An edit of the parts makes it outdated.
    opened.pair_view.hide_part()
    qtbot.waitUntil(lambda: opened.is_ready() and "since the parts were edited" in view.state.text())
    assert "not measured since the parts were edited" in cells.words_of(0, 0)


def test_measuring_is_a_job_that_shows_each_class_and_keeps_what_is_done(
    opened: PartsPage, qtbot: QtBot, tmp_path: Path, commanded: Callable[..., list[list[str]]]
) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    view, cells = opened.matrix_view, opened.matrix_view.cells
    view.effect.click()
    kept = keep_effects(tmp_path / "atlas", KNOT)
    (tmp_path / "kept").mkdir()
    kept.rename(tmp_path / "kept" / kept.name)
    event = json.dumps({"event": "measured", "class": KNOT, "problem": ""})
    waits = "import time, signal; signal.signal(signal.SIGINT, lambda *_: exit(130)); time.sleep(60)"
    copies = f"import shutil; shutil.copy({str(tmp_path / 'kept' / kept.name)!r}, {str(kept)!r})"
    asked = commanded(f"{copies}\nprint({event!r}, flush=True)\n{waits}")
    view.measure.click()
    assert asked == [["parts", "matrix", str(tmp_path / "atlas"), "--measure", "--json"]]
    assert view.stop.isVisible()
    assert not view.measure.isVisible()
    qtbot.waitUntil(lambda: cells.text_of(0, 0) == "+1.50")  # while it runs
    view.stop.click()
    qtbot.waitUntil(lambda: opened.effects.job is None)
    qtbot.waitUntil(opened.is_ready)
    assert view.measure.text() == "Measure the rest"
    assert cells.text_of(0, 0) == "+1.50"


def test_the_matrix_is_exported_for_excel_too(
    opened: PartsPage,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    commanded: Callable[..., list[list[str]]],
) -> None:
    asked, path = commanded(""), str(tmp_path / "wings 1.2.csv")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path.removesuffix(".csv"), ""))
    opened.bar.exports["matrix"].trigger()
    assert asked == [["parts", "matrix", str(tmp_path / "atlas"), "--out", path, "--json"]]
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (path, "Table for Excel (*.csv)"))
    for kind, command in (("matrix", "matrix"), ("csv", "export")):
        opened.bar.exports[kind].trigger()
        assert asked[-1] == ["parts", command, str(tmp_path / "atlas"), "--out", path, "--excel", "--json"]
    qtbot.waitUntil(opened.is_ready)
