"""Which images the page predicts by itself: those of ``s3n evaluate``; and that another choice is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.datasets.splits import write_split
from s3n_core.evaluation.chosen_images import evaluation_images
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.run_directory import RunDirectory
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.controller import PredictionController
from s3n_gui.prediction.panel import PredictPage, page
from s3n_gui.prediction.table_check import check_table, difference
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings
from s3n_gui.state.split_choice import SplitChoice, split_choice


def folder(root: Path, *splits: str) -> Path:
    """Draw two classes of two images, in these splits or (\"\") without one."""
    for split in splits:
        for name in ("ant/1", "ant/2", "bee/3", "bee/4"):
            file = root / split / f"{name}.png"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 6), (10 * len(split), 20 * int(name[-1]), 0)).save(file)
    return root


def run_with(root: Path, data_set: DataSet, validation: Sequence[ImageRecord]) -> Path:
    """Make a run's folder that has trained on a data set; return its model."""
    model = root / "runs" / "first" / "checkpoints" / "step-1.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"a model")
    run = RunDirectory(model.parent.parent)
    (run.path / "run.json").write_text("{}")
    train = [record for record in data_set.records if record not in validation]
    write_split(run.split_csv, train=train, validation=validation, test=(), classes=data_set.classes)
    return model


def test_the_same_images_as_evaluate(tmp_path: Path) -> None:
    flat = open_data_set(folder(tmp_path / "flat", ""))
    model = run_with(tmp_path, flat, flat.records[1:3])
    assert split_choice(flat.root, flat, None) == SplitChoice("all", ("all",), (4,))
    assert split_choice(flat.root, flat, model) == SplitChoice("validation", ("all", "validation"), (4, 2))
    assert split_choice(flat.root, None, model).usual == evaluation_images(flat, model)[0] == "validation"
    tested = open_data_set(folder(tmp_path / "tested", "train", "val", "test"))
    assert split_choice(tested.root, tested, model) == SplitChoice(
        "test", ("all", "train", "val", "test"), (12, 4, 4, 4)
    )
    untested = open_data_set(folder(tmp_path / "untested", "train", "val"))
    assert split_choice(untested.root, untested, model).usual == "val"
    images = open_data_set(tmp_path / "flat" / "ant", "images")
    assert split_choice(images.root, images, model) == SplitChoice("all", ("all",), (2,)), "images without labels: all"


def test_validation_images_under_two_names_are_offered_once(tmp_path: Path) -> None:
    data_set = open_data_set(folder(tmp_path / "birds", "train", "val"))
    model = run_with(tmp_path, data_set, data_set.of_split("val"))
    assert split_choice(data_set.root, data_set, model).available == ("all", "train", "validation")


def test_a_table_of_the_validation_images_of_a_run_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data_set = open_data_set(folder(tmp_path / "birds", ""))
    model = run_with(tmp_path, data_set, data_set.records[1:3])
    monkeypatch.setattr("s3n_gui.prediction.table_check.file_digest", lambda path: "0" * 16)
    request = request_of(model, data_set.root, "validation")
    header = PredictionHeader(
        model="0" * 16, mode="expected", precision="float32", classes=data_set.classes, count=2,
        images=fingerprint(data_set.records[1:3], data_set.classes),
    )  # fmt: skip
    assert difference(request, header) == ""
    assert "--split validation" in " ".join(request.arguments())
    whole = request_of(model, data_set.root, "all")
    every = PredictionHeader(
        model="0" * 16, mode="expected", precision="float32", classes=data_set.classes, count=4,
        images=fingerprint(data_set.records, data_set.classes),
    )  # fmt: skip
    assert check_table(whole, every).split == "validation", "offered above the figures of all images"


def request_of(model: Path, images: Path, split: str) -> PredictionRequest:
    return PredictionRequest(model=model, images=images, split=split)


@pytest.fixture
def predict(qtbot: QtBot, themed: object, session: Session, settings: Settings, jobs: JobList) -> Iterator[PredictPage]:
    made = page(session, settings, jobs)
    assert isinstance(made, PredictPage)
    qtbot.addWidget(made)
    made.resize(1180, 600)
    made.show()
    yield made
    made.shut_down()


def test_the_choice_is_visible_and_kept_for_the_data_set(
    qtbot: QtBot, predict: PredictPage, session: Session, settings: Settings, jobs: JobList, tmp_path: Path
) -> None:
    tested = open_data_set(folder(tmp_path / "tested", "train", "test"))
    flat = open_data_set(folder(tmp_path / "flat", ""))
    session.model = run_with(tmp_path, flat, flat.records[:1])
    controller, box = predict.controller, predict.source.split

    def shown(split: str) -> None:
        qtbot.waitUntil(lambda: controller.stage == "ready" and controller.split == split)
        assert controller.request is not None
        assert controller.request.split == split
        assert box.currentData() == split
        assert box.isVisibleTo(predict)

    session.data_set = tested
    shown("test")
    assert box.currentText() == "Test · 4"
    assert predict.empty.title.text() == "Predict the test images of tested"
    session.data_set = flat
    shown("validation")
    assert box.currentText() == "Run's validation · 1"
    box.setCurrentIndex(box.findData("all"))
    box.activated.emit(box.currentIndex())
    shown("all")
    session.data_set = tested
    shown("test")
    session.data_set = flat
    shown("all")
    again = PredictPage(session, settings, jobs)
    qtbot.addWidget(again)
    again.restore_state(predict.save_state())
    again.controller.activate()
    qtbot.waitUntil(lambda: again.controller.stage == "ready")
    assert again.controller.split == "all", "it is kept between starts"
    again.shut_down()
    late = PredictPage(session, settings, jobs)
    qtbot.addWidget(late)
    late.controller.activate()
    qtbot.waitUntil(lambda: late.controller.stage == "ready")
    assert late.controller.split == "validation", "of a data set that was open before the page was made"
    late.shut_down()


def test_nothing_is_predicted_before_the_split_is_known(session: Session, settings: Settings, jobs: JobList) -> None:
    session.model = Path("model.safetensors")
    controller = PredictionController(session, settings, jobs)
    controller.set_images(Path("birds"))
    controller.start()
    assert (controller.request, controller.job) == (None, None)
    controller.set_split("all")
    assert controller.request is not None
    controller.shut_down()


def test_an_unknown_split_in_the_saved_state_is_ignored(predict: PredictPage) -> None:
    predict.restore_state({"splits": {"birds": "everything", "wasps": "test"}})
    assert predict.controller.remembered == {"wasps": "test"}
