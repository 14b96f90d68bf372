"""The table that other pages read is of the open data set; it is checked again when that was read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_rows import header, rows
from PIL import Image
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet
from s3n_core.prediction.rows import fingerprint
from s3n_core.prediction.tables import write_table
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.controller import PredictionController
from s3n_gui.state.kept_results import follow_run
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

CHECKPOINT = Path("checkpoints") / "step-10.safetensors"


def folder(root: Path) -> Path:
    """Draw four images; their names are the same in every folder."""
    root.mkdir()
    for number in range(4):
        Image.new("RGB", (8, 6), (20 * number, 0, 0)).save(root / f"{number}.png")
    return root


def predicted(model: Path, data_set: DataSet) -> Path:
    """Write a finished table of all images of a data set; return it."""
    table = PredictionRequest(model=model, images=data_set.root).table
    table.parent.mkdir(parents=True, exist_ok=True)
    images = fingerprint(data_set.records, data_set.classes)
    write_table(table, replace(header(4), images=images, classes=data_set.classes), rows(4, labelled=False))
    return table


@pytest.fixture
def model(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("s3n_gui.prediction.table_check.file_digest", lambda path: header(0).model)
    session.model = tmp_path / "model.safetensors"
    session.model.write_bytes(b"a model")
    return session.model


@pytest.fixture
def controller(model: Path, session: Session, settings: Settings, jobs: JobList) -> Iterator[PredictionController]:
    made = PredictionController(session, settings, jobs)
    made.activate()
    yield made
    made.shut_down()


def test_another_data_set_or_model_leaves_no_table(
    qtbot: QtBot, controller: PredictionController, session: Session, model: Path, tmp_path: Path
) -> None:
    first, second = (open_data_set(folder(tmp_path / name), "images") for name in ("a", "b"))
    table = predicted(model, first)
    session.data_set = first
    qtbot.waitUntil(lambda: session.predictions == table)
    session.data_set = second
    assert session.predictions is None
    session.data_set = first
    qtbot.waitUntil(lambda: session.predictions == table)
    session.model = tmp_path / "other.safetensors"
    assert session.predictions is None


def test_a_folder_that_is_not_open_gives_other_pages_no_table(
    qtbot: QtBot, controller: PredictionController, session: Session, model: Path, tmp_path: Path
) -> None:
    opened, other = (open_data_set(folder(tmp_path / name), "images") for name in ("a", "b"))
    table = predicted(model, opened)
    predicted(model, other)
    session.data_set = opened
    qtbot.waitUntil(lambda: session.predictions == table)
    controller.set_images(other.root)
    assert session.predictions is None
    with qtbot.waitSignal(controller.checked):
        pass
    assert (controller.stage, controller.stale) == ("finished", "")
    assert session.predictions is None, "its images only have the same names"
    controller.set_images(opened.root)
    qtbot.waitUntil(lambda: session.predictions == table)


def test_a_folder_that_is_predicted_gives_its_table_as_soon_as_it_is_opened(
    qtbot: QtBot, controller: PredictionController, session: Session, model: Path, tmp_path: Path
) -> None:
    data_set = open_data_set(folder(tmp_path / "a"), "images")
    table = predicted(model, data_set)
    with qtbot.waitSignal(controller.checked):
        controller.set_images(data_set.root)
    assert session.predictions is None
    session.data_set = data_set
    qtbot.waitUntil(lambda: session.predictions == table)


def test_a_data_set_that_was_read_again_is_compared_with_its_table(
    qtbot: QtBot, controller: PredictionController, session: Session, model: Path, tmp_path: Path
) -> None:
    session.data_set = open_data_set(folder(tmp_path / "a"), "images")
    table = predicted(model, session.data_set)
    controller.set_split("all")
    qtbot.waitUntil(lambda: session.predictions == table)
    qtbot.waitUntil(lambda: controller.splits.counts == (4,))
    (tmp_path / "a" / "3.png").unlink()
    session.data_set = open_data_set(tmp_path / "a", "images")
    qtbot.waitUntil(lambda: controller.stale == "There are now 3 images, but these predictions cover 4.")
    assert controller.splits.counts == (3,)
    assert controller.stage == "finished"


def test_a_table_that_is_written_anew_is_read_anew(
    qtbot: QtBot,
    controller: PredictionController,
    session: Session,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = open_data_set(folder(tmp_path / "a"), "images")
    table = predicted(model, opened)
    session.data_set = opened
    qtbot.waitUntil(lambda: session.predictions == table)
    monkeypatch.setattr("s3n_gui.prediction.controller.CommandJob.start", lambda _: None)
    controller.start(restart=True)
    assert session.predictions is None, "other pages would keep the old one, which has the same name"


def test_a_chosen_folder_stays_when_the_same_data_set_is_taken_again(
    controller: PredictionController, session: Session, tmp_path: Path
) -> None:
    first, second = (open_data_set(folder(tmp_path / name), "images") for name in ("a", "b"))
    session.data_set = first
    own = folder(tmp_path / "own")
    controller.set_images(own)
    session.data_set = replace(first, records=first.records)  # as after a change of its splits
    assert controller.images == own
    session.data_set = second
    assert controller.images == second.root


def test_a_table_keeps_its_place_when_another_precision_is_set(
    qtbot: QtBot, controller: PredictionController, session: Session, settings: Settings, model: Path, tmp_path: Path
) -> None:
    opened = open_data_set(folder(tmp_path / "a"), "images")
    table = predicted(model, opened)
    session.data_set = opened
    qtbot.waitUntil(lambda: session.predictions == table)
    settings.set("precision", "float32")
    with qtbot.waitSignal(controller.checked):
        session.data_set = replace(opened, records=opened.records)
    assert session.predictions == table


@pytest.fixture
def run(session: Session, model: Path, tmp_path: Path) -> Path:
    """The folder of a run whose checkpoint is the current model."""
    folder = tmp_path / "birds-1"
    (folder / CHECKPOINT).parent.mkdir(parents=True)
    (folder / CHECKPOINT).write_bytes(b"a model")
    session.model = folder / CHECKPOINT
    return folder


def rename(session: Session, run: Path, name: str) -> Path:
    after = run.rename(run.with_name(name))
    follow_run(run, after)
    session.follow_rename(run, after)
    return after


def test_the_table_and_fast_mode_stay_when_the_run_is_renamed(
    qtbot: QtBot, controller: PredictionController, session: Session, run: Path, tmp_path: Path
) -> None:
    said = list[str]()
    session.notice_reported.connect(said.append)
    session.data_set = open_data_set(folder(tmp_path / "a"), "images")
    table = predicted(run / CHECKPOINT, session.data_set)
    qtbot.waitUntil(lambda: session.predictions == table)
    shown = controller.predictions
    after = rename(session, run, "birds-2")
    assert controller.model == session.model == after / CHECKPOINT
    assert (controller.predictions, controller.stage) == (shown, "finished")
    assert session.predictions is not None
    assert session.predictions.exists()
    assert not table.exists()
    rename(session, after, "birds-1")  # undone
    assert session.predictions == table
    assert table.exists()
    controller.set_stop_below(0.5)
    rename(session, run, "birds-2")
    assert controller.stop_below == 0.5
    assert not said


def test_a_prediction_goes_on_when_the_run_is_renamed(
    qtbot: QtBot,
    controller: PredictionController,
    session: Session,
    run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    session.data_set = open_data_set(folder(tmp_path / "a"), "images")
    controller.set_split("all")
    qtbot.waitUntil(lambda: controller.stage == "ready")
    monkeypatch.setattr("s3n_gui.prediction.controller.CommandJob.start", lambda _: None)
    controller.start()
    job = controller.job
    assert job is not None
    after = rename(session, run, "birds-2")
    assert (controller.job, controller.stage) == (job, "running")
    table = predicted(run / CHECKPOINT, session.data_set)  # the job knows the earlier name only
    job.ended.emit("done", job)
    now = PredictionRequest(model=after / CHECKPOINT, images=session.data_set.root).table
    qtbot.waitUntil(lambda: session.predictions == now)
    assert not table.exists()
    assert controller.stage == "finished"
