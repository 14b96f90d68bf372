"""The focus stays where the work is on the Predict page: a prediction begins and ends, a filter is set and cleared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_rows import header, rows, write_part
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.prediction.tables import write_table
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.prediction.panel import PredictPage, page
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

MODEL = Path("model.safetensors")
NUMBER = 60


class QuietJob(CommandJob):
    """A job without a process: the test writes what it would have written, and ends it."""

    def start(self) -> None:
        """Begin."""
        self._report(status="running", text=f"0 of {NUMBER}")

    def finish(self) -> None:
        """End."""
        self._end("done")


@pytest.fixture
def predict(
    qtbot: QtBot,
    themed: QApplication,
    session: Session,
    settings: Settings,
    jobs: JobList,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[PredictPage]:
    """The active page with images and a model, ready to predict; its job runs no process."""
    monkeypatch.setattr("s3n_gui.prediction.controller.CommandJob", QuietJob)
    made = page(session, settings, jobs)
    assert isinstance(made, PredictPage)
    qtbot.addWidget(made)
    made.resize(1180, 600)
    made.show()
    made.activateWindow()
    qtbot.waitActive(made)
    made.controller.set_model(MODEL)
    made.controller.set_images(tmp_path, "all")
    yield made
    made.shut_down()
    jobs.close()
    jobs.clear_ended()


def write_rows(predict: PredictPage) -> None:
    request = predict.controller.request
    assert request is not None
    request.table.parent.mkdir(parents=True, exist_ok=True)
    write_part(request.table, rows(NUMBER))


def finish(qtbot: QtBot, predict: PredictPage, job: Job | None) -> None:
    request = predict.controller.request
    assert request is not None
    assert isinstance(job, QuietJob)
    write_table(request.table, header(NUMBER), rows(NUMBER))
    request.table.with_name(request.table.name + ".part").unlink()
    job.finish()
    qtbot.waitUntil(lambda: predict.controller.stage == "finished")
    qtbot.waitUntil(predict.is_ready)


def focused() -> QWidget | None:
    return QApplication.focusWidget()


def test_a_prediction_leads_from_the_empty_page_to_its_rows(qtbot: QtBot, predict: PredictPage) -> None:
    predict.empty.buttons[0].setFocus()
    QTest.keyClick(predict.empty.buttons[0], Qt.Key.Key_Space)
    assert predict.controller.stage == "running"
    assert focused() is predict.source.stop, "until there are rows"
    job = predict.controller.job
    write_rows(predict)
    qtbot.waitUntil(lambda: focused() is predict.table)
    finish(qtbot, predict, job)
    assert focused() is predict.table


def test_the_end_of_a_prediction_takes_the_focus_from_nobody(qtbot: QtBot, predict: PredictPage) -> None:
    predict.controller.start()
    job = predict.controller.job
    write_rows(predict)
    qtbot.waitUntil(lambda: predict.model.rowCount() == NUMBER)
    predict.filter.search.setFocus()
    finish(qtbot, predict, job)
    assert focused() is predict.filter.search


def test_the_focus_is_with_the_rows_after_a_filter(qtbot: QtBot, predict: PredictPage) -> None:
    predict.controller.start()
    job = predict.controller.job
    write_rows(predict)
    finish(qtbot, predict, job)
    predict.accuracy_panel.classes.setFocus()
    predict.accuracy_panel.class_chosen.emit(1)
    assert focused() is predict.accuracy_panel.classes, "there is room for both"
    predict.filter.pair.setFocus()
    QTest.keyClick(predict.filter.pair, Qt.Key.Key_Space)
    assert not predict.filter.pair.isVisible()
    assert focused() is predict.table
    predict.resize(1180, 340)
    qtbot.waitUntil(lambda: not predict.accuracy_panel.isVisible())
    predict.filter.cards.click()
    predict.accuracy_panel.classes.setFocus()
    predict.accuracy_panel.class_chosen.emit(1)
    assert not predict.accuracy_panel.isVisible()
    assert focused() is predict.table, "in a low window the rows replace the cards"
