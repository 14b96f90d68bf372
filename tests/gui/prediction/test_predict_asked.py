"""Requests of other pages to predict the whole data set."""

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
