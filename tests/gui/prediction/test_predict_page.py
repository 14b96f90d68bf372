"""The Predict page: widgets in both directions, and a real job that is stopped and resumed."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_rows import CLASSES, header, predictions, rows, write_part
from nonsense import talk_nonsense
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSlider
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import Box, DataSet, ImageRecord, Skipped
from s3n_core.errors import UnfinishedOutput
from s3n_core.evaluation.confusion import confused_pairs
from s3n_core.evaluation.intervals import accuracy_text
from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.system.resources import resource
from s3n_gui.appearance.part_colours import part_colour
from s3n_gui.appearance.theme import apply, tokens
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.headline import headline_words
from s3n_gui.prediction.panel import PredictPage, page
from s3n_gui.prediction.peak_picture import peak_marks
from s3n_gui.prediction.source_bar import SourceBar
from s3n_gui.prediction.table.prediction_columns import BlockReader, PredictionColumns
from s3n_gui.prediction.table.table_model import section_of
from s3n_gui.prediction.table.table_saving import Place, TableSaving
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.split_choice import SplitChoice

from s3n_core.prediction.tables import write_table  # isort: skip

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
    jobs.clear_ended()  # now, rather than whenever Python collects them, in any thread


def fill(qtbot: QtBot, predict: PredictPage, images: Path, *, labelled: bool) -> PredictPage:
    """Make the page find a complete table of 300 made-up rows."""
    request = PredictionRequest(model=MODEL, images=images)
    request.table.parent.mkdir(parents=True)
    write_table(request.table, header(300), rows(300, labelled=labelled))
    predict.controller.set_model(MODEL)
    predict.controller.set_images(images)
    qtbot.waitUntil(lambda: predict.controller.stage == "finished", timeout=5000)
    qtbot.waitUntil(predict.is_ready, timeout=5000)
    return predict


@pytest.fixture
def filled(qtbot: QtBot, predict: PredictPage, tmp_path: Path) -> PredictPage:
    return fill(qtbot, predict, tmp_path, labelled=True)


@pytest.fixture
def unlabelled(qtbot: QtBot, predict: PredictPage, tmp_path: Path) -> PredictPage:
    return fill(qtbot, predict, tmp_path, labelled=False)


def test_it_says_what_is_missing(qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path) -> None:
    assert predict.stack.currentIndex() == 0
    assert "images" in predict.empty.title.text()
    predict.controller.set_images(tmp_path)
    assert "model" in predict.empty.title.text()
    session.model = MODEL
    qtbot.waitUntil(lambda: predict.controller.stage == "ready")
    assert predict.source.start.isEnabled()
    assert predict.empty.buttons[0].text() == "Predict"


def test_it_says_what_was_skipped(qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path) -> None:
    raw = Skipped("raw photograph", ".cr2", 3, tmp_path / "x.cr2")
    images = tuple(ImageRecord(path=tmp_path / name, name=name) for name in ("a.jpg", "b.jpg"))
    session.model = MODEL
    session.data_set = DataSet(root=tmp_path, format="images", classes=(), records=images, skipped=(raw,))
    qtbot.waitUntil(lambda: predict.source.state.text() == "3 files skipped")
    assert predict.source.state.toolTip() == "Skipped 3 files that are not readable images (3 .cr2)."
    session.data_set = DataSet(root=tmp_path / "other", format="images", classes=(), records=images)
    qtbot.waitUntil(lambda: predict.source.state.text() == "")


def test_a_finished_table_is_found_again(filled: PredictPage) -> None:
    assert filled.model.rowCount() == 300
    assert filled.accuracy is not None
    assert filled.accuracy.counted == 294
    assert "of 294 (" in filled.accuracy_panel.threshold_card.note.text()
    assert filled.source.start.text() == "Update predictions"


def test_filter_and_sort_show_in_the_table(qtbot: QtBot, filled: PredictPage) -> None:
    filled.filter.search.setText("bild 00001")
    qtbot.waitUntil(lambda: filled.model.rowCount() == 10, timeout=2000)
    assert filled.filter.count.text().startswith("10 of 300")
    filled.filter.search.clear()
    filled.filter.show_kind("mistakes")
    filled.filter.changed.emit()
    assert filled.model.rowCount() == 294 - filled.accuracy.correct  # type: ignore[union-attr]
    filled.table.sort_by(4, descending=True)
    column = [float(filled.model.index(n, 4).data()) for n in range(filled.model.rowCount())]
    assert column == sorted(column, reverse=True)


def test_a_cell_of_the_matrix_filters(filled: PredictPage) -> None:
    filled.accuracy_panel.confusion.matrix.cell_chosen.emit(0, 1)
    assert filled.model.rowCount() == filled.accuracy.confusion[0, 1] > 0  # type: ignore[union-attr]
    assert filled.filter.pair.text() == "Ant → Bee"
    filled.filter.pair.click()
    assert filled.model.rowCount() == 300
    filled.accuracy_panel.classes.class_chosen.emit(2)
    assert filled.model.rowCount() == 100


def test_the_threshold_says_coverage_and_accuracy(filled: PredictPage) -> None:
    card = filled.accuracy_panel.threshold_card
    filled.filter.show_kind("below")
    card.slider.setValue(800)
    filled.filter.changed.emit()
    accuracy = filled.accuracy
    assert accuracy is not None
    coverage, top1 = accuracy.coverage.at(0.8)
    assert f"{100 * coverage:.1f} %" in card.sentence.text()
    correct, counted = accuracy.coverage.counts_at(0.8)
    assert correct / counted == top1
    assert card.sentence.text().endswith(f", accuracy {accuracy_text(correct, counted)}")
    assert card.note.text() == accuracy_text(accuracy.correct, accuracy.counted)
    assert filled.model.rowCount() == 300 - round(300 * coverage)


def test_without_labels_it_says_coverage_and_how_often_a_class_is_named(qtbot: QtBot, unlabelled: PredictPage) -> None:
    accuracy, panel = unlabelled.accuracy, unlabelled.accuracy_panel
    assert accuracy is not None
    card = panel.threshold_card
    assert card.title.text() == "Coverage"
    assert card.plot.isVisible()
    assert not panel.confusion.isVisible()
    card.plot.picked.emit(0.8)
    assert card.threshold == pytest.approx(0.8)
    assert f"{100 * accuracy.coverage.at(0.8)[0]:.1f} %" in card.sentence.text()
    table = panel.classes
    assert table.isVisible()
    shown = [section for section in range(5) if not table.isColumnHidden(section)]
    assert shown == [0, 4]
    counts = [int(table.model().index(row, 4).data()) for row in range(3)]
    assert counts == sorted(counts, reverse=True)
    assert sum(counts) == accuracy.predicted
    table.clicked.emit(table.model().index(0, 0))
    assert unlabelled.model.rowCount() == counts[0]
    assert unlabelled.filter.pair.text().startswith("Class ")


def test_space_previews_and_enter_opens_inspect(qtbot: QtBot, filled: PredictPage, session: Session) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    filled.table.go_to(5)
    qtbot.keyClick(filled.table, Qt.Key.Key_Space)
    assert filled.preview.isVisible()
    assert "000005" in filled.preview.file.text()
    wanted = rows(300)[5]
    assert [(bar.branch, bar.probability) for bar in filled.preview.branches.bars] == list(
        zip("ODC", wanted.branch_probabilities, strict=True)
    )
    assert filled.preview.joint.bars[0].probability == wanted.probability
    qtbot.keyClick(filled.preview, Qt.Key.Key_Down)
    assert filled.preview.row == 6
    qtbot.keyClick(filled.preview, Qt.Key.Key_Space)
    assert not filled.preview.isVisible()
    qtbot.keyClick(filled.table, Qt.Key.Key_Return)
    assert asked == ["inspect"]
    assert session.image == filled.path_of(predictions(300).files[6])
    assert session.model == MODEL


def test_the_preview_closes_when_a_table_begins_anew(filled: PredictPage) -> None:
    filled.show_preview(200)
    filled.controller.predictions = PredictionColumns(header(300))
    filled.controller.began.emit()
    assert not filled.preview.isVisible(), "its row is not there yet"


def test_the_preview_marks_the_peaks(qtbot: QtBot, filled: PredictPage, tmp_path: Path) -> None:
    made = rows(300)
    row = next(number for number, one in enumerate(made) if len(one.peak_places) > 2)
    path = tmp_path / made[row].file
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (500, 375), (90, 120, 150)).save(path, exif=turned())
    filled.table.go_to(row)
    filled.show_preview(row)
    picture = filled.preview.picture
    assert picture.marked == 0, "not before the image is there"
    qtbot.waitUntil(lambda: picture.marked == len(made[row].peak_places), timeout=5000)
    assert picture.original == (375, 500), "upright"
    filled.show_preview(next(iter(filled.controller.predictions.errors)))  # type: ignore[union-attr]
    assert picture.marked == 0
    assert filled.preview.said.text() == "the file is cut off"


def test_the_preview_shows_the_parts_of_the_peaks_in_their_colours(
    qtbot: QtBot, filled: PredictPage, themed: QApplication, tmp_path: Path
) -> None:
    made = rows(300)
    row = next(number for number, one in enumerate(made) if len(one.peak_places) > 2)
    path = tmp_path / made[row].file
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (500, 375), (90, 120, 150)).save(path)
    preview = filled.preview
    filled.show_preview(row)
    assert not preview.parts.isVisible()  # no atlas is open
    (x, y), (other_x, other_y) = (place[:2] for place in made[row].peak_places[:2])
    parts = PartPlace(x, y, 3, "bill"), PartPlace(other_x, other_y, 5, "branch", background=True)
    for mode in ("light", "dark"):
        apply(themed, mode)  # type: ignore[arg-type]
        preview.show_parts(parts)
        qtbot.waitUntil(lambda: preview.picture.marked > 2, timeout=5000)
        tags = [peak.part for peak in preview.picture.peaks[:3]]
        bill = part_colour(3, tokens())
        assert [tag and (tag.name, tag.colour) for tag in tags] == [
            ("bill", bill),
            ("branch", part_colour(5, tokens(), background=True)),
            None,
        ]
        assert preview.parts.isVisible()
        assert preview.parts.accessibleDescription() == "bill, branch"
        drawn = preview.parts.grab().toImage()
        columns, lines = range(drawn.width()), range(drawn.height())
        assert any(drawn.pixelColor(column, line) == QColor(bill) for column in columns for line in lines)
    apply(themed, "light")  # the marks follow the theme by themselves
    assert preview.picture.peaks[0].part is not None
    assert preview.picture.peaks[0].part.colour == part_colour(3, tokens())


def test_peaks_outside_the_box_are_marked(qtbot: QtBot, filled: PredictPage, session: Session, tmp_path: Path) -> None:
    made = rows(300)
    row = next(number for number, one in enumerate(made) if len(one.peak_places) > 2)
    x, y = made[row].peak_places[0][:2]
    box = Box(x=x - 1, y=y - 1, width=2, height=2)
    path = tmp_path / made[row].file
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (500, 375), (90, 120, 150)).save(path)
    others = sum(not box.contains(*place[:2]) for place in made[row].peak_places)
    assert others
    assert not any(mark.outside for mark in peak_marks(made[row].peak_places)), "without a box"
    record = ImageRecord(path=path, name=made[row].file, box=box)
    other = ImageRecord(path=tmp_path / "other.png", name="other.png")
    session.data_set = DataSet(root=tmp_path, format="images", classes=(), records=(record, other))
    filled.show_preview(row)
    assert filled.preview.picture.outside == others
    peaks = count_text(len(made[row].peak_places), "peak")
    assert f"{peaks}, {others} outside the box" in filled.preview.said.text()
    assert filled.annotation_of(made[row].file).box == box
    filled.controller.set_images(tmp_path / "elsewhere", "all")
    assert filled.annotation_of(made[row].file).box is None


def turned() -> bytes:
    """Return EXIF data of a portrait photograph."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif.tobytes()


def test_the_matrix_can_be_large(qtbot: QtBot, filled: PredictPage) -> None:
    card = filled.accuracy_panel.confusion
    filled.commands()["predict-matrix"]()
    assert card.large
    assert filled.results.splitter.indexOf(filled.accuracy_panel) == 0
    assert not filled.accuracy_panel.class_card.isVisible()
    assert card.order.isVisible()
    card.order.setCurrentIndex(card.order.findData("recall"))
    card.order.activated.emit(0)
    accuracy = filled.accuracy
    assert accuracy is not None
    place = card._shown.tolist()
    recall = accuracy.confusion.diagonal() / accuracy.confusion.sum(axis=1)
    assert place == sorted(place, key=lambda at: recall[at])
    card.matrix.cell_chosen.emit(0, 1)
    assert filled.model.rowCount() == accuracy.confusion[place[0], place[1]]
    assert card.matrix.chosen == (0, 1)
    first = card.pairs.model().index(0, 0)
    card.pairs.clicked.emit(first)
    assert filled.model.rowCount() == confused_pairs(accuracy.confusion)[0].count
    assert filled.filter.pair.isVisible()
    assert filled.filter.inspect.isEnabled()
    qtbot.keyClick(filled, Qt.Key.Key_Escape)
    assert not card.large
    assert filled.results.splitter.indexOf(filled.accuracy_panel) == 1
    assert filled.accuracy_panel.class_card.isVisible()


def test_a_pair_opens_its_first_image(filled: PredictPage, session: Session) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    filled.accuracy_panel.confusion.matrix.cell_opened.emit(1, 2)
    assert asked == ["inspect"]
    first = next(n for n, row in enumerate(rows(300)) if row.label == "002.Bee" and row.class_name == "003.Wasp")
    assert session.image == filled.path_of(rows(300)[first].file)


def test_classes_are_sorted_by_any_column(filled: PredictPage) -> None:
    table = filled.accuracy_panel.classes
    model = table.model()

    def column(number: int) -> list[str]:
        return [str(model.index(row, number).data()) for row in range(model.rowCount())]

    table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert column(0) == ["Wasp", "Bee", "Ant"]
    table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    shares = [float(text.split()[0]) for text in column(3)]
    assert shares == sorted(shares)
    assert model.headerData(3, Qt.Orientation.Horizontal) == "Precision ▴"
    assert "images" in str(model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole))


def test_a_narrow_table_keeps_what_matters(filled: PredictPage) -> None:
    table = filled.table
    table.resize(1400, 300)
    assert not table.isColumnHidden(section_of("margin"))
    table.resize(600, 300)
    assert table.isColumnHidden(section_of("margin"))
    assert not table.isColumnHidden(section_of("class"))
    table.resize(1400, 300)
    assert not table.isColumnHidden(section_of("margin"))


def test_thumbnails_keep_to_the_setting(predict: PredictPage, settings: Settings) -> None:
    settings.set("thumbnail_cache_mb", 32)
    assert [loader._cache_bytes for loader in (predict.thumbnails, predict.preview.images)] == [32 * 2**20] * 2


def test_a_sought_row_that_is_not_there_is_said_at_once(
    qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path
) -> None:
    said: list[str] = []
    session.notice_reported.connect(said.append)
    session.seek_row(tmp_path / "a.jpg")
    predict.controller.set_model(MODEL)
    predict.controller.set_images(tmp_path)
    qtbot.waitUntil(lambda: predict.controller.stage == "ready")
    session.seek_row(tmp_path / "b.jpg")
    assert said == [f"{name} has no prediction yet; predict these images first." for name in ("a.jpg", "b.jpg")]
    assert session.take_sought() is None


def test_o_alone_may_answer_where_it_is_sure(filled: PredictPage, session: Session) -> None:
    button, controller = filled.source.fast, filled.controller
    assert button.text() == "Fast mode: off"
    all_branches = controller.request
    assert all_branches is not None
    assert all_branches.stop_below is None
    button.click()
    dialog = filled.choice.fast_mode
    assert dialog is not None
    dialog.threshold.setValue(0.05)
    assert button.text() == "Fast mode: H ≤ 0.05"
    assert controller.request is not None
    assert controller.request.stop_below == 0.05
    assert controller.stage == "ready"  # another table, which does not exist yet
    filled.source.show_stage("Predict", "", can_start=False, running=True, can_start_over=False)
    assert not button.isEnabled()
    session.ask_for_predictions()  # other pages need the predictions of all branches
    assert controller.stop_below is None
    assert button.text() == "Fast mode: off"
    assert dialog.threshold.text() == "H ≤ off" or dialog.threshold.text() == "off"


def test_the_threshold_of_fast_mode_stays_while_a_prediction_runs(filled: PredictPage) -> None:
    controller = filled.controller
    filled.source.fast.click()
    dialog = filled.choice.fast_mode
    assert dialog is not None
    controller.set_stop_below(0.05)
    controls = (dialog.threshold, dialog.plot, dialog.off)
    assert all(control.isEnabled() for control in controls)
    controller._set_stage("running")
    assert not any(control.isEnabled() for control in controls), "another threshold would end it"
    controller._set_stage("finished")
    assert all(control.isEnabled() for control in controls)


def test_a_threshold_of_fast_mode_does_not_pass_to_another_model(filled: PredictPage, session: Session) -> None:
    controller, said = filled.controller, list[str]()
    session.notice_reported.connect(said.append)
    controller.set_stop_below(0.05)
    controller.set_model(controller.model)
    assert (controller.stop_below, said) == (0.05, [])
    controller.set_model(MODEL.with_name("other"))
    assert controller.stop_below is None
    assert "Fast mode is off" in said[0]


def test_answers_of_something_else_are_said(qtbot: QtBot, filled: PredictPage, session: Session) -> None:
    """The made-up table's model does not exist."""
    qtbot.waitUntil(lambda: filled.notice.isVisible(), timeout=5000)
    assert "has changed since" in filled.notice.words
    assert not filled.source.start.isVisible(), "one button, not two, updates the predictions"
    assert session.predictions is None
    started: list[bool] = []
    filled.controller.start = lambda *, restart=False: started.append(restart)  # type: ignore[method-assign, assignment]
    filled.notice.button.click()
    assert started == [True]


def test_every_control_has_a_tip_and_a_name(filled: PredictPage) -> None:
    for kind in (QAbstractButton, QComboBox, QSlider):
        for widget in filled.findChildren(kind):
            inside = widget.parent().metaObject().className()
            if widget.isVisibleTo(filled) and inside not in (
                "QLineEdit",
                "PredictionTable",
                "ClassTable",
                "ConfusedPairsList",
            ):
                assert widget.toolTip(), (inside, widget.objectName())
                assert widget.accessibleName() or widget.text(), (inside, widget.objectName())  # type: ignore[attr-defined]


def test_saving_writes_what_is_shown(qtbot: QtBot, filled: PredictPage, tmp_path: Path, session: Session) -> None:
    filled.filter.show_kind("mistakes")
    filled.filter.changed.emit()
    filled.table.sort_by(1, descending=True)
    out = tmp_path / "tabelle ä.csv"
    with qtbot.waitSignal(session.notice_reported, timeout=5000):
        filled.save_to(Place(out))
    with out.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [line["file"] for line in lines] == [filled.model.index(n, 1).data() for n in range(filled.model.rowCount())]
    qtbot.waitUntil(lambda: not filled.saving.busy, timeout=2000)


def test_only_a_table_can_be_saved_and_one_at_a_time(
    qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    offered: list[bool] = []
    predict.commands_changed.connect(lambda: offered.append("predict-save" in predict.commands()))
    assert "predict-save" not in predict.commands()
    fill(qtbot, predict, tmp_path, labelled=True)
    assert offered[-1]
    monkeypatch.setattr(TableSaving, "busy", True)
    with qtbot.waitSignal(session.notice_reported) as said:
        predict.commands()["predict-save"]()  # without a dialog
    assert "is being written" in said.args[0]
    predict.controller.set_images(None)
    assert not offered[-1]


def test_fast_mode_needs_a_model(qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path) -> None:
    predict.controller.set_images(tmp_path)
    qtbot.waitUntil(lambda: not predict.controller._tasks.is_open("splits"))
    assert not predict.source.fast.isEnabled()
    session.model = MODEL
    qtbot.waitUntil(lambda: predict.controller.stage == "ready")
    assert predict.source.fast.isEnabled()
    session.model = None
    assert not predict.source.fast.isEnabled()


def test_the_keyboard_stays_at_the_button(qtbot: QtBot, themed: QApplication, session: Session) -> None:
    bar = SourceBar(ModelChoices(session))
    qtbot.addWidget(bar)
    bar.resize(1000, 40)
    bar.show_choice(resource("demo/images"), None, "all", SplitChoice())
    assert bar.images.text() == "demo birds"
    bar.show_stage("Predict", "", can_start=True, running=False, can_start_over=False)
    bar.show()
    bar.activateWindow()
    bar.start.setFocus()
    qtbot.waitUntil(bar.start.hasFocus)
    bar.show_stage("Predict", "", can_start=False, running=True, can_start_over=False)
    assert bar.stop.hasFocus()
    bar.show_stage("Update predictions", "", can_start=True, running=False, can_start_over=False)
    assert bar.start.hasFocus()


def test_a_job_stopped_before_its_first_row_is_begun_anew(
    qtbot: QtBot, predict: PredictPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    controller = predict.controller
    controller.set_model(MODEL)
    controller.set_images(IMAGES, "all")
    request = controller.request
    assert request is not None
    request.table.parent.mkdir(parents=True, exist_ok=True)
    write_part(request.table, [])
    controller.set_images(IMAGES.parent, "all")
    controller.set_images(IMAGES, "all")
    qtbot.waitUntil(lambda: controller.predictions is not None and controller.stage == "ready", timeout=5000)
    assert predict.source.start.text() == "Predict"
    failures: list[str] = []
    controller.failed.connect(failures.append)
    controller.start()
    qtbot.waitUntil(lambda: controller.stage != "running", timeout=120_000)
    assert (controller.stage, len(controller.predictions), failures) == (
        "finished",
        len(list(IMAGES.rglob("*.jpg"))),
        [],
    )


def test_a_real_job_is_stopped_and_goes_on(
    qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    images = tmp_path / "vögel"
    shutil.copytree(IMAGES, images)
    for source in list(images.rglob("*.jpg")):
        for copy in range(3):
            shutil.copy(source, source.with_name(f"{source.stem}-{copy}.jpg"))
    (images / source.parent.name / "zz_broken.jpg").write_bytes(b"no image")
    controller = predict.controller
    controller.set_model(MODEL)
    controller.set_images(images, "all")
    controller.start()
    assert controller.stage == "running"
    qtbot.waitUntil(lambda: controller.predictions is not None and len(controller.predictions) > 0, timeout=300_000)
    controller.cancel()
    qtbot.waitUntil(lambda: controller.stage == "stopped", timeout=120_000)
    assert controller.predictions is not None
    first = len(controller.predictions)
    assert 0 < first < 169
    assert predict.source.start.text() == "Continue"
    kept = [controller.predictions.row(n) for n in range(first)]
    controller.start()
    qtbot.waitUntil(lambda: controller.stage == "finished", timeout=300_000)
    assert len(controller.predictions) == 169
    assert [controller.predictions.row(n) for n in range(first)] == kept
    assert len(controller.predictions.errors) == 1
    qtbot.waitUntil(predict.is_ready, timeout=5000)
    assert predict.accuracy is not None
    assert predict.accuracy.counted == 168
    request = controller.request
    assert request is not None
    session.model = MODEL
    session.data_set = open_data_set(images)
    qtbot.waitUntil(lambda: session.predictions == request.table, timeout=5000)
    assert not predict.notice.isVisible()
    predict.save_to(Place(tmp_path / "saved.json"))
    qtbot.waitUntil(lambda: not predict.saving.busy, timeout=10_000)
    assert (tmp_path / "saved.json").read_bytes() == request.table.read_bytes()


def test_a_table_of_something_else_can_be_replaced_whatever_the_engine_says(
    qtbot: QtBot, predict: PredictPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A real job finds another job's rows at its path, with every message replaced by nonsense."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    controller = predict.controller
    controller.set_model(MODEL)
    controller.set_images(IMAGES, "all")
    (tmp_path / "nonsense").mkdir()
    talk_nonsense(monkeypatch, tmp_path / "nonsense")
    request = controller.request
    assert request is not None
    request.table.parent.mkdir(parents=True, exist_ok=True)
    part = request.table.with_name(request.table.name + ".part")
    write_part(request.table, rows(5))
    errors: list[str] = []
    session.error_reported.connect(errors.append)
    assert not predict.source.more.isVisible()
    controller.start()
    qtbot.waitUntil(lambda: controller.stage not in ("running", "reading"), timeout=300_000)
    assert isinstance(controller.error, UnfinishedOutput)
    assert errors[-1].startswith(str(part))
    assert "--restart" not in errors[-1]
    assert predict.source.more.isVisible()
    predict.source.over.trigger()
    qtbot.waitUntil(lambda: controller.stage == "finished", timeout=300_000)
    assert controller.predictions is not None
    assert len(controller.predictions) == len(list(IMAGES.rglob("*.jpg")))


def shown_with(words: list[str], labels: list[str | None]) -> PredictionColumns:
    made = [
        replace(row, seen=word, label=label, correct=None if label not in CLASSES else row.class_name == label)
        for row, word, label in zip(rows(len(words)), words, labels, strict=True)
    ]
    table = PredictionColumns(header(len(made)))
    table.append(BlockReader(header(len(made))).read([json.dumps(row.to_dict()) for row in made]))
    return table


def test_the_headline_says_what_the_figures_mean() -> None:
    ant = CLASSES[0]
    assert headline_words(None) == ""
    assert headline_words(shown_with(["unseen"] * 3, [ant] * 3)) == ""
    learned = headline_words(shown_with(["training", "unseen"], [ant, ant]))
    assert learned == "The model learned from 1 of these 2 images. New images are harder."
    assert headline_words(shown_with([""], [ant])) == "It is not known whether this model has seen these images."
    assert headline_words(shown_with(["unknown"], [None])) == ""
    foreign = headline_words(shown_with(["unseen"] * 2, ["Robin", "Wren"]))
    assert foreign.startswith("This model knows none of the 2 classes of these images")
    partly = headline_words(shown_with(["unseen", "training"], ["Robin", ant]))
    assert "does not know 1 of the 2 classes of these images ('Robin'); 1 image is not counted." in partly
    assert "The model learned from this image" in partly


def test_values_that_do_not_suit_the_model_come_first_in_the_headline() -> None:
    table = shown_with(["training"], [CLASSES[0]])
    table.header = replace(table.header, warnings=("Values go beyond it.",))
    assert headline_words(table).startswith("Values go beyond it. The model learned from this image")


def test_the_headline_stands_above_the_table(qtbot: QtBot, filled: PredictPage) -> None:
    headline = filled.headline
    assert headline.isVisible()
    assert headline.words == "It is not known whether this model has seen these images."
    assert not headline.button.isVisible()
    headline.show_words("Some.", "test")
    with qtbot.waitSignal(filled.controller.request_changed):
        headline.button.click()
    assert filled.controller.split == "test"
    assert not headline.isVisible()
