"""The Export page: widgets in both directions, a real preview, and a real export that is stopped."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

import pytest
from PySide6.QtCore import QObject, QPointF, Qt, Signal
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QSpinBox
from pytestqt.qtbot import QtBot

from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.export.file_request import ExportedFile, FileRequest
from s3n_core.system.resources import resource
from s3n_gui.background.jobs import Job, JobList
from s3n_gui.export import preview_making
from s3n_gui.export.export_choice import ExportChoice
from s3n_gui.export.panel import ExportPage, page
from s3n_gui.export.picture_view import PictureView
from s3n_gui.export.preview_making import PreviewMaker, first_images
from s3n_gui.export.run_bar import ExportRunBar
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.model_choices import ModelChoices
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

MODEL, IMAGES = resource("demo/model.safetensors"), resource("demo/images")
PATIENCE = 300_000  # milliseconds: jobs start at low priority and wait on a machine that also trains


@pytest.fixture
def export(
    qtbot: QtBot,
    themed: QApplication,
    session: Session,
    settings: Settings,
    jobs: JobList,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[ExportPage]:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    made = page(session, settings, jobs)
    assert isinstance(made, ExportPage)
    qtbot.addWidget(made)
    made.resize(1180, 600)
    yield made
    made.shut_down()
    jobs.close()
    jobs.clear_ended()  # now, rather than whenever Python collects them, in any thread


def test_it_says_what_is_missing(export: ExportPage, session: Session) -> None:
    assert not export.bar.export.isEnabled()
    assert "images" in export.preview.words.text()
    export.controller.set(images=IMAGES)
    assert "model" in export.preview.words.text()
    session.model = MODEL
    assert export.bar.export.isEnabled()
    assert export.bar.command.text().startswith("s3n export ")


def test_the_chip_names_chosen_images_only_while_they_are_exported(
    export: ExportPage, session: Session, tmp_path: Path
) -> None:
    chosen, chip, controller = ImageSelection("Mistakes", IMAGES, ("a.jpg",)), export.form.chosen, export.controller
    session.export_selection(chosen)
    assert (controller.choice.only, chip.isVisibleTo(export)) == (chosen, True)
    for images in (tmp_path, IMAGES):
        controller.set(images=images)
        assert (controller.choice.only, chip.isVisibleTo(export)) == (None, False)
    assert session.selection == chosen, "Inspect still lists them"
    session.export_selection(chosen)
    assert (controller.choice.only, chip.isVisibleTo(export)) == (chosen, True)


def test_widgets_change_the_choice(qtbot: QtBot, export: ExportPage) -> None:
    form, controller = export.form, export.controller
    controller.set(model=MODEL, images=IMAGES)
    form.arrays.click()
    form.sheet.click()
    assert (controller.choice.arrays, controller.choice.sheet) == (True, False)
    assert not form.look.layout_name.isEnabled()
    form.panels.boxes["original"].click()
    form.panels.boxes["grid_c"].click()
    assert "original" in controller.choice.panels
    assert "grid_c" not in controller.choice.panels
    form.look.dpi.setValue(300)
    form.limited.click()
    form.first.setValue(7)
    form.look.colours.setCurrentIndex(2)
    form.look.colours.activated.emit(2)
    form.look.opacity.slider.setValue(8)
    assert (controller.choice.dpi, controller.choice.first, controller.choice.colours) == (300, 7, "cividis")
    assert controller.choice.opacity == 0.4
    assert "--opacity 0.4" in export.bar.command.text()
    assert form.look.opacity.reset.toolTip().startswith("Reset to the standard ")
    form.look.opacity.reset.click()
    assert "--opacity" not in export.bar.command.text()
    assert "--most 7" in export.bar.command.text()
    assert "--colours cividis" in export.bar.command.text()


def test_the_choice_changes_the_widgets(export: ExportPage) -> None:
    heard: list[dict[str, object]] = []
    export.form.changed.connect(heard.append)
    export.controller.set(dpi=72, panels=("peaks",), first=3, picture="png", inches=2.0)
    assert export.form.look.dpi.value() == 72
    assert [name for name, box in export.form.panels.boxes.items() if box.isChecked()] == ["peaks"]
    assert (export.form.limited.isChecked(), export.form.first.value()) == (True, 3)
    assert export.form.look.picture.currentData() == "png"
    assert heard == []


def test_the_command_is_copied(export: ExportPage) -> None:
    export.controller.set(model=MODEL, images=IMAGES, out=Path("aus gabe"))
    export.copy_command()
    assert QGuiApplication.clipboard().text() == export.controller.choice.command()


def test_likings_come_back(export: ExportPage) -> None:
    export.controller.set(dpi=300, arrays=True)
    state = export.save_state()
    export.controller.set(dpi=72, arrays=False)
    export.restore_state(state)
    export.restore_state({"panes": "x", "choice": 3})
    assert (export.controller.choice.dpi, export.controller.choice.arrays) == (300, True)


def test_every_control_has_a_tip_and_a_name(export: ExportPage) -> None:
    export.controller.set(model=MODEL, images=IMAGES)
    for kind in (QAbstractButton, QComboBox, QSpinBox):
        for widget in export.findChildren(kind):
            if widget.isVisibleTo(export):
                assert widget.toolTip(), widget.accessibleName()
                assert widget.accessibleName() or widget.text()  # type: ignore[attr-defined]


def test_zooming_keeps_the_point_under_the_mouse(qtbot: QtBot, themed: QApplication) -> None:
    view = PictureView()
    qtbot.addWidget(view)
    view.resize(400, 300)
    image = QImage(1600, 800, QImage.Format.Format_RGB32)
    view.show_image(image)
    assert view.scale == pytest.approx(376 / 1600)
    at = QPointF(250, 160)
    before = view._frame()
    place = (at.x() - before.left()) / before.width()
    view.zoom(4.0, at)
    after = view._frame()
    assert (at.x() - after.left()) / after.width() == pytest.approx(place)
    qtbot.keyClick(view, Qt.Key.Key_1)
    assert view.scale == pytest.approx(1.0 / view.devicePixelRatioF())
    qtbot.keyClick(view, Qt.Key.Key_0)
    assert view.scale == pytest.approx(376 / 1600)


def test_the_number_of_files_is_said_beforehand(export: ExportPage, tmp_path: Path) -> None:
    controller, bar, preview = export.controller, export.bar, export.controller.preview
    controller.set(model=MODEL, images=IMAGES, out=tmp_path, panels=("peaks", "map_d"))
    assert bar.state.text() == ""
    files = {".png": PurePosixPath("a.png")}
    preview.file = ExportedFile(image="a.jpg", files=files, ending=".png", content=b"")
    preview.count = 24
    preview.changed.emit()
    assert bar.state.text() == "24 images, 73 files"
    controller.set(first=2, report=True)
    assert bar.state.text() == "2 images, 8 files"
    bar.show_written(controller.choice, {"total": 2})
    preview.changed.emit()
    assert "written to" in bar.state.text()
    controller.set(split="test")  # not counted yet
    assert bar.state.text() == ""


def test_values_that_do_not_suit_the_model_are_said_beside_the_buttons(export: ExportPage, tmp_path: Path) -> None:
    bar, exported = export.bar, ExportChoice(out=tmp_path)
    export.controller.exported.emit(exported, {"total": 2, "warnings": ["Values go beyond it."]})
    assert (bar.caution.isHidden(), bar.caution.words) == (False, "Values go beyond it.")
    export.controller.set(model=MODEL, images=IMAGES, out=tmp_path, first=3)
    assert bar.caution.isHidden()
    export.controller.exported.emit(exported, {"total": 2, "warnings": []})
    assert bar.caution.isHidden()


def test_the_images_of_a_preview_are_those_of_the_export(tmp_path: Path) -> None:
    records = open_images(IMAGES).records
    place, listed = first_images(IMAGES, "all")
    assert place == (IMAGES, "all", None, None, "auto")
    assert listed.count == len(records) == 42
    assert [image.name for image in listed.images] == [record.name for record in records]
    with pytest.raises(DataSetError, match="no split 'test'"):
        first_images(IMAGES, "test")
    opened = DataSet(root=tmp_path, format="images", classes=(), records=records[:2])  # not read again while open
    assert first_images(tmp_path, "all", opened)[1].count == 2
    chosen = ImageSelection("Mistakes", IMAGES, (records[7].name, records[3].name))
    place, listed = first_images(IMAGES, "all", None, chosen)
    assert place == (IMAGES, "all", chosen, None, "auto")
    assert [image.name for image in listed.images] == list(chosen.files)


def test_a_preview_reads_a_folder_once_and_anew_when_asked(
    qtbot: QtBot, themed: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Engine(QObject):
        file_made, failed, state_changed = Signal(object, int), Signal(str, object), Signal(str)
        state = "ready"

        def __init__(self, parent: QObject, **_: object) -> None:
            super().__init__(parent)
            self.requests: list[FileRequest] = []
            self.opened = 0

        def open_model(self, *_: object) -> None:
            self.opened += 1

        def request_file(self, request: FileRequest) -> int:
            self.requests.append(request)
            return len(self.requests)

        def close(self) -> None:
            pass

    monkeypatch.setattr(preview_making, "InspectionClient", Engine)
    read: list[tuple[Path, str]] = []
    open_really = preview_making.open_images
    monkeypatch.setattr(preview_making, "open_images", lambda *what: read.append(what) or open_really(*what))
    maker = PreviewMaker()
    choice = ExportChoice(model=MODEL, images=IMAGES)

    def asked(count: int) -> list[FileRequest]:
        qtbot.waitUntil(lambda: maker._client is not None and len(maker._client.requests) == count, timeout=PATIENCE)  # type: ignore[attr-defined]
        return maker._client.requests  # type: ignore[union-attr, no-any-return]

    maker.show(choice)
    assert len(asked(1)[0].images) == 42
    maker.show(replace(choice, opacity=0.5))
    assert asked(2)[1].options["opacity"] == 0.5
    assert read == [(IMAGES, "auto")]
    maker.again()
    asked(3)
    assert read == [(IMAGES, "auto")] * 2
    assert maker._client.opened == 2, "its file may be another one by now"  # type: ignore[union-attr]
    opened = open_really(IMAGES)
    maker.show(replace(choice, opacity=0.4), opened)
    asked(4)
    assert read == [(IMAGES, "auto")] * 2
    maker.show(replace(choice, split="test"), opened)
    qtbot.waitUntil(lambda: "no split" in maker.problem, timeout=PATIENCE)
    maker.show(replace(choice, format="images"), open_really(IMAGES, "images"))
    assert {image.truth for image in asked(5)[4].images} == {None}
    maker.again()
    assert asked(6)[5].images == asked(6)[4].images
    assert read[2:] == [(IMAGES, "images")], "as the export reads them"
    maker.shut_down()


def test_a_running_preview_engine_unloads_the_model_as_the_settings_say(export: ExportPage, settings: Settings) -> None:
    told: list[float] = []
    maker = export.controller.preview
    maker._client = SimpleNamespace(set_idle_seconds=told.append, close=lambda: None)  # type: ignore[assignment]
    settings.set("idle_minutes", 2)
    assert told == [120]


def test_a_real_preview_is_the_first_file(qtbot: QtBot, export: ExportPage, tmp_path: Path) -> None:
    export.show()
    export.controller.set(model=MODEL, images=IMAGES, dpi=72, out=tmp_path / "out", panels=("peaks", "map_d"), first=2)
    export.controller.set(picture="png", singles=False, arrays=True)  # before the first one has started
    maker = export.controller.preview
    qtbot.waitUntil(lambda: not maker.busy, timeout=PATIENCE)
    assert maker.problem == ""
    file = maker.file
    assert file is not None
    assert [path.suffix for path in file.files.values()] == [".png", ".npz"]
    qtbot.waitUntil(export.is_ready, timeout=5000)
    assert "px" in export.preview.facts.text()
    assert export.bar.state.text() == "2 images, 5 files"
    engine = maker._client.pid  # type: ignore[union-attr]
    export.preview.files.setCurrentIndex(1)
    export.preview.files.activated.emit(1)
    qtbot.waitUntil(lambda: export.is_ready() and maker.file is not file, timeout=PATIENCE)
    assert "NumPy" in export.preview.words.text()
    numbers = maker.file
    assert numbers is not None
    export.controller.set(opacity=0.2)  # the choice of arrays is kept
    qtbot.waitUntil(lambda: export.is_ready() and maker.file is not numbers, timeout=PATIENCE)
    maker.choose(".png")
    qtbot.waitUntil(lambda: maker.file is not None and maker.file.ending == ".png", timeout=PATIENCE)
    assert maker.file is not None
    assert maker.file.content != file.content
    export.controller.set(opacity=0.65, picture="svg")
    qtbot.waitUntil(lambda: maker.file is not None and maker.file.content == file.content, timeout=PATIENCE)
    qtbot.waitUntil(export.is_ready, timeout=5000)
    assert "SVG" in export.preview.facts.text()
    assert maker._client.pid == engine, "one process for all of them"  # type: ignore[union-attr]
    export.controller.set(picture="png", singles=False)
    export.controller.start()
    assert export.controller.job is not None
    with qtbot.waitSignal(export.controller.exported, timeout=PATIENCE):
        pass
    assert (tmp_path / "out" / file.name).read_bytes() == file.content
    assert "2 images written" in export.bar.state.text()
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2


def test_an_export_can_be_stopped(qtbot: QtBot, export: ExportPage, tmp_path: Path) -> None:
    export.controller.set(model=MODEL, images=IMAGES, out=tmp_path / "out")
    export.controller.start()
    job = export.controller.job
    assert job is not None
    qtbot.waitUntil(lambda: (job.fraction or 0) > 0, timeout=PATIENCE)
    export.controller.cancel()
    qtbot.waitUntil(lambda: export.controller.job is None, timeout=20_000)
    assert job.status == "cancelled"
    assert (tmp_path / "out" / "index.csv").is_file()
    assert export.bar.export.text() == "Continue"
    assert export.bar.more.isVisibleTo(export)
    export.controller.set(dpi=36, panels=("peaks",))  # another export
    assert export.bar.export.text() == "Export"
    assert not export.bar.more.isVisibleTo(export)


def test_the_keyboard_stays_at_the_button(qtbot: QtBot, themed: QApplication) -> None:
    bar = ExportRunBar()
    qtbot.addWidget(bar)
    bar.show_job(None, possible=True, stopped=False)
    bar.show()
    bar.activateWindow()
    bar.export.setFocus()
    qtbot.waitUntil(bar.export.hasFocus)
    job = Job("Exporting")
    bar.show_job(job, possible=True, stopped=False)
    assert bar.stop.hasFocus()
    bar.show_job(None, possible=True, stopped=False)
    assert bar.export.hasFocus()


def test_the_progress_goes_with_its_job(qtbot: QtBot, themed: QApplication) -> None:
    bar, job, possible = ExportRunBar(), Job("Exporting"), {"possible": True, "stopped": False}
    qtbot.addWidget(bar)
    bar.show_amount(24, 73)
    for status, words in (("running", "Opening the model …"), ("stopping", "Stopping after this image …")):
        job._report(status=status)  # type: ignore[arg-type]
        bar.show_job(job, **possible)
        assert bar.state.text() == words
        bar.show_job(None, **possible)  # it failed, or another choice is shown than that which was stopped
        assert bar.state.text() == "24 images, 73 files"


def test_a_preview_that_fails_says_why(qtbot: QtBot, export: ExportPage, tmp_path: Path) -> None:
    export.show()
    export.controller.set(model=MODEL, images=tmp_path)
    qtbot.waitUntil(lambda: bool(export.controller.preview.problem), timeout=PATIENCE)
    assert str(tmp_path) in export.preview.words.text()


def test_a_report_can_be_opened_when_it_is_there(
    export: ExportPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("s3n_gui.export.run_bar.QDesktopServices.openUrl", lambda url: opened.append(url.toLocalFile()))
    export.controller.set(model=MODEL, images=IMAGES, out=tmp_path)
    export.form.report.click()
    assert "--report" in export.bar.command.text()
    exported = export.controller.choice
    export.bar.show_written(exported, {"total": 2, "left_out": 0})
    assert not export.bar.report.isVisibleTo(export), "nothing was written"
    (tmp_path / "report.html").write_text("<!doctype html>")
    export.bar.show_written(exported, {"total": 2, "left_out": 0})
    export.bar.report.click()
    assert opened == [str(tmp_path / "report.html")]
    export.form.report.click()
    assert not export.bar.report.isVisibleTo(export), "another choice"
    export.bar.show_written(exported, {"total": 2, "left_out": 0})
    assert export.bar.report.isVisibleTo(export), "that of the export, which began before the choice was changed"
    export.bar.show_written(export.controller.choice, {"total": 2, "left_out": 0})
    assert not export.bar.report.isVisibleTo(export), "the report is of an earlier export"


def test_the_result_stays_when_the_page_is_left(qtbot: QtBot, export: ExportPage, tmp_path: Path) -> None:
    controller, bar = export.controller, export.bar
    export.controller.preview.show = lambda *_: None  # type: ignore[method-assign]
    controller.set(model=MODEL, images=IMAGES, out=tmp_path)
    export.show()
    qtbot.waitUntil(lambda: not controller.is_finding_splits, timeout=PATIENCE)
    export.hide()
    bar.show_written(controller.choice, {"total": 24, "left_out": 3, "warnings": ["Values do not suit."]})
    export.show()
    qtbot.waitUntil(lambda: not controller.is_finding_splits, timeout=PATIENCE)
    assert "21 images written" in bar.state.text()
    assert bar.reveal.isVisible()
    assert bar.caution.isVisible()
    controller.set(dpi=72)
    assert "written" not in bar.state.text()
    assert not bar.reveal.isVisible()


def test_what_is_typed_counts_even_if_the_field_was_not_left(
    export: ExportPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[ExportChoice] = []
    monkeypatch.setattr(export.controller, "start", lambda restart: started.append(export.controller.choice))
    export.controller.set(model=MODEL, images=IMAGES, panels=("contributions",))
    export.form.limited.click()
    first, start = export.form.first, export.commands()["export-start"]
    for typed in ("7", "1,000"):
        first.selectAll()
        QTest.keyClicks(first, typed)
        start()
    assert [choice.first for choice in started] == [7]
    start()  # the refused text has given way to the value
    assert [choice.first for choice in started] == [7, 7]
    QTest.keyClicks(export.form.rival, "Finch")
    start()
    assert started[-1].versus == "Finch"
    assert "--versus Finch" in export.bar.command.text()


def test_another_checkpoint_of_the_same_run_is_previewed_anew(
    qtbot: QtBot, export: ExportPage, session: Session
) -> None:
    session.model = MODEL
    export.controller.set(images=IMAGES)
    maker = export.controller.preview
    maker._opened = preview_making._model_of(export.controller.choice)
    ModelChoices(session).use(MODEL)  # while another page is shown
    assert maker._opened is None
