"""Chosen images travel from page to page: exactly these, with a name, until they are dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from inspect_page import client
from made_inspection import FakeClient
from made_up_atlas import write_atlas
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.name_list import read_names, records_named, write_names
from s3n_core.datasets.records import DataSet
from s3n_core.errors import DataSetError
from s3n_core.prediction.rows import Prediction, PredictionHeader
from s3n_core.prediction.tables import write_table
from s3n_core.system.resources import resource
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.panel import DataPage
from s3n_gui.dataset.panel import page as data_page
from s3n_gui.export.panel import ExportPage
from s3n_gui.inspector.images.image_list import VERDICT_ROLE
from s3n_gui.inspector.images.verdicts import Verdict
from s3n_gui.inspector.panel import InspectPage
from s3n_gui.prediction.panel import PredictPage
from s3n_gui.prediction.table.table_model import section_of
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.opening import Opener
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

from s3n_core.datasets.detection import open_data_set  # isort: skip

MODEL, BIRDS = resource("demo/model.safetensors"), resource("demo/images")
SEVERAL = 16
"""A class of which the demo has several images."""


@pytest.fixture
def birds() -> DataSet:
    return open_data_set(BIRDS)


@pytest.fixture
def predict(
    qtbot: QtBot, themed: QApplication, session: Session, settings: Settings, jobs: JobList, birds: DataSet
) -> PredictPage:
    """The Predict page with a finished table of the birds: every second image is taken for the next class."""
    request = PredictionRequest(model=MODEL, images=birds.root)
    names = birds.classes
    header = PredictionHeader(
        model="0" * 16, mode="expected", precision="float32", classes=names, images="f" * 32, count=len(birds.records)
    )
    rows = []
    for number, record in enumerate(birds.records):
        label = names[record.label or 0]
        said = names[((record.label or 0) + number % 2) % len(names)]
        rows.append(
            Prediction(
                file=record.name, class_name=said, label=label, correct=said == label, probability=0.9,
                top=((said, 0.9),), branches=(("O", said),), branch_probabilities=(0.9,), agreement=1.0, margin=0.5,
                entropy=0.1, mode="expected", precision="float32", model="0" * 16,
            )
        )  # fmt: skip
    request.table.parent.mkdir(parents=True)
    write_table(request.table, header, rows)
    session.model, session.data_set = MODEL, birds
    made = PredictPage(session, settings, jobs)
    qtbot.addWidget(made)
    made.resize(1180, 600)
    made.show()
    qtbot.waitUntil(lambda: made.controller.stage == "finished" and made.is_ready(), timeout=5000)
    yield made
    made.shut_down()


def test_a_confusion_cell_opens_exactly_its_images(predict: PredictPage, session: Session, birds: DataSet) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    predict.accuracy_panel.pair_opened.emit(SEVERAL, SEVERAL + 1)
    chosen = session.selection
    assert chosen is not None
    expected = [r.name for n, r in enumerate(birds.records) if r.label == SEVERAL and n % 2]
    assert list(chosen.files) == expected
    assert chosen.name == predict.filter.pair_words
    assert session.image == birds.root / expected[0]
    assert asked[-1] == "inspect"


def test_a_class_row_opens_exactly_its_images(predict: PredictPage, session: Session, birds: DataSet) -> None:
    predict.accuracy_panel.class_opened.emit(SEVERAL)
    assert session.selection is not None
    assert list(session.selection.files) == [record.name for record in birds.records if record.label == SEVERAL]
    opener = Opener(session, RecentList())
    opener.open_image(birds.root / session.selection.files[1])
    assert session.selection is not None
    opener.open_image(birds.records[0].path)  # another image, opened by itself
    assert session.selection is None


def test_a_row_without_a_filter_opens_all(predict: PredictPage, session: Session) -> None:
    predict.open_row(3)
    assert session.selection is None
    assert session.image is not None


def test_selected_rows_go_to_the_export(
    predict: PredictPage, session: Session, settings: Settings, jobs: JobList, qtbot: QtBot, birds: DataSet
) -> None:
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for place in (0, 2, 5):
        predict.table.selectionModel().select(predict.model.index(place, 1), flags)
    assert predict.filter.export.text() == "Export 3"
    qtbot.mouseClick(predict.filter.export, Qt.MouseButton.LeftButton)
    page = ExportPage(session, settings, jobs)
    qtbot.addWidget(page)
    names = tuple(birds.records[n].name for n in (0, 2, 5))
    choice = page.controller.choice
    assert choice.only is not None
    assert choice.only.files == names
    assert page.form.chosen.words.text() == "3 chosen images: Picked by hand"
    assert choice.amount(len(choice.only)) == (3, 3 * (1 + len(choice.panels)) + 1)
    arguments = choice.arguments()
    choice.write_list()
    assert read_names(Path(arguments[arguments.index("--only") + 1])) == names
    qtbot.mouseClick(page.form.chosen.remove, Qt.MouseButton.LeftButton)
    assert page.controller.choice.only is None
    assert "--only" not in page.controller.choice.arguments()
    page.shut_down()


def test_inspect_lists_the_chosen_images_until_they_are_dropped(
    session: Session, settings: Settings, qtbot: QtBot, themed: QApplication, birds: DataSet
) -> None:
    session.data_set, session.image = birds, birds.records[0].path
    page = InspectPage(session, settings, FakeClient)
    qtbot.addWidget(page)
    page.show()
    page.finish()
    page.browser.search.setText("nothing has this name")
    chosen = ImageSelection("A & B → <b>", birds.root, tuple(record.name for record in birds.records[4:7]))
    session.inspect_selection(chosen, birds.records[5].path)
    assert [page.images.record(row).name for row in range(page.images.rowCount())] == list(chosen.files)
    assert page.browser.count.text() == f"3 of {len(birds.records)}"
    assert page.browser.chip.words.text() == "A & B → <b>"
    assert page.browser.search.text() == ""
    page.commands()["inspect-next"]()
    page.commands()["inspect-next"]()
    assert session.image == birds.records[6].path
    qtbot.mouseClick(page.browser.chip.remove, Qt.MouseButton.LeftButton)
    assert session.selection is None
    assert page.images.rowCount() == len(birds.records)
    assert session.image == birds.records[6].path
    assert page.browser.chip.isHidden()
    page.shut_down()


def test_inspect_keeps_the_order_of_the_choice(
    session: Session, settings: Settings, qtbot: QtBot, themed: QApplication, birds: DataSet
) -> None:
    session.data_set = birds
    page = InspectPage(session, settings, FakeClient)
    qtbot.addWidget(page)
    page.show()
    page.finish()
    sorted_table = tuple(birds.records[at].name for at in (6, 2, 4))
    session.inspect_selection(ImageSelection("Mistakes", birds.root, sorted_table), birds.records[6].path)
    assert [page.images.record(row).name for row in range(page.images.rowCount())] == list(sorted_table)
    page.commands()["inspect-next"]()
    assert session.image == birds.records[2].path
    page.shut_down()


def test_images_of_another_folder_are_listed_too(
    session: Session, settings: Settings, qtbot: QtBot, themed: QApplication, birds: DataSet, tmp_path: Path
) -> None:
    session.data_set = birds
    page = InspectPage(session, settings, FakeClient)
    qtbot.addWidget(page)
    page.show()
    page.finish()
    session.inspect_selection(ImageSelection("Mistakes", tmp_path, ("a/1.png", "2.png")), tmp_path / "2.png")
    assert [page.images.record(row).path for row in range(2)] == [tmp_path / "a/1.png", tmp_path / "2.png"]
    assert page.images.rowCount() == 2
    assert page.browser.count.text() == "2 images"  # none of them is one of the data set's
    page.shut_down()


def test_images_of_another_folder_do_not_share_the_verdicts_of_their_namesakes(
    session: Session, settings: Settings, qtbot: QtBot, themed: QApplication, birds: DataSet, tmp_path: Path
) -> None:
    session.model, session.data_set = MODEL, birds
    page = InspectPage(session, settings, FakeClient)
    qtbot.addWidget(page)
    page.show()
    page.finish()
    first = birds.records[0]
    page.verdicts.take({first.path: (known := Verdict(birds.classes[0], 0.9, True, True))})
    session.inspect_selection(ImageSelection("Mistakes", tmp_path, (first.name,)), tmp_path / first.name)
    assert page.images.index(0).data(VERDICT_ROLE) is None
    client(page).answer()
    assert page.images.index(0).data(VERDICT_ROLE).correct is None
    session.selection = None
    assert page.images.index(0).data(VERDICT_ROLE) == known
    page.shut_down()


def test_the_row_of_the_inspected_image_is_shown(predict: PredictPage, session: Session, birds: DataSet) -> None:
    predict.accuracy_panel.pair_chosen.emit(SEVERAL, SEVERAL + 1)
    wanted = next(n for n, record in enumerate(birds.records) if record.label == 2)
    session.seek_row(birds.records[wanted].path)
    assert predict.table.current_row() == wanted
    assert predict.filter.pair_words == ""
    assert predict.model.filter.is_open


def test_data_takes_its_filter_along(
    session: Session, settings: Settings, jobs: JobList, qtbot: QtBot, themed: QApplication, birds: DataSet
) -> None:
    page = data_page(session, settings, jobs, Opener(session, RecentList()))
    assert isinstance(page, DataPage)
    qtbot.addWidget(page)
    session.data_set = birds
    qtbot.waitUntil(lambda: page.controller.survey is not None and page.is_ready(), timeout=5000)
    page.inspect()
    assert session.selection is None
    page.controller.set_filter(labels=frozenset({1}))
    page.inspect()
    assert session.selection is not None
    assert list(session.selection.files) == [record.name for record in birds.records if record.label == 1]
    assert session.image is not None
    assert session.selection.holds(session.image)
    session.data_set = None
    assert session.selection is None
    page.shut_down()


def test_a_list_of_names_is_exact(birds: DataSet, tmp_path: Path) -> None:
    names = [birds.records[5].name, birds.records[1].name, birds.records[5].name]
    write_names(tmp_path / "list.txt", [*names, " blank ends .png "])
    assert read_names(tmp_path / "list.txt") == (*names, " blank ends .png ")
    assert records_named(birds.records, names) == (birds.records[5], birds.records[1])
    assert records_named(birds.records, [str(birds.records[2].path)]) == (birds.records[2],)
    with pytest.raises(DataSetError, match=r"1 of 2 chosen images are not among these images, such as 'gone\.png'"):
        records_named(birds.records, [names[0], "gone.png"])
    with pytest.raises(DataSetError, match="line break"):
        write_names(tmp_path / "list.txt", ["a\nb.png"])


def test_why_asks_what_tells_the_classes_of_a_cell_apart(
    predict: PredictPage, session: Session, birds: DataSet, qtbot: QtBot
) -> None:
    asked: list[str] = []
    session.page_requested.connect(asked.append)
    predict.accuracy_panel.pair_chosen.emit(0, 0)
    assert not predict.filter.why.isVisible()  # nothing is confused there
    predict.accuracy_panel.pair_chosen.emit(SEVERAL, SEVERAL + 1)
    assert predict.filter.why.isVisible()
    predict.filter.why.click()
    assert asked == ["parts"]
    assert session.take_why() == (birds.classes[SEVERAL], birds.classes[SEVERAL + 1])
    assert session.take_why() is None
    predict.filter.pair.click()
    assert not predict.filter.why.isVisible()


def test_predictions_are_filtered_by_a_part_of_the_open_atlas(
    predict: PredictPage, session: Session, birds: DataSet, tmp_path: Path, qtbot: QtBot
) -> None:
    files = [record.name for record in birds.records]
    assert not predict.filter.part.isVisible()
    atlas = write_atlas(tmp_path / "atlas", birds.root, files[:4], classes=birds.classes, model=MODEL.absolute())
    atlas.rename(0, "bill")
    session.atlas = tmp_path / "atlas"
    qtbot.waitUntil(lambda: predict.filter.part.isVisible())
    predict.filter.part.setCurrentText("bill")
    predict.filter.part.activated.emit(1)
    assert predict.model.rowCount() == 4
    assert predict.filters.name == "bill"
    selection = predict.selection()
    assert selection is not None
    assert list(selection.files) == files[:4]
    peaks = predict.model.index(0, section_of("peaks")).data(Qt.ItemDataRole.AccessibleTextRole)
    assert peaks.endswith("bill, part 2")
    session.atlas = None
    qtbot.waitUntil(lambda: not predict.filter.part.isVisible())
    assert predict.model.rowCount() == len(files)
