"""A complete user session with real processes: open images, train, stop, inspect, edit a peak, predict,
export, close, and find everything again at the next start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot

from s3n_core.demo.writing import write_drawn_birds
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.locks import is_live, read_owner
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.settings import Settings
from s3n_gui.widgets.images.image_view import ImageView

PATIENCE = 100_000
IMAGES, TESTS = 12 * (3 + 1), 12 * 1
"""Number of all images, and of test images."""

SMALL = {
    "weights": "none",
    "network.input_size": 64,
    "network.source_size": 64,
    "batch_size": 6,
    "validation": 0.34,
    "probes": 1,
    "epochs": 900,
}
"""Settings for a quick run; far more epochs than the test waits for."""


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    folder = tmp_path / "Vögel 鳥"
    write_drawn_birds(folder, train_per_species=3, test_per_species=1, workers=1)
    return folder


@pytest.fixture
def start(themed: QApplication, s3n_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], MainWindow]]:
    """Start the window as the program does, any number of times."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    started: list[MainWindow] = []

    def make() -> MainWindow:
        window = MainWindow(Settings())
        window.resize(1280, 800)
        window.show_page("start")
        window.show()
        window.trainings.begin()
        started.append(window)
        return window

    yield make
    for run in (s3n_home / "runs").glob("*/"):
        owner = read_owner(run)
        if owner is not None and owner.is_alive():  # the test failed half way
            psutil.Process(owner.pid).kill()
    for window in started:
        window.dialogs.ask_about_trainings = lambda _: "leave"  # type: ignore[method-assign]  # nobody is there to be asked
        window.close()
        window.deleteLater()


def drag(view: ImageView, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag with the left button from one place in the image to another."""
    places = [
        QPointF(*view.to_screen(place)) for place in (start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)
    ]
    left, none = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target = view.viewport()
    QTest.mousePress(target, left, none, places[0].toPoint())
    for place in places[1:]:
        event = QMouseEvent(QMouseEvent.Type.MouseMove, place, target.mapToGlobal(place), left, left, none)
        QApplication.sendEvent(target, event)
    QTest.mouseRelease(target, left, none, places[-1].toPoint())


def press(button: QPushButton) -> None:
    assert button.isEnabled(), button.text()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton, pos=QPoint(8, 8))


def test_the_whole_way(qtbot: QtBot, start: Callable[[], MainWindow], birds: Path, s3n_home: Path) -> None:
    window = start()
    errors: list[str] = []
    window.session.error_reported.connect(errors.append)

    open_birds(qtbot, window, birds)
    run = train(qtbot, window)
    look_and_drag(qtbot, window)
    predict(qtbot, window)
    export(qtbot, window, s3n_home / "Bilder ä")
    assert errors == []
    assert window.close()

    window = start()
    window.session.error_reported.connect(errors.append)
    find_again(qtbot, window, birds, run)
    assert errors == []
    assert window.close()


def open_birds(qtbot: QtBot, window: MainWindow, birds: Path) -> None:
    window.opener.open_path(birds)
    qtbot.waitUntil(lambda: window.pages.current_name == "data", timeout=PATIENCE)
    data: Any = window.pages.page("data")
    qtbot.waitUntil(lambda: data.controller.survey is not None and data.images.rowCount() == IMAGES, timeout=PATIENCE)
    assert window.session.data_set is not None
    assert len(window.session.data_set.classes) == 12


def train(qtbot: QtBot, window: MainWindow) -> Path:
    """Train two epochs and some batches; pause and continue in between."""
    window.show_page("train")
    page: Any = window.pages.page("train")
    page.form.recipe_box.setCurrentText("quick")
    for name, value in SMALL.items():
        page.form.choice.put(name, value)
    page.form.changed.emit()
    page.form.name.selectAll()
    QTest.keyClicks(page.form.name, "first birds")
    assert page.form.problem.text() == ""
    press(page.form.start)
    run = window.settings.runs_root / "first birds"
    series = page.controller.series

    qtbot.waitUntil(lambda: page.controller.machine.phase == "running", timeout=PATIENCE)
    assert is_live(run)
    qtbot.waitUntil(lambda: series.step_count > 0, timeout=PATIENCE)
    steps = series.step_count
    qtbot.waitUntil(lambda: series.step_count > steps and len(series.epoch_lines) >= 1, timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.charts.is_settled, timeout=PATIENCE)
    drawn = page.charts.picture().toImage()

    press(page.bar.pause)
    assert page.bar.facts.text().startswith("Pausing after this batch")
    qtbot.waitUntil(lambda: page.controller.machine.phase == "paused", timeout=PATIENCE)
    paused_at = page.controller.state
    QTest.qWait(1500)
    assert page.controller.state == paused_at
    press(page.bar.pause)  # the button says "Resume" now
    qtbot.waitUntil(lambda: page.controller.machine.phase == "running", timeout=PATIENCE)
    epochs = len(series.epoch_lines)
    qtbot.waitUntil(lambda: len(series.epoch_lines) > max(epochs, 1), timeout=PATIENCE)
    qtbot.waitUntil(lambda: page.charts.is_settled and page.charts.picture().toImage() != drawn, timeout=PATIENCE)

    press(page.bar.stop)
    qtbot.waitUntil(lambda: page.controller.machine.phase == "resting", timeout=PATIENCE)
    assert page.controller.status == "stopped"
    assert not is_live(run)
    assert RunDirectory(run).read_pointer("best") is not None
    press(page.bar.use)
    window.show_page("inspect")
    return run


def look_and_drag(qtbot: QtBot, window: MainWindow) -> None:
    """Inspect the first image with the new model, drag a peak, and undo."""
    assert window.pages.current_name == "inspect"
    page: Any = window.pages.page("inspect")
    state = page.state
    qtbot.waitUntil(lambda: state.answer is not None and not state.scores_stale, timeout=PATIENCE)
    before = state.answer
    peak = before.warps.peaks[0]
    x0, y0, x1, y1 = before.response.source_box
    across, down = (0.8 if peak.x < (x0 + x1) / 2 else 0.2), (0.8 if peak.y < (y0 + y1) / 2 else 0.2)
    far_away = (x0 + (x1 - x0) * across, y0 + (y1 - y0) * down)
    drag(page.panes.panes[0].view, (peak.x, peak.y), far_away)
    qtbot.waitUntil(lambda: state.answer is not before and not state.scores_stale, timeout=PATIENCE)
    after = state.answer
    moved = next(found for found in after.warps.peaks if found.found_at == peak.found_at)
    assert (moved.x, moved.y) == pytest.approx(far_away, abs=0.05 * max(x1 - x0, y1 - y0))
    assert not np.array_equal(after.scores.logits["joint"], before.scores.logits["joint"])
    assert window.actions_by_id["undo"].isEnabled()
    window.actions_by_id["undo"].trigger()
    qtbot.waitUntil(lambda: state.answer is not after and not state.scores_stale, timeout=PATIENCE)
    assert state.answer.warps.peaks == before.warps.peaks


def predict(qtbot: QtBot, window: MainWindow) -> None:
    """Predict the test images, which are those that it predicts by itself, and inspect the first row."""
    window.show_page("predict")
    page: Any = window.pages.page("predict")
    qtbot.waitUntil(lambda: page.controller.stage == "ready", timeout=PATIENCE)
    press(page.source.start)
    qtbot.waitUntil(lambda: page.controller.stage == "finished", timeout=PATIENCE)
    assert page.model.rowCount() == TESTS
    page.open_row(0)
    assert window.pages.current_name == "inspect"
    inspect: Any = window.pages.page("inspect")
    qtbot.waitUntil(lambda: inspect.state.answer is not None and not inspect.state.scores_stale, timeout=PATIENCE)


def export(qtbot: QtBot, window: MainWindow, out: Path) -> None:
    """Export a sheet for each of the first two images; the first equals the preview."""
    window.show_page("export")
    page: Any = window.pages.page("export")
    page.controller.set(out=out, first=2, singles=False, dpi=50)
    qtbot.waitUntil(lambda: page.controller.preview.file is not None and page.is_ready(), timeout=PATIENCE)
    with qtbot.waitSignal(page.controller.exported, timeout=PATIENCE) as exported:
        press(page.bar.export)
    assert exported.args is not None
    assert exported.args[1]["total"] == 2
    sheets = sorted(out.rglob("*.jpg"))
    assert len(sheets) == 2
    assert all(sheet.stat().st_size > 5000 for sheet in sheets)


def find_again(qtbot: QtBot, window: MainWindow, birds: Path, run: Path) -> None:
    """Find the data set, the run with its curves and the table after a restart."""
    page: Any = window.pages.page("start")
    qtbot.waitUntil(lambda: len(page.run_card.row_buttons()) == 1, timeout=PATIENCE)
    assert [button.row.path for button in page.data_card.row_buttons()] == [birds]
    press(page.data_card.row_buttons()[0])
    qtbot.waitUntil(lambda: window.pages.current_name == "data", timeout=PATIENCE)
    window.show_page("start")
    press(page.run_card.row_buttons()[0])
    assert window.pages.current_name == "train"
    train_page: Any = window.pages.page("train")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) >= 2, timeout=PATIENCE)
    assert train_page.controller.status == "stopped"
    assert window.session.model == run
    window.show_page("predict")
    predict_page: Any = window.pages.page("predict")
    qtbot.waitUntil(lambda: predict_page.controller.stage == "finished", timeout=PATIENCE)
    assert predict_page.model.rowCount() == TESTS
