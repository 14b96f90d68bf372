"""Nothing is cut, overlaps or is out of reach: every page and dialog, text of 80 to 160 %, small to large windows."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import layout_survey
import pytest
from layout_faults import layout_faults
from layout_survey import (
    EMPTY_CORNERS,
    SMALL,
    SMALL_SCREEN,
    TEXT_SIZES,
    all_dialogs,
    opened_dialogs,
    show_demo_everywhere,
    survey,
)
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from s3n_gui.appearance import theme
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.prediction.panel import PredictPage
from s3n_gui.widgets.column_scroll_area import ColumnScrollArea
from s3n_gui.widgets.elided_button import ElidedButton

LARGEST_TEXT = max(TEXT_SIZES)


@pytest.fixture
def shown(themed: QApplication) -> Iterator[QWidget]:
    """An empty window of 300 x 200 pixels."""
    widget = QWidget()
    widget.resize(300, 200)
    yield widget
    widget.close()
    widget.deleteLater()


def kinds(widget: QWidget) -> list[str]:
    """Show a widget and return the kinds of its faults."""
    widget.show()
    for _ in range(4):
        QApplication.processEvents()
    return [fault.partition(":")[0] for fault in layout_faults(widget)]


def test_all_pages_and_dialogs(themed: QApplication, window: MainWindow) -> None:
    found = survey(themed, window, EMPTY_CORNERS)  # no data set, no model, no run
    show_demo_everywhere(themed, window)
    found += survey(themed, window)
    window.resize(*SMALL)
    theme.apply(themed, "light", LARGEST_TEXT)
    met: set[type[QDialog]] = set()
    for dialog in opened_dialogs(themed, window):
        met.add(type(dialog))
        found += [f"{dialog.windowTitle()}: {fault}" for fault in layout_faults(dialog)]
        if dialog.width() > SMALL[0] or dialog.height() > SMALL[1]:
            found.append(f"{dialog.windowTitle()} is {dialog.width()} x {dialog.height()}")
    window.show_page("predict")
    predict = window.pages.page("predict")
    assert isinstance(predict, PredictPage)
    predict.show_preview(0)
    for _ in range(8):
        themed.processEvents()
    found += [f"preview: {fault}" for fault in layout_faults(window)]
    predict.preview.close_it()
    assert found == []
    assert all_dialogs() - met == set(), "layout_survey.opened_dialogs opens every dialog with content"


def test_messages_and_the_palette_at_the_largest_text(themed: QApplication, window: MainWindow) -> None:
    window.resize(*SMALL)
    theme.apply(themed, "light", LARGEST_TEXT)
    window.session.report_error("The folder cannot be read. " * 6)
    window.session.report_notice("A notice.")
    window.palette_box.open()
    window.tray.show_jobs()
    assert survey(themed, window, ((LARGEST_TEXT, SMALL),), pages=("start",)) == []


@pytest.mark.parametrize("scale", ["1.25", "1.5", "2"])
def test_scaled_screens(scale: str, s3n_home: Path) -> None:
    """The scale of a screen is fixed when Qt starts, so each has a process of its own."""
    places = [str(Path(layout_survey.__file__).parent), *sys.path]
    done = subprocess.run(
        [sys.executable, "-m", "layout_survey"],
        env={**os.environ, "QT_SCALE_FACTOR": scale, "PYTHONPATH": os.pathsep.join(filter(None, places))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_window_fits_on_a_small_screen(themed: QApplication, window: MainWindow) -> None:
    for factor in TEXT_SIZES:
        theme.apply(themed, "light", factor)
        least = window.minimumSizeHint().expandedTo(window.minimumSize())
        assert (least.width() <= SMALL_SCREEN[0], least.height() <= SMALL_SCREEN[1]) == (True, True), (factor, least)


# -- the check finds planted faults --------------------------------------------------------------------------------------


def test_text_without_room_is_found(shown: QWidget) -> None:
    for made in (QLabel("Validation share"), QPushButton("Next disagreement")):
        made.setParent(shown)
        made.setGeometry(0, 0, 40, 30)
        made.show()
        assert kinds(shown) == ["cut"]
        made.resize(200, 30)
        assert kinds(shown) == []
        made.setParent(None)
        made.deleteLater()


def test_text_without_height_is_found(shown: QWidget) -> None:
    label = QLabel("Validation share", shown)
    label.setGeometry(0, 0, 200, 6)
    assert kinds(shown) == ["cut"]


def test_wrapped_text_without_room_is_found(shown: QWidget) -> None:
    label = QLabel("Used only to choose the best epoch; the model never learns from them.", shown)
    label.setWordWrap(True)
    label.setGeometry(0, 0, 120, 20)
    assert kinds(shown) == ["cut"]
    label.resize(120, 140)
    assert kinds(shown) == []
    label.resize(30, 190)
    assert kinds(shown) == ["cut"]


def test_overlapping_widgets_are_found(shown: QWidget) -> None:
    QPushButton("Start", shown).setGeometry(0, 0, 100, 30)
    other = QPushButton("Stop", shown)
    other.setGeometry(90, 0, 100, 30)
    assert kinds(shown) == ["overlap"]
    other.setProperty("floats", True)
    assert kinds(shown) == []


def test_a_widget_outside_is_found(shown: QWidget) -> None:
    button = QPushButton("Export", shown)
    button.setGeometry(250, 0, 100, 30)
    assert kinds(shown) == ["outside"]
    button.move(150, 0)
    assert kinds(shown) == []


def test_what_no_scroll_bar_reaches_is_found(shown: QWidget) -> None:
    area = QScrollArea()
    area.setWidgetResizable(True)
    wide = QLabel("Drawn by strength, " * 6)
    area.setWidget(wide)
    QVBoxLayout(shown).addWidget(area)
    assert kinds(shown) == []
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    assert kinds(shown) == ["out of reach"]


# -- the widgets that give way ---------------------------------------------------------------------------------------------


def test_a_button_shortens_its_name(shown: QWidget) -> None:
    button = ElidedButton("expedition && north camera 07", name=True)
    QHBoxLayout(shown).addWidget(button)
    shown.resize(500, 60)
    assert kinds(shown) == []
    assert button.shown == "expedition & north camera 07"
    shown.resize(160, 60)
    assert kinds(shown) == []
    assert button.shown.endswith("07")
    assert "…" in button.shown
    assert button.text() == "expedition && north camera 07"


def test_a_column_is_never_narrower_than_its_content(shown: QWidget) -> None:
    area, column, label = ColumnScrollArea(), QWidget(), QLabel("Short")
    QVBoxLayout(column).addWidget(label)
    area.setWidget(column)
    QHBoxLayout(shown).addWidget(area)
    shown.show()
    label.setText("A much longer text, which needs a wider column than before")
    shown.resize(10, 200)
    assert kinds(shown) == []
    assert area.width() >= label.sizeHint().width()
