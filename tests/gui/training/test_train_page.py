"""The Train page with widgets: form, runs, charts, strip; and a real training run followed to its end."""

import dataclasses
import json
import math
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from nonsense import NONSENSE, talk_nonsense
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QFileDialog,
    QInputDialog,
    QLabel,
    QLineEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from small_training import SMALL, draw_small_birds, prepare_small_run

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.left_out import change_left_out, left_out_file
from s3n_core.datasets.records import Skipped
from s3n_core.datasets.splits import read_split
from s3n_core.datasets.validation_images import run_validation_fingerprint
from s3n_core.errors import DataChanged, S3NError
from s3n_core.evaluation.intervals import accuracy_share_text
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.runs.run_list import list_runs
from s3n_core.runs.run_state import RunState
from s3n_core.system.resources import resource
from s3n_core.training.changed_data import require_same_data
from s3n_gui.appearance.wording import error_text
from s3n_gui.background import training_job
from s3n_gui.background.jobs import Job
from s3n_gui.background.training_request import TrainingRequest
from s3n_gui.frame.actions import ACTIONS
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.runs_watch import RunsSeen
from s3n_gui.state.session import ValidationShare
from s3n_gui.training.curves.curve_view import Curve, CurveView
from s3n_gui.training.runs.run_bar import RunBar
from s3n_gui.training.runs.run_machine import RunMachine
from s3n_gui.training.runs.train_longer import TrainLongerDialog
from s3n_gui.training.sentences import Saying
from s3n_gui.training.shown_run import ChangedDataDialog
from s3n_gui.widgets.empty_page import EmptyPage

PATIENCE = 240_000
SOON = 60_000
ONE_EPOCH = """
import sys
from pathlib import Path
from s3n_core.training.trainer import Trainer

trainer = Trainer(Path(sys.argv[1]))
for event in trainer.run():
    if type(event).__name__ == "EpochDone":
        trainer.request_stop()
"""


@pytest.fixture(scope="module")
def birds(tmp_path_factory) -> Path:
    return draw_small_birds(tmp_path_factory.mktemp("drawn") / "birds")


@pytest.fixture
def runs(settings) -> Path:
    """The runs folder with two copies of the demo model's run: three epochs, four probe images."""
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
    session.data_set = open_data_set(resource("demo/images"))
    assert train_page.form.name.text() == "demo-birds-quick-1"


def test_the_form_says_which_files_are_not_used(train_page, session, birds):
    data_set = open_data_set(birds)
    raw = Skipped("raw photograph", ".cr2", 3, birds / "x.cr2")
    session.data_set = dataclasses.replace(data_set, skipped=(raw,))
    assert train_page.form.skipped.text() == "Skipped 3 files that are not readable images (3 .cr2)."
    assert train_page.form.skipped.isVisibleTo(train_page.form)
    session.data_set = data_set
    assert not train_page.form.skipped.isVisibleTo(train_page.form)


def test_form_both_ways(train_page, session, birds, qtbot):
    session.data_set = open_data_set(birds)
    form = train_page.form
    qtbot.waitUntil(lambda: form.is_whole, timeout=SOON)
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
    assert "not a number" in form.problem.text()
    assert not form.start.isEnabled()
    form.rows["rate_heads"].reset.click()
    assert form.start.isEnabled()
    assert form.accuracy.isHidden()
    form.take({"network.input_size": 128})
    assert form.accuracy.text().startswith("Places are accurate to about 1/4 of the side (4 × 4 cells).")
    assert not form.accuracy.isHidden()
    form.rows["network.input_size"].reset.click()
    assert form.accuracy.isHidden()
    form.name.clear()
    qtbot.keyClicks(form.name, "a:b")
    assert not form.start.isEnabled()
    form.fold.click()
    assert form.rows["weights"].isVisibleTo(form)
    assert form.rows["crop_scale"].source.toolTip().startswith("Source: the released code")


def test_a_past_run_opens_on_the_page(train_page, runs, session, qtbot):
    seen(train_page, runs)  # the page shows the newest run by itself
    session.data_set = open_data_set(resource("demo/images"))
    session.run = runs / "past"
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(lambda: train_page.is_ready() and len(train_page.strip.rows) == 4, timeout=SOON)
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
    qtbot.waitUntil(lambda: train_page.strip.epoch.text() == "after epoch 1", timeout=SOON)
    with qtbot.waitSignal(session.page_requested):
        train_page.bar.inspect.click()
    assert session.model == runs / "past"


def test_cursor_zoom_and_axes(train_page, runs, qtbot):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(train_page.is_ready, timeout=SOON)
    charts = train_page.charts.charts
    last = charts["accuracy"].value_texts()
    charts["loss"].view.place_pointed.emit(0.01)
    qtbot.waitUntil(lambda: charts["accuracy"].value_texts() != last, timeout=SOON)
    charts["loss"].view.place_pointed.emit(None)
    qtbot.waitUntil(lambda: charts["accuracy"].value_texts() == last, timeout=SOON)
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


def test_numbers_of_a_value_axis_stand_clear(themed, qtbot):
    view = CurveView("loss", bounds=None, marks=False)
    qtbot.addWidget(view)
    assert not view.left.style["showValues"]  # no metrics yet
    for values in ([2.9, 10.8], [0.0, 99.0], [1e-7, 0.003], [1.27], [16.8, 22.9]):
        view.show_curves([Curve(points=(np.arange(len(values)), np.array(values)), colour=QColor("red"), width=1)])
        assert view.left.style["showValues"]
        for on in (True, False):
            view.set_logarithmic(on)
            low, high = view.box.viewRange()[1]
            (level,) = view.left.tickValues(low, high, 70.0)
            places = np.array(level[1])
            assert len(places) > 0
            assert (np.diff(places) * 70.0 / (high - low) > 14).all()
    assert view.left.logTickStrings([-1.0, 0.0, 1.0, math.log10(200)], 1.0, 1.0) == ["0.1", "1", "10", "200"]
    assert view.left.logTickStrings([-4.0, math.log10(2e-7), 5.0], 1.0, 1.0) == ["10⁻⁴", "2·10⁻⁷", "10⁵"]


def test_one_epoch_is_seen_as_a_dot(themed, qtbot):
    view = CurveView("radii", bounds=None, marks=False)
    qtbot.addWidget(view)
    view.show_curves([Curve(points=(np.array([1.0]), np.array([3.9])), colour=QColor("red"), width=1)])
    ((_, dots),) = view._lines
    assert dots.isVisible()
    assert len(dots.points()) == 1


def test_runs_are_compared_renamed_and_trashed(train_page, session, runs, qtbot, monkeypatch):
    seen(train_page, runs)
    train_page.controller.show_run(runs / "past")
    train_page.side.setCurrentIndex(1)
    train_page.runs.list.choose(runs / "other")
    qtbot.keyClick(train_page.runs.list.view, Qt.Key.Key_Space)
    assert [path.name for path, _ in train_page.controller.others()] == ["other"]
    qtbot.waitUntil(lambda: len(train_page.controller.others()[0][1].epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(lambda: len(train_page.charts.charts["loss"]._drawn.others) == 1, timeout=SOON)
    train_page.toolbar.other_removed.emit(runs / "other")
    assert not train_page.controller.others()
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("renamed 鳥", True))
    train_page.runs.list.rename.click()
    assert (runs / "renamed 鳥").is_dir()
    train_page.undo_stack().undo()
    assert (runs / "other").is_dir()
    seen(train_page, runs)
    train_page.runs.list.choose(runs / "past")
    session.model = runs / "past"
    train_page.commands()["train-trash"]()
    assert not (runs / "past").exists()
    assert train_page.controller.path is None
    assert session.model is None
    train_page.undo_stack().undo()
    assert (runs / "past").is_dir()
    assert session.model == runs / "past"
    assert train_page.controller.path == runs / "past"


def test_export(train_page, runs, qtbot, tmp_path, monkeypatch):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3, timeout=SOON)
    titles = []

    def choose(_, title, proposed, *__):
        titles.append(title)
        return str(tmp_path / f"Kurven{Path(proposed).suffix}"), ""

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    for kind in ("png", "csv"):
        train_page.toolbar.export_asked.emit(kind)
        assert (tmp_path / f"Kurven.{kind}").stat().st_size > 500
    assert titles == ["Save curves as image", "Save curves as table"]  # as in the menu File
    rows = (tmp_path / "Kurven.csv").read_text().splitlines()
    assert sum(row.startswith("epoch,") for row in rows) == 3


def test_a_chart_stands_alone_and_goes_back(train_page, runs, qtbot):
    train_page.toolbar.details.setChecked(True)
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(train_page.is_ready, timeout=SOON)
    grid = train_page.charts
    grid.verticalScrollBar().setValue(90)
    grid.charts["peaks"].alone.click()
    assert grid.alone == "peaks"
    assert [name for name, plot in grid.charts.items() if not plot.isHidden()] == ["peaks"]
    assert grid.charts["peaks"].height() == grid.viewport().height()
    assert train_page.words.isHidden()
    train_page.resize(1200, 700)
    assert grid.charts["peaks"].height() == grid.viewport().height()
    qtbot.keyClick(grid.charts["peaks"].view, Qt.Key.Key_Escape)
    assert not grid.alone
    assert all(not plot.isHidden() for plot in grid.charts.values())
    qtbot.waitUntil(lambda: grid.verticalScrollBar().value() == 90, timeout=SOON)
    assert not train_page.words.isHidden()
    qtbot.mouseDClick(grid.charts["loss"].view.viewport(), Qt.MouseButton.LeftButton)
    assert grid.alone == "loss"
    train_page.controller.show_run(runs / "other")
    assert not grid.alone


def test_curves_of_both_kinds_look_different(train_page, runs, qtbot):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(train_page.is_ready, timeout=SOON)
    drawn = train_page.charts.charts["peaks"].view._curves
    training, validation = drawn
    assert validation.dots
    assert not training.dots
    assert validation.width > training.width
    assert validation.colour != training.colour
    lone = train_page.charts.charts["memory"].view._curves
    assert [curve.colour for curve in lone] == [validation.colour]  # no other curve to distinguish it from


def test_the_box_gives_both_values(train_page, runs, qtbot):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.controller.series.epoch_lines) == 3, timeout=SOON)
    qtbot.waitUntil(train_page.is_ready, timeout=SOON)
    grid = train_page.charts
    view = grid.charts["accuracy"].view
    view.place_pointed.emit(2.0)
    qtbot.waitUntil(grid.box.isVisible, timeout=SOON)
    assert grid.rect().contains(grid.box.geometry())
    joint = grid.charts["accuracy"].all_values()[0]
    measured = train_page.controller.series.epoch_lines[1]["validation_accuracy_joint"]
    images = train_page.controller.series.validation_images
    assert (joint.label, joint.values[0], len(joint.values)) == ("joint", accuracy_share_text(measured, images), 2)
    assert not grid.box.grab().isNull()
    view.place_pointed.emit(None)
    qtbot.waitUntil(lambda: not grid.box.isVisible(), timeout=SOON)


def names_of(page) -> set[str]:
    return {name.removeprefix("train-") for name in page.commands()}


def test_commands_follow_the_state_machine(train_page, runs, session, birds, qtbot):
    heard = []
    train_page.commands_changed.connect(lambda: heard.append(names_of(train_page)))
    assert names_of(train_page) == {"side", "runs", "unpack"}
    session.data_set = open_data_set(birds)
    assert "start" in heard[-1]
    seen(train_page, runs)
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: train_page.controller.status == "finished", timeout=SOON)
    assert names_of(train_page) >= {
        "start",
        "details",
        "use",
        "predict",
        "evaluate",
        "alone",
        "whole",
        "picture",
        "table",
        "inspect",
        "rename",
        "trash",
        "pack",
    }
    assert not names_of(train_page) & {"pause", "stop", "stop-now", "discard", "resume"}
    train_page.controller.machine.phase = "running"
    train_page.controller.status_changed.emit()
    assert heard[-1] >= {"pause", "stop", "stop-now", "discard"}
    assert not heard[-1] & {"start", "resume", "inspect", "rename", "trash", "pack"}
    train_page.controller.machine.phase = "stopping"
    train_page.controller.status_changed.emit()
    assert heard[-1] & {"pause", "stop", "stop-now", "discard"} == {"stop-now", "discard"}
    train_page.controller.machine.phase = "resting"


def test_commands_of_the_page_are_rows_of_the_table(train_page, runs, session, birds, qtbot):
    rows = {row.id for row in ACTIONS if row.page == "train" and row.menu}
    session.data_set = open_data_set(birds)
    seen(train_page, runs)
    qtbot.waitUntil(lambda: train_page.controller.status == "finished", timeout=SOON)
    known = set(train_page.commands())
    for phase in ("running", "paused"):
        train_page.controller.machine.phase = phase
        known |= set(train_page.commands())
    train_page.controller.machine.phase = "resting"
    assert known | {"train-resume"} == rows
    train_page.commands()["train-details"]()
    assert train_page.charts.charts["peaks"].isVisibleTo(train_page)
    train_page.commands()["train-log"]()
    assert train_page.charts.charts["loss"].view.logarithmic
    for name in ("side", "strip"):
        train_page.commands()[f"train-{name}"]()
        assert train_page._parts[name].isHidden()
    state = train_page.save_state()
    train_page.commands()["train-runs"]()
    assert train_page.side.currentWidget() is train_page.runs.list
    assert not train_page._parts["side"].isHidden()
    train_page.restore_state(state)
    assert train_page._parts["side"].isHidden()


def test_a_failed_run_says_what_happened_and_can_be_resumed(train_page, runs, qtbot):
    sentence = "The graphics card is out of memory. Resume with a smaller micro_batch, which changes nothing else."
    directory = RunDirectory(runs / "past")
    state = directory.read_state()
    directory.write_state(dataclasses.replace(state, status="failed", message=sentence, epoch=2, pid=None))
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: train_page.controller.status == "failed", timeout=SOON)
    assert train_page.words.texts()[0] == sentence
    assert train_page.bar.resume.isVisible()
    assert "resume" in names_of(train_page)
    assert train_page.bar.title.text() == "past · failed"


@pytest.mark.parametrize("choice", ["resume", "cancel"])
def test_a_resume_with_changed_data_is_asked_for(
    train_page, runs, session, birds, qtbot, monkeypatch, tmp_path, choice
):
    data = shutil.copytree(birds, tmp_path / "birds")
    run = prepare_small_run(runs / "begun", data)
    next(data.rglob("*.jpg")).unlink()
    with pytest.raises(DataChanged) as refused:
        require_same_data(run, changed_data=False)
    controller = train_page.controller
    controller.show_run(run.path)
    resumed, asked, errors = [], [], []
    monkeypatch.setattr(controller, "resume", lambda device, changed_data=False: resumed.append(changed_data))

    def ask(dialog):  # read now: the dialog is deleted once it is answered
        asked.append(" ".join(label.text() for label in dialog.findChildren(QLabel)))
        return choice

    monkeypatch.setattr(ChangedDataDialog, "ask", ask)
    session.error_reported.connect(errors.append)
    job = Job("Training past")
    controller._job = job
    controller._on_failed(refused.value, job)
    qtbot.waitUntil(lambda: bool(asked), timeout=SOON)
    assert resumed == ([True] if choice == "resume" else [])
    assert not errors
    assert "1 image removed" in asked[0]
    assert "--changed-data" not in asked[0] + error_text(refused.value)
    assert "click Resume" in error_text(refused.value)
    controller._job = None
    controller._on_failed(S3NError("The disk is full."), job)
    assert errors == ["The disk is full."]


def test_a_resume_is_asked_for_whatever_the_engine_says(train_page, runs, session, birds, qtbot, monkeypatch, tmp_path):
    """A real run, resumed by a real process after an image was removed, with every message replaced by nonsense."""
    data = shutil.copytree(birds, tmp_path / "birds")
    directory = prepare_small_run(runs / "begun", data, epochs=9)
    subprocess.run([sys.executable, "-c", ONE_EPOCH, directory.path], check=True)
    (data / next(row.name for row in read_split(directory.split_csv) if row.part == "train")).unlink()
    controller = train_page.controller
    controller.show_run(directory.path)
    qtbot.waitUntil(lambda: controller.machine.can("resume"), timeout=SOON)
    (tmp_path / "nonsense").mkdir()
    talk_nonsense(monkeypatch, tmp_path / "nonsense")
    asked, errors = [], []

    def ask(dialog):
        asked.append(" ".join(label.text() for label in dialog.findChildren(QLabel)))
        return "cancel"

    monkeypatch.setattr(ChangedDataDialog, "ask", ask)
    session.error_reported.connect(errors.append)
    controller.resume("cpu")
    qtbot.waitUntil(lambda: bool(asked), timeout=PATIENCE)
    assert "1 image removed" in asked[0]
    assert errors == []
    state = directory.read_state()
    assert state is not None
    assert (state.status, state.message) == ("failed", NONSENSE)
    assert "click Resume" in train_page.words.texts()[0]


def test_one_training_at_a_time(train_page, runs, session, birds, qtbot):
    session.data_set = open_data_set(birds)
    assert train_page.starting.possible
    train_page.controller.show_run(runs / "past")
    listed = [dataclasses.replace(run, live=run.path.name == "other", status="running") for run in list_runs(runs)]
    watch = train_page.controller._trainings.watch
    watch.seen = RunsSeen(tuple(listed))
    watch.changed.emit(watch.seen)
    assert not train_page.starting.possible
    assert train_page.form.problem.text().startswith("other is being trained. Stop and keep it")
    assert "start" not in names_of(train_page)
    with qtbot.waitSignal(session.error_reported) as said:
        train_page.controller.resume()
    assert said.args[0].endswith("Then resume past.")
    assert not train_page.controller.machine.busy
    train_page.form.live.click()
    assert train_page.controller.path == runs / "other"
    watch.seen = RunsSeen(tuple(list_runs(runs)))
    watch.changed.emit(watch.seen)
    qtbot.waitUntil(lambda: train_page.starting.possible, timeout=SOON)
    assert not train_page.form.live.isVisible()


def test_runs_on_other_validation_images_are_marked(train_page, runs, qtbot):
    shutil.copytree(runs / "past", runs / "moved")
    for name, image in (("past", "1.png"), ("other", "1.png"), ("moved", "2.png")):
        lines = f"name,label,class,part\n0.png,0,x,train\n{image},0,x,validation\n"
        (runs / name / "split.csv").write_text(lines, encoding="utf-8")
        run = RunDirectory(runs / name)
        run.write_run({key: value for key, value in run.read_run().items() if key != "validation_images"})
    listed = list_runs(runs)
    found = tuple((run.path, run_validation_fingerprint(run.path, run.run)) for run in listed)
    train_page.runs.show_seen(RunsSeen(tuple(listed), validation=found))
    model = train_page.runs.model
    train_page.controller.show_run(runs / "past")
    texts = {name: lambda name=name: model.index(model.row_of(runs / name)).data() for name in ("other", "moved")}
    qtbot.waitUntil(lambda: "≠" in texts["moved"](), timeout=SOON)
    assert "≠" not in texts["other"]()
    assert "other validation images" in model.index(model.row_of(runs / "moved")).data(Qt.ItemDataRole.ToolTipRole)
    note = train_page.toolbar.other_images
    train_page.controller.lay_over(runs / "other")
    qtbot.waitUntil(lambda: len(train_page.controller.others()[0][1].epoch_lines) == 3, timeout=SOON)
    assert not note.isVisibleTo(train_page)
    train_page.controller.lay_over(runs / "moved")
    qtbot.waitUntil(lambda: note.isVisibleTo(train_page), timeout=SOON)
    assert "other validation images" in note.text()
    chips = [chip.text() for chip in train_page.toolbar.findChildren(QToolButton, "chip")]
    assert chips == ["other", "moved ≠"]
    train_page.controller.show_run(runs / "moved")
    qtbot.waitUntil(lambda: "≠" in texts["other"](), timeout=SOON)
    assert "≠" not in texts["moved"]()


def test_what_is_held_out_is_chosen_once(train_page, session, birds, monkeypatch):
    form = train_page.form
    form.finish()
    session.validation = ValidationShare(0.25, 7)
    assert form.choice.settings == {"validation": 0.25, "split_seed": 7}
    assert form.rows["split_seed"].control.value() == 7
    assert form.rows["seed"].control.value() == 0
    assert form.rows["validation"].control.text() == "25 %"  # as on the Data page
    form.rows["validation"].control.setValue(30)
    assert session.validation == ValidationShare(0.3, 7)
    session.validation = ValidationShare(0.25, 7)
    form.recipe_box.setCurrentText("baseline")
    assert form.choice.value("validation") == 0.25
    form.rows["split_seed"].control.setValue(3)
    form.rows["seed"].control.setValue(5)
    assert session.validation == ValidationShare(0.25, 3)
    session.data_set = open_data_set(birds)
    asked = []
    monkeypatch.setattr(train_page.controller, "start", asked.append)
    train_page.starting.start()
    assert asked[0].format == session.data_set.format
    assert asked[0].settings == {"validation": 0.25, "split_seed": 3, "seed": 5}


def test_weights_are_chosen_with_a_dialog(train_page, monkeypatch):
    form = train_page.form
    form.finish()
    line = form.rows["weights"].control
    browse = line.actions()[0]
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("", ""))
    browse.trigger()
    assert form.choice.settings == {}
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("/models/net.safetensors", "All files (*)"))
    browse.trigger()
    assert line.text() == "/models/net.safetensors"
    assert form.choice.settings == {"weights": "/models/net.safetensors"}
    assert form.rows["weights"].reset.isVisibleTo(form.rows["weights"])


def test_the_keyboard_stays_at_the_run_when_a_button_goes(themed, qtbot):
    other, bar, machine = QLineEdit(), RunBar(), RunMachine()
    both = QWidget()
    qtbot.addWidget(both)
    row = QVBoxLayout(both)
    row.addWidget(bar)
    row.addWidget(other)
    both.show()
    both.activateWindow()

    def show(status, *news):
        for one in news:
            machine.hear(one)
        bar.show_run("birds", machine, None, status, None, None)
        QApplication.processEvents()

    show("running", "shown", "running")
    bar.stop.setFocus()
    machine.order("stop")
    show("stopping")
    assert bar.isAncestorOf(QApplication.focusWidget())
    show("stopped", "over")
    assert bar.resume.hasFocus()
    other.setFocus()
    show("running", "running")
    show("finished", "over")
    assert other.hasFocus()  # the focus is not taken away


def test_a_run_that_starts_has_a_progress_bar_after_a_finished_one(themed, qtbot):
    bar, machine = RunBar(), RunMachine()
    qtbot.addWidget(bar)
    bar.show_run("birds", machine, RunState(status="finished", epoch=4, epochs=4), "finished", None, None)
    assert bar.bar.isHidden()
    machine.order("start")
    assert machine.phase == "starting"
    bar.show_run("wrens", machine, None, "starting", None, None)
    assert not bar.bar.isHidden()


def test_a_run_that_its_patience_has_finished_shows_no_progress(themed, qtbot):
    bar, machine = RunBar(), RunMachine()
    qtbot.addWidget(bar)
    for status, hidden in (("stopped", False), ("finished", True)):
        bar.show_run("birds", machine, RunState(status=status, epoch=12, epochs=30), status, None, None)
        assert (bar.bar.isHidden(), bar.left.isHidden()) == (hidden, hidden)


def test_the_words_card_cuts_no_sentence(train_page, runs, qtbot):
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: len(train_page.words.texts()) == 2, timeout=SOON)
    qtbot.waitUntil(train_page.is_ready, timeout=SOON)
    card, rows = train_page.words, train_page.words._rows

    def whole(row) -> bool:
        return card.rect().contains(row.rect().translated(row.mapTo(card, row.rect().topLeft())))

    assert "`" not in rows[-1]._text.text()
    assert "monospace" in rows[-1]._text.text()
    assert all(whole(row) for row in rows)
    height = card.height()
    card.show_sayings([Saying("plain", f"{number} " + "word " * 40) for number in range(9)])
    QApplication.processEvents()
    assert card.height() >= height
    seen_in_part = [row for row in card._rows if not row.visibleRegion().isEmpty() and not whole(row)]
    assert not seen_in_part
    assert whole(card._rows[0])


def test_every_control_has_a_tip_and_a_name(train_page):
    train_page.form.finish()
    for kind in (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit, QAbstractSpinBox):
        for control in train_page.findChildren(kind):
            if control.objectName().startswith("qt_") or "Scroll" in type(control).__name__:
                continue
            if isinstance(control.parent(), EmptyPage) and control.isHidden():  # a button without text in this case
                continue
            if (
                isinstance(control.parent(), QAbstractSpinBox | QComboBox)
                or type(control.parent()).__name__ == "QTabBar"
            ):
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
    assert train_page.bar.pause.text() == "Resume"
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
    train_page.starting.start()
    controller = train_page.controller
    qtbot.waitUntil(lambda: controller.status == "finished", timeout=PATIENCE)
    qtbot.waitUntil(
        lambda: len(controller.series.epoch_lines) == 2 and len(train_page.strip.store.epochs) == 2, timeout=SOON
    )
    assert train_page.bar.title.text() == "birds-quick-1 · finished"
    train_page.starting.check()
    assert train_page.form.name.text() == "birds-quick-2"
    assert train_page.form.start.isEnabled()


def test_a_training_that_was_refused_leaves_no_ghost(train_page, session, birds, settings, qtbot, tmp_path):
    session.data_set = open_data_set(birds)
    for name, value in {**SMALL, "weights": str(tmp_path / "missing.safetensors")}.items():
        train_page.form.choice.put(name, value)
    with qtbot.waitSignal(session.error_reported, timeout=PATIENCE) as said:
        train_page.starting.start()
    assert "missing.safetensors" in said.args[0]
    qtbot.waitUntil(lambda: train_page.controller.path is None, timeout=SOON)
    assert train_page.empty.isVisible()
    assert not train_page.controller.machine.busy


def test_evidence_is_saved_as_an_animation(train_page, session, qtbot, tmp_path, monkeypatch):
    assert not train_page.strip.save.isEnabled()
    run = Path(shutil.copytree(resource("demo/runs/demo"), tmp_path / "shown"))
    session.run = run
    qtbot.waitUntil(train_page.strip.save.isEnabled, timeout=60_000)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "out.gif"), ""))
    notices = []
    session.notice_reported.connect(notices.append)
    train_page.strip.save.click()
    qtbot.waitUntil(lambda: bool(notices), timeout=300_000)
    assert "out.gif" in notices[0]
    assert (tmp_path / "out.gif").read_bytes().startswith(b"GIF89a")


def test_a_finished_run_is_trained_longer(train_page, runs, qtbot, monkeypatch):
    seen(train_page, runs)
    for name in ("past", "other"):  # the demo's run has no checkpoints; what they say of its three epochs
        run = RunDirectory(runs / name)
        run.checkpoints.mkdir()
        run.write_pointer("last", "step-0000100")
        (run.checkpoints / "step-0000100.json").write_text('{"epoch": 3, "step": 100}')
    train_page.controller.show_run(runs / "past")
    qtbot.waitUntil(lambda: train_page.bar.can_train_longer, timeout=SOON)
    assert train_page.bar.longer.isVisible()
    asked, started = [], []

    def answer(dialog):
        asked.append(dialog.words.text())
        QTest.keyClicks(dialog.epochs, "1,000")
        QTest.keyClick(dialog.epochs, Qt.Key.Key_Return)
        asked.append(dialog.words.text())
        assert not dialog.go.isEnabled()
        dialog.epochs.setValue(3)
        asked.append(dialog.words.text())
        assert not dialog.go.isEnabled()
        dialog.epochs.setValue(8)
        dialog.go.click()
        return dialog.result()

    monkeypatch.setattr(TrainLongerDialog, "exec", answer)
    monkeypatch.setattr(
        train_page.controller, "resume", lambda device, *, epochs: started.append((train_page.controller.path, epochs))
    )
    train_page.runs.list.choose(runs / "other")
    train_page.runs.list.longer.trigger()
    assert "not the same as that of a new run of 6 epochs" in asked[0]
    assert asked[1] == "'1,000' can be read as 1000 or as 1.0; write 1000 or 1."
    assert "already been trained for 3 epochs; choose at least 4" in asked[2]
    assert started == [(runs / "other", 8)]


def test_single_images_and_unequal_classes_are_said_before_the_start(train_page, session, qtbot, tmp_path):
    for name, count in (("crow", 12), ("wren", 1)):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 40)).save(tmp_path / "birds" / name / f"{number}.png")
    session.data_set = open_data_set(tmp_path / "birds")
    form = train_page.form
    qtbot.waitUntil(lambda: "Unequal classes" in form.note.text(), timeout=SOON)
    assert "Class balance" in form.note.text()
    form.take({"balance": "sampling"})
    assert form.note.text() == ""
    form.take({"batch_size": 1})
    assert "BatchNorm takes its statistics from one image at a time" in form.note.text()
    assert form.start.isEnabled()
    form.take({"network.input_size": 32})
    assert "nothing would be trained" in form.problem.text()
    assert not form.start.isEnabled()


def test_images_that_are_left_out_are_counted_anew(train_page, session, qtbot, tmp_path):
    for name, count in (("crow", 12), ("wren", 3)):
        (tmp_path / "birds" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (40, 40)).save(tmp_path / "birds" / name / f"{number}.png")
    session.data_set = open_data_set(tmp_path / "birds")
    form = train_page.form
    qtbot.waitUntil(lambda: "Unequal classes" in form.note.text(), timeout=SOON)
    change_left_out(tmp_path / "birds", [f"crow/{number}.png" for number in range(9)], out=True)
    session.report_left_out()
    qtbot.waitUntil(lambda: train_page.starting._counts is not None, timeout=SOON)
    assert form.note.text() == ""
    assert form.start.isEnabled()
    left_out_file(tmp_path / "birds").write_text("spoilt")
    session.report_left_out()
    qtbot.waitUntil(lambda: "left out of" in form.problem.text(), timeout=SOON)
    assert str(left_out_file(tmp_path / "birds")) in form.problem.text()
    assert not form.start.isEnabled()
    left_out_file(tmp_path / "birds").unlink()
    train_page.starting.check()  # as at every change of the form
    qtbot.waitUntil(lambda: "Unequal classes" in form.note.text(), timeout=SOON)
    assert form.start.isEnabled()


def test_what_is_typed_counts_even_if_the_field_was_not_left(train_page, session, birds, qtbot, monkeypatch):
    session.data_set = open_data_set(birds)
    form, started = train_page.form, []
    qtbot.waitUntil(lambda: form.is_whole, timeout=SOON)
    monkeypatch.setattr(train_page.controller, "start", started.append)
    epochs = form.rows["epochs"].control
    epochs.selectAll()
    QTest.keyClicks(epochs, "1,000")
    train_page.starting.start()
    assert started == []
    assert form.problem.text() == "Epochs: '1,000' can be read as 1000 or as 1.0; write 1000 or 1."
    epochs.selectAll()
    QTest.keyClicks(epochs, "4")
    train_page.starting.start()
    assert [request.settings for request in started] == [{"epochs": 4}]


def test_the_search_for_the_range_is_shown_and_stopping_it_leaves_no_run(
    train_page, session, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    progress = {"event": "progress", "what": "Finding the range of values", "done": 120, "total": 1500}
    script = f"import time; print({json.dumps(json.dumps(progress))}, flush=True); time.sleep(600)"
    monkeypatch.setattr(training_job, "engine_command", lambda *arguments, prefix=(): [sys.executable, "-c", script])
    notices: list[str] = []
    session.notice_reported.connect(notices.append)
    controller, bar = train_page.controller, train_page.bar
    controller.start(TrainingRequest(data=tmp_path, recipe="quick", name="bits", root=tmp_path / "runs"))
    qtbot.waitUntil(lambda: controller.preparation is not None, timeout=60_000)
    assert bar.facts.text() == "Finding the range of values · 120 of 1,500 images"
    assert bar.bar.value() == 80
    assert "which values are black and white" in train_page.words.texts()[0]
    assert bar.stop.isEnabled()
    bar.stop.click()
    assert bar.facts.text() == "Stopping before the training begins"
    qtbot.waitUntil(lambda: controller.path is None, timeout=60_000)
    assert notices == ["Stopped before the training began; no run was made."]
    assert controller.preparation is None


@pytest.mark.parametrize("new", [True, False])
def test_a_run_that_starts_is_still_starting_when_it_is_shown_again(
    train_page, runs, qtbot, monkeypatch: pytest.MonkeyPatch, new: bool
):
    monkeypatch.setattr(
        training_job,
        "engine_command",
        lambda *arguments, prefix=(): [sys.executable, "-c", "import time; time.sleep(600)"],
    )
    controller, trainings, path = train_page.controller, train_page._trainings, runs / ("new" if new else "past")
    if new:
        controller.start(TrainingRequest(data=runs, recipe="quick", name="new", root=runs))
    else:
        directory = RunDirectory(path)
        directory.write_state(dataclasses.replace(directory.read_state(), status="stopped", epoch=1, pid=None))
        controller.show_run(path)
        qtbot.waitUntil(lambda: train_page.bar.can_resume, timeout=SOON)
        controller.resume("cpu")
    controller.show_run(runs / "other")
    qtbot.waitUntil(lambda: controller.status == "finished", timeout=SOON)
    assert controller.live_run() == path
    controller.show_run(path)
    with qtbot.waitSignal(controller._reader.news, timeout=SOON):
        pass
    assert (controller.path, controller.machine.phase, controller.status) == (path, "starting", "starting")
    assert controller.live_run() == path
    controller.resume("cpu")
    assert [job.run_path for job in trainings.active()] == [path]
    errors: list[str] = []
    controller._session.error_reported.connect(errors.append)
    job = controller._job
    job.failed.emit(S3NError("Refused."), job)
    assert errors == ["Refused."], "said once"
    train_page.bar.stop.click()
    controller.show_run(runs / "other")
    controller.show_run(path)
    assert controller.machine.phase == "stopping"
    qtbot.waitUntil(lambda: not trainings.active(), timeout=SOON)
    assert not controller.machine.busy


def test_the_buttons_follow_the_selected_run(train_page, runs):
    listed, runs_list = list(list_runs(runs)), train_page.runs.list
    live = [dataclasses.replace(run, live=run.name == "past", status="running") for run in listed]
    train_page.runs.show_seen(RunsSeen(tuple(listed)))
    runs_list.choose(runs / "past")
    for shown, resting in ((live, False), (listed, True)):
        train_page.runs.show_seen(RunsSeen(tuple(shown)))
        parts = (runs_list.rename, runs_list.trash, runs_list.longer, runs_list.pack)
        assert [part.isEnabled() for part in parts] == [resting] * 4
        assert runs_list.can_change == resting


def test_a_run_elsewhere_is_trained_longer_from_where_it_is_and_the_demo_is_not(
    train_page, qtbot, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    run, asked = Path(shutil.copytree(resource("demo/runs/demo"), tmp_path / "elsewhere")), []
    monkeypatch.setattr(TrainLongerDialog, "__init__", lambda _, path, done, parent: asked.append((path, done)))
    monkeypatch.setattr(TrainLongerDialog, "ask", lambda _: None)
    monkeypatch.setattr(TrainLongerDialog, "deleteLater", lambda _: None)
    train_page.controller.show_run(run)
    qtbot.waitUntil(lambda: train_page.bar.can_train_longer, timeout=SOON)
    train_page.commands()["train-longer"]()
    assert asked == [(run, 3)]
    train_page.show_demo()
    qtbot.waitUntil(lambda: train_page.controller.status == "finished", timeout=SOON)
    assert not train_page.bar.can_train_longer
    assert "train-longer" not in train_page.commands()


def test_a_checkpoint_of_a_run_moves_with_it(train_page, session, runs, monkeypatch: pytest.MonkeyPatch):
    checkpoint = Path("checkpoints") / "step-1.safetensors"
    session.model = runs / "past" / checkpoint
    monkeypatch.setattr(QInputDialog, "getText", lambda *_, **__: ("renamed", True))
    table, renamed = (PredictionRequest(model=runs / name, images=runs).table for name in ("past", "renamed"))
    table.parent.mkdir(parents=True)
    table.touch()
    train_page.runs.rename(runs / "past")
    assert session.model == runs / "renamed" / checkpoint
    assert (table.exists(), renamed.exists()) == (False, True)
    train_page.runs.trash(runs / "renamed")
    assert session.model is None
    train_page.undo_stack().undo()
    assert session.model == runs / "renamed" / checkpoint
