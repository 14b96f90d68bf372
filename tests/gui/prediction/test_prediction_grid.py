"""The predictions as a grid of images: the same rows as in the table, with peaks and marks, quick with any number."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_rows import header, predictions, rows
from PIL import Image
from PySide6.QtCore import QItemSelectionModel, QRect, Qt
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.prediction.tables import write_table
from s3n_core.system.resources import resource
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import apply, tokens
from s3n_gui.appearance.tokens import BRANCH_COLOURS
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.grid.grid_bar import GridBar
from s3n_gui.prediction.grid.grid_view import PredictionGrid
from s3n_gui.prediction.panel import PredictPage, page
from s3n_gui.prediction.row_views import RowViews
from s3n_gui.prediction.table.prediction_columns import BlockReader, PredictionColumns
from s3n_gui.prediction.table.table_model import PredictionModel, row_description, section_of
from s3n_gui.prediction.table.table_view import PredictionTable
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

COUNT = 300


class CountingLoader(ThumbnailLoader):
    """Remembers which images were asked for."""

    asked: set[Path]

    def image(self, path: Path) -> QImage | None:
        self.asked.add(path)
        return super().image(path)


class CountingModel(PredictionModel):
    """Counts how often a view asks for data."""

    questions = 0

    def data(self, index, role=Qt.ItemDataRole.DisplayRole):  # type: ignore[no-untyped-def]
        self.questions += 1
        return super().data(index, role)


@pytest.fixture
def loader() -> Iterator[CountingLoader]:
    made = CountingLoader(160, sizes=True)
    made.asked = set()
    yield made
    made.close()


@pytest.fixture
def views(qtbot: QtBot, themed: QApplication, loader: CountingLoader, tmp_path: Path) -> RowViews:
    """Table and grid of 300 made-up rows whose images do not exist."""
    model = CountingModel()
    table = PredictionTable(model, loader, lambda file: tmp_path / file)
    grid = PredictionGrid(model, loader, lambda file: tmp_path / file)
    made = RowViews(table, grid, GridBar(model))
    model.setParent(made)
    qtbot.addWidget(made)
    model.show(predictions(COUNT))
    made.resize(900, 500)
    made.show()
    made.show_view("images")
    return made


def grid_of(views: RowViews) -> PredictionGrid:
    assert isinstance(views.view, PredictionGrid)
    return views.view


def many(count: int) -> PredictionColumns:
    """Return a large table; its rows repeat."""
    table, reader = PredictionColumns(header(count)), BlockReader(header(count))
    made = [row.to_dict() for row in rows(1000)]
    for start in range(0, count, 1000):
        for number, row in enumerate(made):
            row["file"] = f"{start + number}.jpg"
        table.append(reader.read([json.dumps(row) for row in made]))
    return table


def test_both_views_have_one_selection(qtbot: QtBot, views: RowViews) -> None:
    grid = grid_of(views)
    grid.go_to(7)
    qtbot.keyClick(grid, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert views.chosen_rows() == [7, 8]
    views.show_view("table")
    assert isinstance(views.view, PredictionTable)
    assert views.current_row() == 8
    assert views.chosen_rows() == [7, 8]
    views.go_to(250)
    views.show_view("images")
    assert views.current_row() == 250
    place = grid.visualRect(grid.currentIndex())
    assert grid.viewport().rect().contains(place), "the grid scrolls to the current row"


def test_keys_move_through_the_grid(qtbot: QtBot, views: RowViews) -> None:
    grid = grid_of(views)
    across = grid.columns
    assert across > 2
    grid.go_to(0)
    for key, row in (
        (Qt.Key.Key_Right, 1),
        (Qt.Key.Key_Down, 1 + across),
        (Qt.Key.Key_Left, across),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_Up, 0),
        (Qt.Key.Key_End, COUNT - 1),
        (Qt.Key.Key_Down, COUNT - 1),
        (Qt.Key.Key_Home, 0),
    ):
        qtbot.keyClick(grid, key)
        assert views.current_row() == row
    with qtbot.waitSignal(views.opened) as opened:
        qtbot.keyClick(grid, Qt.Key.Key_Return)
    with qtbot.waitSignal(views.preview_asked) as asked:
        qtbot.keyClick(grid, Qt.Key.Key_Space)
    assert (opened.args, asked.args) == ([0], [0])
    assert "bild 000000.jpg" in grid.accessibleDescription()


def test_a_click_selects_and_a_double_click_opens(qtbot: QtBot, views: RowViews) -> None:
    grid = grid_of(views)
    places = [grid.visualRect(grid.model().index(row, 0)).center() for row in (1, 4)]
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=places[0])
    assert views.current_row() == 1
    qtbot.mouseClick(grid.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, places[1])
    assert views.chosen_rows() == [1, 2, 3, 4]
    with qtbot.waitSignal(views.opened) as opened:
        qtbot.mouseDClick(grid.viewport(), Qt.MouseButton.LeftButton, pos=places[1])
    assert opened.args == [4]


def test_the_order_is_that_of_the_table(views: RowViews) -> None:
    grid, model = grid_of(views), grid_of(views).model()
    assert isinstance(model, PredictionModel)
    bar = views.findChild(GridBar)
    assert bar is not None
    views.go_to(20)
    bar.order.setCurrentIndex(section_of("probability"))
    bar.order.activated.emit(section_of("probability"))
    assert (model.sort_key, model.descending) == ("probability", True)
    assert views.current_row() == 20
    assert grid.viewport().rect().intersects(grid.visualRect(grid.currentIndex()))
    bar.direction.click()
    assert not model.descending
    model.set_order("margin", descending=True)
    assert bar.order.currentData() == section_of("margin"), "a heading of the table sorts the grid, too"


def test_a_large_grid_reads_and_asks_only_what_is_visible(views: RowViews, loader: CountingLoader) -> None:
    grid, model = grid_of(views), grid_of(views).model()
    assert isinstance(model, CountingModel)
    table = many(100_000)
    loader.asked.clear()
    model.questions = 0
    model.show(table)
    QApplication.processEvents()
    grid.scrollToBottom()
    QApplication.processEvents()
    grid.go_to(50_000)
    QApplication.processEvents()
    most = 4 * (len(grid.visible_rows()) + 2 * grid.columns)
    assert len(loader.asked) <= most < 500
    assert model.questions <= 10 * most
    assert any(path.name == "99999.jpg" for path in loader.asked)


def test_a_growing_grid_keeps_its_place(views: RowViews) -> None:
    grid, model = grid_of(views), grid_of(views).model()
    assert isinstance(model, PredictionModel)
    grid.go_to(200)
    bar = grid.verticalScrollBar()
    place, most = bar.value(), bar.maximum()
    assert place > 0
    assert model.predictions is not None
    reader = BlockReader(header(COUNT))
    model.predictions.append(reader.pack([row.to_dict() for row in rows(100)]))
    model.take_new_rows()
    assert bar.value() == place
    assert bar.maximum() > most
    assert views.current_row() == 200


def test_a_low_grid_shows_whole_tiles(views: RowViews) -> None:
    grid = grid_of(views)
    views.resize(900, 900)
    grid.set_tile(320)
    before = grid.columns
    views.resize(900, 260)
    assert grid.columns > before
    assert grid.visualRect(grid.model().index(0, 0)).height() < grid.viewport().height()


def drawn(grid: PredictionGrid, row: int) -> QImage:
    """Return a tile as it is on the screen."""
    index = grid.model().index(row, 0)
    grid.scrollTo(index)
    place: QRect = grid.visualRect(index)
    return grid.viewport().grab(place).toImage()


def has_colour(image: QImage, colour: str) -> bool:
    wanted = QColor(colour)
    near = (
        QColor(image.pixel(x, y))
        for x in range(image.width())
        for y in range(image.height())
        if abs((image.pixel(x, y) >> 16 & 255) - wanted.red()) < 4
    )
    return any(abs(one.green() - wanted.green()) < 4 and abs(one.blue() - wanted.blue()) < 4 for one in near)


def test_mistakes_have_a_red_frame_and_the_others_a_green_tick(views: RowViews) -> None:
    grid, made = grid_of(views), rows(COUNT)
    wrong = next(number for number, row in enumerate(made) if row.correct is False)
    right = next(number for number, row in enumerate(made) if row.correct)
    unread = next(number for number, row in enumerate(made) if row.error)
    for row, shown in ((wrong, {"bad"}), (right, {"good"}), (unread, set())):
        image = drawn(grid, row)
        assert {name for name in ("good", "bad") if has_colour(image, getattr(tokens(), name))} == shown


def test_tiles_show_the_peaks_of_their_row(
    qtbot: QtBot, views: RowViews, loader: CountingLoader, tmp_path: Path
) -> None:
    grid = grid_of(views)
    strong = next(
        number
        for number, row in enumerate(rows(COUNT))
        if row.correct and any(d > 0.6 and 60 < x < 440 and 60 < y < 300 for x, y, _, d, _ in row.peak_places)
    )
    path = tmp_path / rows(COUNT)[strong].file
    path.parent.mkdir(parents=True)
    Image.new("RGB", (500, 375), (90, 120, 150)).save(path)
    loader.clear()
    grid.go_to(strong)
    with qtbot.waitSignal(loader.ready):
        loader.image(path)
    assert has_colour(drawn(grid, strong), BRANCH_COLOURS["D"])
    grid.show_peaks(False)
    assert not has_colour(drawn(grid, strong), BRANCH_COLOURS["D"])


def test_a_row_is_described_in_words() -> None:
    table, made = predictions(COUNT), rows(COUNT)
    wrong = next(number for number, row in enumerate(made) if row.correct is False)
    lines = row_description(table, wrong).splitlines()
    assert lines[0] == made[wrong].file
    assert lines[1] == f"Predicted as {(made[wrong].class_name or '')[4:]} ({made[wrong].probability:.3f})"
    assert lines[2] == f"Label {(made[wrong].label or '')[4:]}: wrong"
    assert row_description(table, 17).endswith("the file is cut off")


@pytest.fixture
def filled(
    qtbot: QtBot, themed: QApplication, session: Session, settings: Settings, jobs: JobList, tmp_path: Path
) -> Iterator[PredictPage]:
    """The page with a complete table of 300 made-up rows."""
    made = page(session, settings, jobs)
    assert isinstance(made, PredictPage)
    qtbot.addWidget(made)
    made.resize(1180, 640)
    made.show()
    model = resource("demo/model.safetensors")
    request = PredictionRequest(model=model, images=tmp_path)
    request.table.parent.mkdir(parents=True)
    write_table(request.table, header(COUNT), rows(COUNT))
    made.controller.set_model(model)
    made.controller.set_images(tmp_path)
    qtbot.waitUntil(lambda: made.controller.stage == "finished" and made.is_ready(), timeout=5000)
    yield made
    made.shut_down()
    jobs.close()


def test_the_page_switches_and_remembers(filled: PredictPage, session: Session) -> None:
    assert filled.rows.shown == "table"
    filled.table.setFocus()
    filled.commands()["predict-images"]()
    assert filled.grid.isVisible()
    assert filled.filter.views.checkedButton().accessibleName() == "Images"
    assert filled.focusProxy() is filled.grid
    filled.accuracy_panel.confusion.matrix.cell_chosen.emit(0, 1)
    chosen = filled.selection()
    assert chosen is not None
    assert len(chosen) == filled.accuracy.confusion[0, 1]  # type: ignore[union-attr]
    filled.grid_bar.size_slider.setValue(240)
    filled.grid_bar.peaks.setChecked(False)
    kept = json.loads(json.dumps(filled.save_state()))
    filled.filter.views.buttons()[0].click()
    assert filled.table.isVisible()
    filled.restore_state({"view": "nonsense", "tile": "wide", "cards": 3})
    assert filled.rows.shown == "table"
    filled.restore_state(kept)
    assert filled.rows.shown == "images"
    assert filled.grid.tile == 240
    assert not filled.grid.peaks


def test_the_selection_is_still_there_when_the_page_is_shown_again(filled: PredictPage) -> None:
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    filled.rows.go_to(2)
    for place in (3, 5):
        filled.table.selectionModel().select(filled.model.index(place, 1), flags)
    filled.hide()
    filled.show()
    assert filled.rows.chosen_rows() == [2, 3, 5]


def test_in_a_low_window_rows_and_cards_take_turns(filled: PredictPage) -> None:
    filled.commands()["predict-cards"]()
    assert not filled.accuracy_panel.isVisible()
    filled.commands()["predict-cards"]()
    assert filled.accuracy_panel.isVisible()
    assert filled.rows.isVisible()
    panes = filled.results.panes
    filled.resize(850, 420)
    assert filled.rows.isVisible()
    assert not filled.accuracy_panel.isVisible()
    assert not filled.filter.cards.isChecked()
    assert filled.results.panes == panes, "the heights for a high window are kept"
    filled.filter.cards.click()
    assert filled.accuracy_panel.isVisible()
    assert not filled.rows.isVisible()
    filled.accuracy_panel.classes.class_chosen.emit(0)
    assert filled.rows.isVisible(), "a class shows its images"
    filled.resize(1180, 640)
    assert filled.accuracy_panel.isVisible()
    assert filled.rows.isVisible()


@pytest.mark.parametrize("factor", [1.0, 1.4])
def test_no_bar_is_wider_than_the_window(filled: PredictPage, themed: QApplication, factor: float) -> None:
    apply(themed, "light", factor)
    filled.rows.show_view("images")
    filled.accuracy_panel.confusion.matrix.cell_chosen.emit(0, 1)
    for width in (825, 1100, 1800):
        filled.resize(width, 560)
        for _ in range(4):  # the controls take the text size one by one
            QApplication.processEvents()
        assert filled.width() == width
        for bar in (filled.filter, filled.source, filled.grid_bar):
            for widget in bar.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly):
                if widget.isVisible() and not widget.isWindow():
                    if isinstance(widget, QAbstractButton | QLabel):  # the others shorten their text themselves
                        assert widget.width() >= widget.minimumSizeHint().width() - 1, widget
                    assert 0 <= widget.x() <= widget.x() + widget.width() <= bar.width(), widget


def test_the_table_shows_the_parts_of_peaks_where_an_atlas_is_open(views: RowViews) -> None:
    views.show_view("table")
    table = views.view
    assert isinstance(table, PredictionTable)
    model = table.model()
    assert isinstance(model, PredictionModel)
    place = model.index(0, section_of("peaks"))
    narrow = table.columnWidth(place.column())
    colour = QColor(part_colour(3, tokens()))

    def is_shown() -> bool:
        cell = table.viewport().grab(table.visualRect(place)).toImage()
        return any(cell.pixelColor(x, y) == colour for x in range(cell.width()) for y in range(cell.height()))

    assert not is_shown()
    model.parts_of = lambda file: (PartPlace(1, 2, 3, "bill"), PartPlace(3, 4, 3, "bill"))
    table.show_parts(shown=True)
    assert table.columnWidth(place.column()) > narrow
    assert is_shown()
    assert "bill, bill" in place.data(Qt.ItemDataRole.AccessibleTextRole)
    table.show_parts(shown=False)
    assert table.columnWidth(place.column()) == narrow
