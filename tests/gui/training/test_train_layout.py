"""The Train page at every size: what is large, what is folded away, no scrolling sideways, the same fonts in every theme."""

from __future__ import annotations

import platform
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QScrollArea, QScrollBar, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.system.resources import resource
from s3n_core.training.recipes import find_recipe
from s3n_gui.appearance import theme
from s3n_gui.background.device_probe import DeviceProbe, Devices
from s3n_gui.background.jobs import JobList
from s3n_gui.background.weight_catalogue import WeightCatalogue
from s3n_gui.frame.main_window import MainWindow
from s3n_gui.state.live_runs import LiveRuns
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.training.panel import TrainPage
from s3n_gui.training.sentences import Saying
from s3n_gui.training.words_card import WordsCard

SOON = 60_000


def show_demo(page: TrainPage, qtbot: QtBot) -> None:
    page.form.finish()
    page.charts.finish()
    page.show_demo()
    qtbot.waitUntil(lambda: len(page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(lambda: len(page.strip.rows) == 4, timeout=SOON)
    qtbot.waitUntil(page.is_ready, timeout=SOON)


def train(page: TrainPage, *, busy: bool) -> None:
    """Let the shown run be trained, or end."""
    page.controller.machine.hear("running" if busy else "over")
    page.controller.status = "running" if busy else "finished"
    page.controller.status_changed.emit()
    QApplication.processEvents()


def test_all_but_loss_and_accuracy_is_behind_a_switch_that_is_remembered(train_page: TrainPage, qtbot: QtBot) -> None:
    show_demo(train_page, qtbot)
    charts = train_page.charts.charts
    assert [name for name, plot in charts.items() if plot.isVisible()] == ["loss", "accuracy"]
    large = charts["loss"].height()
    train_page.toolbar.details.click()
    qtbot.waitUntil(lambda: charts["pace"].isVisibleTo(train_page), timeout=SOON)
    assert charts["pace"].height() < charts["loss"].height() < large
    assert train_page.save_state()["details"] is True
    charts["pace"].alone.click()
    train_page.toolbar.details.click()
    assert not train_page.charts.alone
    assert [name for name, plot in charts.items() if not plot.isHidden()] == ["loss", "accuracy"]
    train_page.restore_state({"details": True})
    assert train_page.toolbar.details.isChecked()


def test_the_examples_are_large_while_it_trains(train_page: TrainPage, qtbot: QtBot) -> None:
    show_demo(train_page, qtbot)
    before = train_page.strip.rows[0].pictures[0].width()
    train(train_page, busy=True)
    qtbot.waitUntil(lambda: train_page.strip.rows[0].pictures[0].width() > 1.2 * before, timeout=SOON)
    train(train_page, busy=False)
    qtbot.waitUntil(lambda: train_page.strip.rows[0].pictures[0].width() == before, timeout=SOON)


def test_on_a_narrow_page_the_examples_take_the_place_of_the_form(window: MainWindow, qtbot: QtBot) -> None:
    window.resize(960, 540)
    window.show_page("train")
    page = window.pages.page("train")
    assert isinstance(page, TrainPage)
    show_demo(page, qtbot)
    assert page.form.isVisible()
    assert not page.strip.isVisible()
    page.form.name.setFocus()
    train(page, busy=True)
    assert not page.form.isVisible()
    assert page.strip.isVisible()
    assert page.bar.isAncestorOf(QApplication.focusWidget())
    page.toolbar.side.click()
    assert page.form.isVisible()
    train(page, busy=False)
    assert page.form.isVisible()
    assert not page.strip.isVisible()


def test_the_page_never_scrolls_sideways(window: MainWindow, themed: QApplication, qtbot: QtBot) -> None:
    window.show_page("train")
    page = window.pages.page("train")
    assert isinstance(page, TrainPage)
    show_demo(page, qtbot)
    area = page.parent()
    assert area is not None
    area = area.parent()
    assert isinstance(area, QScrollArea)
    for factor in (1.6, 0.8, 1.0):
        theme.apply(themed, "dark" if factor > 1 else "light", factor)
        for size in ((1280, 720), (960, 540)):
            window.resize(*size)
            for busy in (True, False):
                train(page, busy=busy)
                qtbot.waitUntil(lambda: area.horizontalScrollBar().maximum() == 0, timeout=SOON)
                qtbot.waitUntil(
                    lambda: [bar.maximum() for bar in page.form.findChildren(QScrollBar)][:1] == [0], timeout=SOON
                )


def fonts(page: TrainPage) -> Counter[tuple[str, str, int, int]]:
    """Return kind, text, size and weight of all widgets with text."""
    found: Counter[tuple[str, str, int, int]] = Counter()
    for widget in page.findChildren(QWidget):
        if isinstance(widget, QLabel | QLineEdit):
            widget.ensurePolished()
            font = widget.font()
            found[type(widget).__name__, widget.text(), font.pixelSize(), int(font.weight())] += 1
    return found


def test_after_a_change_of_the_theme_all_fonts_are_as_in_a_new_page(
    train_page: TrainPage, themed: QApplication, session: Session, settings: Settings, jobs: JobList, qtbot: QtBot
) -> None:
    show_demo(train_page, qtbot)
    train_page.form.take({"epochs": 7})  # a title in bold
    theme.apply(themed, "dark", 1.6)
    trainings = LiveRuns(settings, jobs)
    fresh = TrainPage(session, settings, jobs, trainings, WeightCatalogue(jobs))
    fresh.resize(train_page.size())
    fresh.show()
    show_demo(fresh, qtbot)
    fresh.form.take({"epochs": 7})
    assert fonts(train_page) == fonts(fresh)
    fresh.shut_down()
    trainings.close()
    fresh.close()
    fresh.deleteLater()


def test_training_accuracies_have_an_interval(train_page: TrainPage, qtbot: QtBot) -> None:
    show_demo(train_page, qtbot)
    series, accuracy = train_page.controller.series, train_page.charts.charts["accuracy"]
    for entry, branch in zip(accuracy.all_values(), ("joint", "O", "D", "C"), strict=True):
        validation, training = (
            series.epoch_lines[-1][f"validation_accuracy_{branch}"],
            series.epoch_lines[-1][f"accuracy_{branch}"],
        )
        assert entry.values == (
            accuracy_share_text(validation, series.validation_images),
            accuracy_share_text(training, series.training_images),
        )
    accuracy.view.place_pointed.emit(1.1)
    first = accuracy_share_text(series.epoch_lines[0]["accuracy_joint"], series.training_images)
    qtbot.waitUntil(lambda: accuracy.all_values()[0].values[1] == first, timeout=SOON)
    assert len(train_page.charts.charts["loss"].all_values()[0].values) == 2


def test_the_time_is_estimated_before_the_start(
    themed: QApplication, session: Session, settings: Settings, jobs: JobList, qtbot: QtBot
) -> None:
    run = RunDirectory(Path(shutil.copytree(resource("demo/runs/demo"), settings.runs_root / "birds-3")))
    run.write_run({**run.read_run(), "recipe": find_recipe("quick").model_dump(mode="json")})
    state = run.read_state()
    assert state is not None
    run.write_state(replace(state, device="cpu", host=platform.node(), images_per_second=0.5))
    trainings, probe = LiveRuns(settings, jobs), DeviceProbe()
    page = TrainPage(session, settings, jobs, trainings, WeightCatalogue(jobs), probe)
    qtbot.addWidget(page)
    form = page.form
    session.data_set = open_data_set(resource("demo/images"))
    qtbot.waitUntil(form.start.isEnabled, timeout=SOON)
    assert form.time.text() == ""  # it is not known yet which device would be used
    probe.devices = Devices(chosen="cpu", name="CPU, 2 cores")
    probe.answered.emit(probe.devices)
    qtbot.waitUntil(lambda: bool(form.time.text()), timeout=SOON)
    assert form.time.text() == "Time: not known yet; the first epoch will tell."
    trainings.watch.seen = RunsSeen(tuple(list_runs(settings.runs_root)))
    trainings.watch.changed.emit(trainings.watch.seen)
    # 15 epochs of 38 training images, half an image a second, and 4 validation images.
    assert form.time.text() == "Time: about 20 min on this machine (from run birds-3)."
    form.take({"epochs": 150})
    assert form.time.text().startswith("Time: about 3.5 h on")
    form.take({"network.backbone": "resnet50"})
    assert form.time.text() == "Time: not known yet; the first epoch will tell."
    form.take({"epochs": 0})
    assert not form.time.isVisibleTo(form)
    page.shut_down()
    trainings.close()
    probe.close()


def test_details_are_a_key_away(window: MainWindow, qtbot: QtBot) -> None:
    window.show_page("train")
    page = window.pages.page("train")
    assert isinstance(page, TrainPage)
    show_demo(page, qtbot)
    page.bar.predict.setFocus()
    qtbot.keyClick(page.bar.predict, Qt.Key.Key_D)
    qtbot.waitUntil(page.toolbar.details.isChecked, timeout=SOON)


def test_a_low_page_shows_whole_sentences(themed: QApplication, qtbot: QtBot) -> None:
    ground = QWidget()
    qtbot.addWidget(ground)
    column, card = QVBoxLayout(ground), WordsCard()
    column.addWidget(card)
    column.addStretch(1)
    ground.resize(420, 400)
    ground.show()
    for low in (False, True):
        card.set_low(low)
        for factor in (1.4, 1.0):
            theme.apply(themed, "light", factor)
            card.show_sayings(
                [Saying("plain", "Short."), *(Saying("caution", f"{n} " + "word " * 30) for n in range(4))]
            )
            card.forget()
            ground.resize(ground.width() + 1, 400)
            qtbot.waitUntil(lambda: all_whole(card), timeout=5000)


def all_whole(card: QWidget) -> bool:
    """Return whether all labels that are seen are seen as a whole, and there are some."""
    labels = [label for label in card.findChildren(QLabel) if not label.visibleRegion().isEmpty()]
    return bool(labels) and all(label.visibleRegion().boundingRect() == label.rect() for label in labels)
