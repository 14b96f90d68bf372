"""What next after a training: its result in a sentence, and buttons that lead to the other pages."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.resources import resource
from s3n_gui.background.jobs import JobList
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.images.image_browser import ImageBrowser
from s3n_gui.inspector.images.image_list import ImageList
from s3n_gui.inspector.images.verdicts import Verdicts
from s3n_gui.prediction.controller import PredictionController
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.panel import TrainPage

SOON = 60_000


@pytest.fixture
def images(tmp_path: Path) -> Path:
    return Path(shutil.copytree(resource("demo/images"), tmp_path / "birds"))


@pytest.fixture
def run(tmp_path: Path, images: Path) -> Path:
    """A finished run on these images."""
    directory = RunDirectory(Path(shutil.copytree(resource("demo/runs/demo"), tmp_path / "runs" / "birds-3")))
    content = directory.read_run()
    directory.write_run({**content, "data": {**content["data"], "root": str(images), "format": "auto"}})
    return directory.path


def shown(page: TrainPage, run: Path, qtbot: QtBot) -> None:
    page.controller.show_run(run)
    qtbot.waitUntil(lambda: len(page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(lambda: page.controller.status == "finished", timeout=SOON)


@pytest.fixture
def pages(session: Session, train_page: TrainPage, tmp_path: Path) -> Iterator[list[str]]:
    """The pages that the Train page asks for; data sets are opened as in the window."""
    opener, asked = Opener(session, RecentList(tmp_path / "recent.json")), []
    session.run_data_asked.connect(opener.open_data_of)
    session.page_requested.connect(asked.append)
    yield asked
    opener.close()


def test_a_run_that_ended_says_its_result_and_what_next(
    train_page: TrainPage, session: Session, run: Path, qtbot: QtBot
) -> None:
    shown(train_page, run, qtbot)
    bar = train_page.bar
    state = RunDirectory(run).read_state()
    assert state is not None
    assert state.best_accuracy is not None
    assert state.best_epoch is not None
    state, images = train_page.controller.state, train_page.controller.series.validation_images
    assert state is not None
    assert state.best_epoch is not None
    accuracy = accuracy_share_text(state.best_accuracy, images)
    where = f"in epoch {state.best_epoch + 1} of {state.epochs}"
    assert bar.result.text().startswith(f"Validation accuracy of the joint prediction: {accuracy} {where}.")
    assert all(part.isVisible() for part in (bar.use, bar.inspect, bar.predict, bar.evaluate))
    assert not bar.facts.isVisible()
    bar.use.click()
    assert session.model == run
    assert (bar.use.text(), bar.use.isEnabled()) == ("Model in use", False)
    assert "train-use" not in train_page.commands()
    session.model = None
    assert (bar.use.text(), bar.use.isEnabled()) == ("Use this model", True)


def test_while_it_trains_nothing_is_offered(train_page: TrainPage, run: Path, qtbot: QtBot) -> None:
    shown(train_page, run, qtbot)
    controller = train_page.controller
    controller.machine.hear("running")
    controller.status = "running"
    controller.status_changed.emit()
    bar = train_page.bar
    assert not any(part.isVisible() for part in (bar.use, bar.inspect, bar.predict, bar.evaluate, bar.result))
    assert bar.facts.isVisible()
    controller.machine.hear("over")


def test_images_that_are_not_there_any_more_are_said(
    train_page: TrainPage, session: Session, run: Path, images: Path, qtbot: QtBot
) -> None:
    shutil.rmtree(images)
    shown(train_page, run, qtbot)
    bar = train_page.bar
    assert not bar.inspect.isEnabled()
    assert "open its data set first" in bar.evaluate.toolTip()
    assert bar.predict.isEnabled()
    session.data_set = open_data_set(resource("demo/images"))
    assert bar.inspect.isEnabled()


def test_inspect_its_mistakes_opens_the_images_of_the_run(
    train_page: TrainPage, session: Session, pages: list[str], run: Path, images: Path, qtbot: QtBot
) -> None:
    shown(train_page, run, qtbot)
    with qtbot.waitSignal(session.predictions_asked, timeout=SOON) as asked:
        train_page.bar.inspect.click()
    assert asked.args == [""], "what has no prediction yet is predicted meanwhile"
    assert pages == ["predict", "inspect"]
    assert session.model == run
    assert session.data_set is not None
    assert session.data_set.root == images
    thumbnails = ThumbnailLoader()
    browser = ImageBrowser(session, ImageList(Verdicts()), thumbnails)  # the page builds its list later
    qtbot.addWidget(browser)
    assert browser.shown.currentData() == "mistakes"
    browser.shown.setCurrentIndex(0)
    train_page.bar.inspect.click()
    assert browser.shown.currentData() == "mistakes"
    assert not session.take_mistakes()
    thumbnails.close()


def test_evaluate_predicts_the_test_images(
    train_page: TrainPage, session: Session, settings: Settings, jobs: JobList, pages: list[str], run: Path, images: Path,
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    controller = PredictionController(session, settings, jobs)
    started: list[str] = []
    monkeypatch.setattr(controller, "start", lambda: started.append(controller.split))
    shown(train_page, run, qtbot)
    notices: list[str] = []
    session.notice_reported.connect(notices.append)
    train_page.bar.evaluate.click()
    qtbot.waitUntil(lambda: bool(notices), timeout=SOON)
    assert notices[0].startswith("birds has no labelled test images.")
    assert pages == []
    data_set = session.data_set
    assert data_set is not None
    records = [dataclasses.replace(record, split="test") for record in data_set.records]
    session.data_set = dataclasses.replace(data_set, records=tuple(records))
    train_page.bar.evaluate.click()
    assert pages == ["predict"]
    assert (controller.split, controller.model, controller.images) == ("test", run, images)
    controller.shut_down()


def test_predict_a_folder_asks_for_it(
    train_page: TrainPage, session: Session, pages: list[str], run: Path, qtbot: QtBot
) -> None:
    shown(train_page, run, qtbot)
    with qtbot.waitSignal(session.folder_asked):
        train_page.bar.predict.click()
    assert pages == ["predict"]
    assert session.model == run


def test_images_that_cannot_be_read_are_reported(
    train_page: TrainPage, session: Session, pages: list[str], run: Path, images: Path, qtbot: QtBot
) -> None:
    shown(train_page, run, qtbot)
    for path in images.rglob("*.jpg"):
        path.unlink()
    with qtbot.waitSignal(session.error_reported, timeout=SOON):
        train_page.bar.inspect.click()
    assert pages == []
    session.data_set = dataclasses.replace(open_data_set(resource("demo/images")), root=images)
    assert pages == [], "opened much later, it is not inspected by itself"


def test_a_run_that_was_trained_longer_offers_its_new_checkpoint(
    train_page: TrainPage, session: Session, run: Path, qtbot: QtBot
) -> None:
    directory, bar = RunDirectory(run), train_page.bar
    directory.checkpoints.mkdir()
    directory.write_pointer("best", "step-0000100")
    shown(train_page, run, qtbot)
    bar.use.click()
    assert (bar.use.text(), bar.use.isEnabled()) == ("Model in use", False)
    directory.write_pointer("best", "step-0000200")
    train_page.controller.status_changed.emit()
    assert (bar.use.text(), bar.use.isEnabled()) == ("Use the new checkpoint", True)
    assert "train-use" in train_page.commands()
    opened: list[Path | None] = []
    session.model_changed.connect(opened.append)
    bar.use.click()
    assert opened == [None, run], "every page opens its files again"
    assert (bar.use.text(), bar.use.isEnabled()) == ("Model in use", False)
