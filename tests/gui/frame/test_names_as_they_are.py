"""Names with ``&``, ``<`` and ``>`` are shown as they are: in labels, buttons, menus, tooltips, lists and rich text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, Qt
from PySide6.QtGui import QAction, QTextDocument
from PySide6.QtGui import Qt as GuiQt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QGroupBox,
    QLabel,
    QMenu,
    QTabBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import write_table
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_state import RunState
from s3n_gui.appearance.wording import label_text, tip_text
from s3n_gui.dataset.panel import DataPage
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.prediction.panel import PredictPage
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.training.panel import TrainPage
from s3n_gui.widgets.elided_label import ElidedLabel

CLASSES = ("A & B", "<b>C</b>", "1 < 2 > 0")
SET, RUN, FILE = "R&D <i>set", "run & <u>1", "x & <s>.png"
might_be_rich_text = GuiQt.mightBeRichText
NAMES = (*CLASSES, SET, RUN, FILE)


def without_marks(text: str) -> str:
    """Return what Qt draws of the text of a button or a menu entry."""
    return text.split("\t")[0].replace("&&", "\0").replace("&", "").replace("\0", "&")


def drawn(text: str, form: Qt.TextFormat = Qt.TextFormat.AutoText) -> str:
    """Return what Qt draws of the text of a label or a tooltip."""
    rich = form == Qt.TextFormat.RichText or (form == Qt.TextFormat.AutoText and might_be_rich_text(text))
    if not rich:
        return text
    document = QTextDocument()
    document.setHtml(text)
    return document.toPlainText()


def meant(raw: str) -> list[str]:
    """Return the names that a text means to show, written in any way."""
    return [name for name in NAMES if name in raw or label_text(name) in raw or tip_text(name)[4:-5] in raw]


def texts(widget: QWidget) -> Iterator[tuple[str, str]]:
    """Yield all texts of a widget: as set, and as drawn."""
    if isinstance(widget, QLabel) and not isinstance(widget, ElidedLabel):
        yield widget.text(), drawn(widget.text(), widget.textFormat())
    if isinstance(widget, QAbstractButton):
        yield widget.text(), without_marks(widget.text())
    if isinstance(widget, QGroupBox):
        yield widget.title(), without_marks(widget.title())
    if isinstance(widget, QTabBar):
        yield from ((widget.tabText(n), without_marks(widget.tabText(n))) for n in range(widget.count()))
    if isinstance(widget, QMenu):
        yield widget.title(), without_marks(widget.title())
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        yield from cells(widget.model())
    for action in widget.actions():
        yield from of_action(action)
    yield widget.toolTip(), drawn(widget.toolTip())


def of_action(action: QAction) -> Iterator[tuple[str, str]]:
    yield action.text(), without_marks(action.text())
    yield action.toolTip(), drawn(action.toolTip())


def cells(model: QAbstractItemModel, parent: QModelIndex | None = None) -> Iterator[tuple[str, str]]:
    parent = parent or QModelIndex()
    for row in range(min(model.rowCount(parent), 20)):
        columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(parent)
        for column in range(columns):
            index = model.index(row, column, parent)
            tip = index.data(Qt.ItemDataRole.ToolTipRole)
            if isinstance(tip, str):
                yield tip, drawn(tip)
            if column == 0:
                yield from cells(model, index)


@pytest.fixture
def full(window: MainWindow, qtbot: QtBot, tmp_path: Path) -> MainWindow:
    """The window with a data set, a run, predictions and chosen images of such names, and with all pages made."""
    root = tmp_path / SET
    for number, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for copy in ("", "2 "):
            Image.new("RGB", (32, 24), (60 * number, 90, 120)).save(root / name / f"{copy}{FILE}")
    run = RunDirectory.create(window.settings.runs_root / RUN, {"recipe": {"name": "quick"}, "data": {"name": SET}})
    run.write_state(RunState(status="stopped", epoch=1, epochs=4, best_epoch=0, best_accuracy=0.5))
    run.write_pointer("best", "step-1")
    with qtbot.waitSignal(window.session.data_set_changed, timeout=5000):
        window.opener.open_path(root)
    with qtbot.waitSignal(window.trainings.watch.changed, timeout=5000):
        window.trainings.watch.look()
    window.recent.add("run", tmp_path / RUN)
    data_set = window.session.data_set
    assert data_set is not None
    request = PredictionRequest(model=run.path, images=root)
    header = PredictionHeader(
        model="0" * 16, mode="expected", precision="float32", classes=data_set.classes, images="f" * 32, count=6
    )
    rows = [
        Prediction(
            file=record.name, class_name=data_set.classes[n % 3], label=data_set.classes[record.label or 0],
            correct=n % 3 == record.label, probability=0.9, top=((data_set.classes[n % 3], 0.9),),
            branches=(("O", data_set.classes[n % 3]),), branch_probabilities=(0.9,), agreement=1.0, margin=0.5,
            entropy=0.1, mode="expected", precision="float32", model="0" * 16,
        )
        for n, record in enumerate(data_set.records)
    ]  # fmt: skip
    request.table.parent.mkdir(parents=True)
    write_table(request.table, header, rows)
    window.session.model = run.path
    window.session.selection = ImageSelection(f"{CLASSES[0]} → {CLASSES[1]}", root, tuple(r.file for r in rows[:2]))
    for name in window.pages.names:
        window.pages.page(name)
    data = window.pages.page("data")
    assert isinstance(data, DataPage)
    qtbot.waitUntil(data.is_ready, timeout=5000)
    data.controller.set_filter(labels=frozenset({0}))
    inspect, predict, train = (window.pages.page(name) for name in ("inspect", "predict", "train"))
    assert isinstance(inspect, InspectPage)
    assert isinstance(predict, PredictPage)
    assert isinstance(train, TrainPage)
    inspect.finish()
    train.form.finish()
    window.show_page("predict")
    qtbot.waitUntil(lambda: predict.controller.stage == "finished" and predict.is_ready(), timeout=10_000)
    predict.accuracy_panel.pair_chosen.emit(0, 1)
    window.session.report_notice(f"{RUN} has finished.", action=f"Use {RUN}", act=lambda: None)
    for menu in window.findChildren(QMenu):
        menu.aboutToShow.emit()
    return window


def test_every_text_of_the_window_shows_names_as_they_are(full: MainWindow) -> None:
    wrong, seen = [], set()
    for widget in (full, *full.findChildren(QWidget)):
        for raw, shown in texts(widget):
            for name in meant(raw):
                seen.add(name)
                if name not in shown:
                    wrong.append(
                        f"{type(widget).__name__} in {type(widget.parent()).__name__}: {raw!r} is drawn as {shown!r}"
                    )
    assert not wrong
    assert seen == set(NAMES), "the window shows each of these names somewhere"


def test_a_name_is_written_for_menus_and_tooltips(themed: QApplication) -> None:
    for name in NAMES:
        assert without_marks(label_text(name)) == name
        assert drawn(tip_text(f"{name}\nsecond line")) == f"{name}\nsecond line"
    assert tip_text("plain") == "plain"
