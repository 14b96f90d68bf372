"""Requests of other pages to predict the data set, or what is measured by itself."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.controller import PredictionController
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
