"""Requests of other pages to predict the data set, or what is measured by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from s3n_core.datasets.opening import open_images
from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_core.prediction.rows import PredictionHeader, fingerprint
from s3n_core.runs.model_paths import file_digest
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.controller import PredictionController
from s3n_gui.prediction.table_check import difference
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


def test_the_whole_data_set_is_predicted_once(
    qtbot: QtBot, session: Session, settings: Settings, jobs: JobList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.model = tmp_path / "model.safetensors"
    records = tuple(ImageRecord(path=tmp_path / name, name=name) for name in ("a.jpg", "b.jpg"))
    session.data_set = DataSet(root=tmp_path, format="flat", classes=(), records=records)
    controller = PredictionController(session, settings, jobs)
    controller.set_split("test")
    started: list[str] = []
    monkeypatch.setattr(controller, "start", lambda: started.append(controller.split))
    session.ask_for_predictions()
    assert started == ["all"]
    controller.stage = "finished"
    session.ask_for_predictions()
    assert started == ["all"]
    controller.shut_down()


def test_images_that_are_measured_by_themselves_are_predicted_as_soon_as_they_are_known(
    qtbot: QtBot, session: Session, settings: Settings, jobs: JobList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.model = tmp_path / "model.safetensors"
    records = tuple(
        ImageRecord(path=tmp_path / name, name=name, label=0, split="test" if name == "b.jpg" else "train")
        for name in ("a.jpg", "b.jpg")
    )
    session.data_set = DataSet(root=tmp_path, format="class-folders", classes=("a",), records=records)
    controller = PredictionController(session, settings, jobs)
    started: list[str] = []
    monkeypatch.setattr(controller, "start", lambda: started.append(controller.split))
    session.ask_for_predictions("")
    assert started == [], "which images these are is found out first"
    qtbot.waitUntil(lambda: bool(started))
    assert started == ["test"]
    controller.stage, controller.stale = "finished", "The images have changed since."
    session.ask_for_predictions("")
    assert started == ["test", "test"], "a table that does not fit any more is made anew"
    controller.stale = ""
    session.ask_for_predictions("")
    assert started == ["test", "test"]
    controller.shut_down()


def test_the_open_data_set_is_predicted_whatever_folder_was_chosen_here(
    qtbot: QtBot, session: Session, settings: Settings, jobs: JobList, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.model = tmp_path / "model.safetensors"
    session.data_set = DataSet(root=tmp_path / "birds", format="flat", classes=(), records=())
    controller = PredictionController(session, settings, jobs)
    controller.set_images(tmp_path / "other")
    started: list[Path | None] = []
    monkeypatch.setattr(controller, "start", lambda: started.append(controller.images))
    session.ask_for_predictions()
    assert started == [tmp_path / "birds"]
    controller.shut_down()


def test_images_are_predicted_in_the_format_that_was_chosen_for_them(
    qtbot: QtBot, session: Session, settings: Settings, jobs: JobList, tmp_path: Path
) -> None:
    model, folder = tmp_path / "model.safetensors", tmp_path / "dogs"
    model.write_bytes(b"a model")
    folder.mkdir()
    for name in ("beagle_1.png", "beagle_2.png", "pug_1.png"):
        Image.new("RGB", (8, 8)).save(folder / name)
    session.model = model
    session.data_set = chosen = open_images(folder, "file-names")
    controller = PredictionController(session, settings, jobs)
    controller.set_split("all")
    request = controller.request
    assert request is not None
    assert "--format=file-names" in request.arguments()
    header = PredictionHeader(
        model=file_digest(model),
        mode="expected",
        precision="float32",
        classes=chosen.classes,
        images=fingerprint(chosen.records, chosen.classes),
        count=len(chosen.records),
    )
    assert difference(request, header) == ""
    session.data_set = open_images(folder)
    request = controller.request
    assert request is not None
    assert difference(request, header) == "Some images or labels have changed since these predictions."
    controller.set_images(tmp_path / "other", "all")
    request = controller.request
    assert request is not None
    assert request.format == "auto", "it was chosen for the open data set"
    controller.shut_down()
