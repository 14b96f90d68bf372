"""The page Train with widgets: form, runs, charts, strip; and one real training followed to its end."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QLineEdit,
    QSpinBox,
)
from small_training import SMALL, draw_small_birds

from s3n_core.datasets.detection import open_data_set
from s3n_core.resources import resource
from s3n_core.runs.run_directory import list_runs
from s3n_gui.start.runs_watch import RunsSeen

PATIENCE = 240_000


@pytest.fixture(scope="module")
def birds(tmp_path_factory) -> Path:
    return draw_small_birds(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture
def runs(settings) -> Path:
    """The runs folder with two copies of the demo model's own run: three epochs, four probe images."""
    root = settings.runs_root
    for name in ("past", "other"):
        shutil.copytree(resource("demo/runs/demo"), root / name)
    return root


def seen(page, root: Path) -> None:
    page.runs.show_seen(RunsSeen(tuple(list_runs(root))))


def test_an_empty_page_says_what_to_do(train_page, session, birds, qtbot):
    assert train_page.empty.isVisible()
    assert not train_page.form.start.isEnabled()
    assert "Open a data set" in train_page.form.problem.text()
    with qtbot.waitSignal(session.open_asked) as asked:
        train_page.form.data.click()
    assert asked.args == ["data"]
    session.data_set = open_data_set(birds)
    assert train_page.form.start.isEnabled()
    assert train_page.form.name.text() == "birds-quick-1"


def test_form_both_ways(train_page, session, birds, qtbot):
    session.data_set = open_data_set(birds)
    form = train_page.form
    qtbot.waitUntil(lambda: form.is_whole)
    form.rows["epochs"].control.setValue(7)
    assert form.choice.settings == {"epochs": 7}
    assert form.rows["epochs"].reset.isVisible()
    form.rows["epochs"].reset.click()
    assert form.choice.settings == {}
    assert form.rows["epochs"].control.value() == 15
    form.recipe_box.setCurrentText("baseline")
    assert form.rows["network.branches"].control.currentText() == "O"
    assert form.name.text() == "birds-baseline-1"
    line = form.rows["rate_heads"].control
    line.setText("fast")
    line.textEdited.emit("fast")
    assert "no number" in form.problem.text()
    assert not form.start.isEnabled()
    form.rows["rate_heads"].reset.click()
    assert form.start.isEnabled()
    form.name.clear()
    qtbot.keyClicks(form.name, "a:b")
    assert not form.start.isEnabled()
    form.fold.click()
    assert form.rows["weights"].isVisibleTo(form)
    assert form.rows["crop_scale"].source.toolTip().startswith("From: released code")


def test_a_past_run_opens_on_the_page(train_page, runs, session, qtbot):
    seen(train_page, runs)  # shows the newest by itself
    session.run = runs / "past"
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3)
    qtbot.waitUntil(lambda: train_page.is_ready() and len(train_page.strip.rows) == 4)
    assert train_page.bar.title.text() == "past · finished"
    assert not train_page.bar.pause.isVisible()
    assert train_page.bar.inspect.isVisible()
    assert train_page.words.texts()
    values = train_page.charts.values()
    assert values["accuracy"][0].startswith("joint ")
    assert " | " in values["accuracy"][0]
    assert len(values["loss"]) == 5
    assert train_page.strip.epoch.text() == "after epoch 3"
    train_page.strip.slider.setValue(0)
    qtbot.waitUntil(lambda: train_page.strip.epoch.text() == "after epoch 1")
    with qtbot.waitSignal(session.page_requested):
        train_page.bar.inspect.click()
    assert session.model == runs / "past"


def test_cursor_zoom_and_axes(train_page, runs, qtbot):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3)
    qtbot.waitUntil(train_page.is_ready)
    charts = train_page.charts.charts
    last = charts["accuracy"].value_texts()
    charts["loss"].view.place_pointed.emit(0.01)
    qtbot.waitUntil(lambda: charts["accuracy"].value_texts() != last)
    charts["loss"].view.place_pointed.emit(None)
    qtbot.waitUntil(lambda: charts["accuracy"].value_texts() == last)
    qtbot.keyClick(charts["loss"].view, Qt.Key.Key_Plus)
    narrow = charts["peaks"].view.width_seen()
    assert narrow == charts["loss"].view.width_seen()
    assert narrow[1] - narrow[0] < 3.0
    qtbot.keyClick(charts["loss"].view, Qt.Key.Key_Home)
    low, high = charts["memory"].view.width_seen()
    assert low <= 0
    assert high >= 3
    train_page.toolbar.logarithmic.click()
    assert charts["loss"].view.logarithmic
    assert charts["rates"].view.logarithmic
    train_page.toolbar.smoothing.setValue(0)
    assert train_page.toolbar.amount.text() == "0.00"


def test_runs_are_compared_renamed_and_trashed(train_page, runs, qtbot, monkeypatch):
    seen(train_page, runs)
    train_page.controller.show_run(runs / "past")
    train_page.side.setCurrentIndex(1)
    train_page.runs.list.choose(runs / "other")
    qtbot.keyClick(train_page.runs.list.view, Qt.Key.Key_Space)
    assert [path.name for path, _ in train_page.controller.others()] == ["other"]
    qtbot.waitUntil(lambda: len(train_page.controller.others()[0][1].epoch_lines) == 3)
    qtbot.waitUntil(lambda: len(train_page.charts.charts["loss"]._others) == 1)
    train_page.toolbar.other_removed.emit(runs / "other")
    assert not train_page.controller.others()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("renamed 鳥", True))
    train_page.runs.list.rename.click()
    assert (runs / "renamed 鳥").is_dir()
    train_page.undo_stack().undo()
    assert (runs / "other").is_dir()
    seen(train_page, runs)
    train_page.runs.list.choose(runs / "past")
    train_page.runs.list.trash.click()
    assert not (runs / "past").exists()
    assert train_page.controller.path is None
    train_page.undo_stack().undo()
    assert (runs / "past").is_dir()
    assert train_page.controller.path == runs / "past"


def test_export(train_page, runs, qtbot, tmp_path, monkeypatch):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3)
    for kind in ("png", "csv"):
        target = tmp_path / f"Kurven.{kind}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, target=target: (str(target), ""))
        train_page.toolbar.export_asked.emit(kind)
        assert target.stat().st_size > 500
    rows = (tmp_path / "Kurven.csv").read_text().splitlines()
    assert sum(row.startswith("epoch,") for row in rows) == 3


def test_every_control_has_a_tip_and_a_name(train_page):
    for kind in (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QSpinBox):
        for control in train_page.findChildren(kind):
            if control.objectName().startswith("qt_") or "Scroll" in type(control).__name__:
                continue
            if isinstance(control.parent(), QSpinBox | QComboBox) or type(control.parent()).__name__ == "QTabBar":
                continue
            assert control.toolTip(), control
            assert control.accessibleName() or getattr(control, "text", str)(), control


def test_a_real_training_is_followed_paused_and_stopped(train_page, session, birds, settings, qtbot):
    session.data_set = open_data_set(birds)
    settings.set("device", "cpu")
    form, controller = train_page.form, train_page.controller
    for name, value in {**SMALL, "epochs": 40}.items():
        form.choice.put(name, value)
    form.start_asked.emit()
    assert controller.machine.phase == "starting"
    assert not form.start.isEnabled()
    qtbot.waitUntil(lambda: controller.machine.phase == "running", timeout=PATIENCE)
    qtbot.waitUntil(lambda: controller.series.step_count > 0, timeout=PATIENCE)
    train_page.bar.pause.click()
    assert controller.machine.phase == "pausing"
    qtbot.waitUntil(lambda: controller.machine.phase == "paused", timeout=PATIENCE)
    assert train_page.bar.pause.text() == "Go on"
    train_page.bar.pause.click()
    qtbot.waitUntil(lambda: controller.machine.phase == "running", timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(train_page.strip.store.epochs) > 0, timeout=PATIENCE)
    train_page.bar.stop.click()
    assert train_page.bar.facts.text().startswith("Stopping after this batch")
    qtbot.waitUntil(lambda: controller.machine.phase == "resting", timeout=PATIENCE)
    qtbot.waitUntil(lambda: controller.status == "stopped", timeout=PATIENCE)
    assert train_page.bar.resume.isVisible()
    train_page.bar.resume.click()
    qtbot.waitUntil(lambda: controller.machine.phase == "running", timeout=PATIENCE)
    train_page.bar.discard.trigger()
    qtbot.waitUntil(lambda: controller.path is None, timeout=PATIENCE)
    assert not (settings.runs_root / "birds-quick-1").exists()


def test_two_epochs_to_their_end(train_page, session, birds, settings, qtbot):
    session.data_set = open_data_set(birds)
    settings.set("device", "cpu")
    for name, value in SMALL.items():
        train_page.form.choice.put(name, value)
    train_page.start()
    controller = train_page.controller
    qtbot.waitUntil(lambda: controller.status == "finished", timeout=PATIENCE)
    qtbot.waitUntil(lambda: len(controller.series.epoch_lines) == 2 and len(train_page.strip.store.epochs) == 2)
    assert train_page.bar.title.text() == "birds-quick-1 · finished"
    train_page.starting.check()
    assert train_page.form.name.text() == "birds-quick-2"
    assert train_page.form.start.isEnabled()
