"""The page Predict: widgets both ways, and one real job that is stopped and goes on."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_rows import answers, header, rows
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSlider
from pytestqt.qtbot import QtBot

from s3n_core.resources import resource
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.panel import PredictPage, page
from s3n_gui.prediction.prediction_request import PredictionRequest
from s3n_gui.session import Session
from s3n_gui.settings import Settings

from s3n_core.analysis.prediction_tables import write_table  # isort: skip

MODEL, IMAGES = resource("demo/model.safetensors"), resource("demo/images")


@pytest.fixture
def predict(
    qtbot: QtBot, themed: QApplication, session: Session, settings: Settings, jobs: JobList
) -> Iterator[PredictPage]:
    made = page(session, settings, jobs)
    assert isinstance(made, PredictPage)
    qtbot.addWidget(made)
    made.resize(1180, 600)
    made.show()
    yield made
    made.shut_down()
    jobs.close()
    jobs.clear_ended()  # now, and not when Python finds them in whatever thread


@pytest.fixture
def filled(qtbot: QtBot, predict: PredictPage, tmp_path: Path) -> PredictPage:
    """The page with a finished table of 300 made-up rows."""
    request = PredictionRequest(model=MODEL, images=tmp_path)
    request.table.parent.mkdir(parents=True)
    write_table(request.table, header(300), rows(300))
    predict.controller.set_model(MODEL)
    predict.controller.set_images(tmp_path)
    qtbot.waitUntil(lambda: predict.controller.stage == "finished", timeout=5000)
    qtbot.waitUntil(predict.is_ready, timeout=5000)
    return predict


def test_it_says_what_is_missing(predict: PredictPage, session: Session, tmp_path: Path) -> None:
    assert predict.stack.currentIndex() == 0
    assert "images" in predict.empty.title.text()
    predict.controller.set_images(tmp_path)
    assert "model" in predict.empty.title.text()
    session.model = MODEL
    assert predict.controller.stage == "ready"
    assert predict.source.start.isEnabled()
    assert predict.empty.buttons[0].text() == "Predict"


def test_a_finished_table_is_found_again(filled: PredictPage) -> None:
    assert filled.model.rowCount() == 300
    assert filled.merit is not None
    assert filled.merit.judged == 294
    assert "of 294 images" in filled.merit_panel.threshold_card.note.text()
    assert filled.source.start.text() == "Predict again"


def test_filter_and_sort_show_in_the_table(qtbot: QtBot, filled: PredictPage) -> None:
    filled.filter.search.setText("bild 00001")
    qtbot.waitUntil(lambda: filled.model.rowCount() == 10, timeout=2000)
    assert filled.filter.count.text().startswith("10 of 300")
    filled.filter.search.clear()
    filled.filter.show_kind("mistakes")
    filled.filter.changed.emit()
    assert filled.model.rowCount() == 294 - filled.merit.right  # type: ignore[union-attr]
    filled.table.sort_by(4, descending=True)
    column = [float(filled.model.index(n, 4).data()) for n in range(filled.model.rowCount())]
    assert column == sorted(column, reverse=True)


def test_a_cell_of_the_matrix_filters(filled: PredictPage) -> None:
    filled.merit_panel.confusion.cell_chosen.emit(0, 1)
    assert filled.model.rowCount() == filled.merit.confusion[0, 1] > 0  # type: ignore[union-attr]
    assert filled.filter.pair.text() == "Ant → Bee"
    filled.filter.pair.click()
    assert filled.model.rowCount() == 300
    filled.merit_panel.classes.class_chosen.emit(2)
    assert filled.model.rowCount() == 100


def test_the_threshold_says_coverage_and_accuracy(filled: PredictPage) -> None:
    card = filled.merit_panel.threshold_card
    filled.filter.show_kind("below")
    card.slider.setValue(800)
    filled.filter.changed.emit()
    merit = filled.merit
    assert merit is not None
    coverage, accuracy = merit.at(0.8)
    assert f"{100 * coverage:.1f} %" in card.sentence.text()
    assert f"{100 * accuracy:.1f} %" in card.sentence.text()  # type: ignore[operator]
    assert filled.model.rowCount() == 300 - round(300 * coverage)


def test_space_previews_and_enter_opens_inspect(qtbot: QtBot, filled: PredictPage, session: Session) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    filled.table.go_to(5)
    qtbot.keyClick(filled.table, Qt.Key.Key_Space)
    assert filled.preview.isVisible()
    assert "000005" in filled.preview.file.text()
    qtbot.keyClick(filled.preview, Qt.Key.Key_Down)
    assert filled.preview.row == 6
    qtbot.keyClick(filled.preview, Qt.Key.Key_Space)
    assert not filled.preview.isVisible()
    qtbot.keyClick(filled.table, Qt.Key.Key_Return)
    assert asked == ["inspect"]
    assert session.image == filled.path_of(answers(300).files[6])
    assert session.model == MODEL


def test_every_control_has_a_tip_and_a_name(filled: PredictPage) -> None:
    for kind in (QAbstractButton, QComboBox, QSlider):
        for widget in filled.findChildren(kind):
            inside = widget.parent().metaObject().className()
            if widget.isVisibleTo(filled) and inside not in ("QLineEdit", "PredictionTable", "ClassTable"):
                assert widget.toolTip(), (inside, widget.objectName())
                assert widget.accessibleName() or widget.text(), (inside, widget.objectName())  # type: ignore[attr-defined]


def test_saving_writes_what_is_shown(qtbot: QtBot, filled: PredictPage, tmp_path: Path, session: Session) -> None:
    filled.filter.show_kind("mistakes")
    filled.filter.changed.emit()
    filled.table.sort_by(1, descending=True)
    out = tmp_path / "tabelle ä.csv"
    with qtbot.waitSignal(session.notice_reported, timeout=5000):
        filled.save_to(out)
    with out.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines] == [filled.model.index(n, 1).data() for n in range(filled.model.rowCount())]
    qtbot.waitUntil(lambda: filled._saving is None, timeout=2000)


def test_a_real_job_is_stopped_and_goes_on(
    qtbot: QtBot, predict: PredictPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    images = tmp_path / "vögel"
    shutil.copytree(IMAGES, images)
    for source in list(images.rglob("*.jpg")):
        for copy in range(9):
            shutil.copy(source, source.with_name(f"{source.stem}-{copy}.jpg"))
    (images / source.parent.name / "zz_broken.jpg").write_bytes(b"no image")
    controller = predict.controller
    controller.set_model(MODEL)
    controller.set_images(images)
    controller.start()
    assert controller.stage == "running"
    qtbot.waitUntil(lambda: controller.answers is not None and len(controller.answers) > 0, timeout=60_000)
    controller.cancel()
    qtbot.waitUntil(lambda: controller.stage == "stopped", timeout=20_000)
    assert controller.answers is not None
    first = len(controller.answers)
    assert 0 < first < 241
    assert predict.source.start.text() == "Continue"
    kept = [controller.answers.row(n) for n in range(first)]
    controller.start()
    qtbot.waitUntil(lambda: controller.stage == "finished", timeout=120_000)
    assert len(controller.answers) == 241
    assert [controller.answers.row(n) for n in range(first)] == kept
    assert len(controller.answers.errors) == 1
    qtbot.waitUntil(predict.is_ready, timeout=5000)
    assert predict.merit is not None
    assert predict.merit.judged == 240
    request = controller.request
    assert request is not None
    predict.save_to(tmp_path / "saved.json")
    qtbot.waitUntil(lambda: predict._saving is None, timeout=10_000)
    assert (tmp_path / "saved.json").read_bytes() == request.table.read_bytes()
