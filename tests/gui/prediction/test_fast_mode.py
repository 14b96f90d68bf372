"""Fast mode: its effect is found in a table of the validation images, and its threshold takes one click."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.opening import named_records, open_images
from s3n_core.errors import DataSetError
from s3n_core.evaluation.chosen_images import ThresholdImages
from s3n_core.prediction.rows import Prediction, PredictionHeader, fingerprint
from s3n_core.prediction.tables import write_table
from s3n_core.runs.model_paths import file_digest
from s3n_core.system.resources import resource
from s3n_gui.background.command_job import CommandJob
from s3n_gui.background.jobs import JobList
from s3n_gui.prediction.fast_mode.dialog import FastModeDialog
from s3n_gui.prediction.fast_mode.measurement import FastModeMeasurement
from s3n_gui.state.prediction_request import PredictionRequest
from s3n_gui.state.settings import Settings

MODEL = resource("demo/model.safetensors")
IMAGES = 8
MISTAKES_OF_O = (6, 7)
"""O is wrong where it is least certain."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(IMAGES):
        for split in ("train", "val"):
            path = tmp_path / "finches" / split / "ab"[number % 2] / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
    return tmp_path / "finches"


@pytest.fixture
def measurement(
    qtbot: QtBot, themed: QApplication, settings: Settings, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FastModeMeasurement]:
    monkeypatch.setattr(CommandJob, "start", lambda job: None)
    made = FastModeMeasurement(settings, jobs)
    yield made
    made.shut_down()


@pytest.fixture
def dialog(qtbot: QtBot, measurement: FastModeMeasurement) -> FastModeDialog:
    made = FastModeDialog(measurement)
    qtbot.addWidget(made)
    made.show()
    return made


def write_validation_table(folder: Path, *, branches: str = "ODC") -> None:
    request = PredictionRequest(model=MODEL, images=folder, split="val")
    data_set = open_images(folder)
    records = named_records(data_set, "val", None)
    header = PredictionHeader(
        model=file_digest(MODEL),
        mode="expected",
        precision="float32",
        classes=("a", "b"),
        images=fingerprint(records, data_set.classes),
        count=len(records),
    )
    made = []
    for record in records:
        number = int(Path(record.name).stem)
        label = "ab"[number % 2]
        said = {"O": "ab"[(number + (number in MISTAKES_OF_O)) % 2]}
        made.append(
            Prediction(
                file=record.name,
                class_name=label,
                branches=tuple((letter, said.get(letter, label)) for letter in branches),
                branch_probabilities=(0.5,) * len(branches),
                entropy=0.1 * (number + 1),
                label=label,
                correct=True,
                mode="expected",
                precision="float32",
                model=header.model,
            )
        )
    request.table.parent.mkdir(parents=True, exist_ok=True)
    write_table(request.table, header, made)


def look(qtbot: QtBot, measurement: FastModeMeasurement, folder: Path, stage: str) -> None:
    measurement.look(MODEL, folder)
    qtbot.waitUntil(lambda: measurement.stage == stage, timeout=10_000)


def test_no_loss_takes_one_click(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path
) -> None:
    write_validation_table(folder)
    look(qtbot, measurement, folder, "measured")
    assert dialog.plot.isVisible()
    assert not dialog.measure.isVisible()
    assert "On 8 validation images of finches: all 3 branches" in dialog.effect.text()
    dialog.chosen.connect(dialog.show_stop_below)
    dialog.show_running(True)
    assert not dialog.best.isEnabled(), "another threshold would end the prediction"
    dialog.show_running(False)
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.best.click()
    assert chosen.args == [0.6]  # six of eight stop after one pass: 18 - 12 + 6 of 24
    assert "1.50 instead of 3.00 passes per image" in dialog.effect.text()
    assert dialog.threshold.value() == 0.6
    assert not dialog.best.isEnabled()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.off.click()
    assert chosen.args == [None]


def test_a_point_of_the_curve_is_a_threshold(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path
) -> None:
    write_validation_table(folder)
    look(qtbot, measurement, folder, "measured")
    assert measurement.outcomes is not None
    point = measurement.outcomes.at(0.3)
    dialog.layout().activate()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        qtbot.mouseClick(dialog.plot, Qt.MouseButton.LeftButton, pos=dialog.plot.place_of(point).toPoint())
    assert chosen.args == [0.3]


def test_what_is_not_measured_can_be(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path, jobs: JobList
) -> None:
    look(qtbot, measurement, folder, "unmeasured")
    assert not dialog.plot.isVisible()
    dialog.measure.click()
    assert measurement.stage == "measuring"
    (job,) = jobs.jobs()
    assert isinstance(job, CommandJob)
    assert not dialog.measure.isEnabled()
    write_validation_table(folder)
    job._end("done")  # as a job does, before it says that it succeeded
    job.succeeded.emit(None, job)
    qtbot.waitUntil(lambda: measurement.stage == "measured", timeout=10_000)


def test_the_images_of_the_run_are_read_in_their_format(
    qtbot: QtBot, measurement: FastModeMeasurement, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "s3n_gui.prediction.fast_mode.measurement.threshold_images",
        lambda *_: ThresholdImages(folder, "file-names", "validation"),
    )
    look(qtbot, measurement, folder, "unmeasured")
    assert measurement._request is not None
    assert "--format=file-names" in measurement._request.arguments()


def test_a_failed_measurement_is_said_and_can_be_repeated(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path, jobs: JobList
) -> None:
    look(qtbot, measurement, folder, "unmeasured")
    dialog.measure.click()
    (job,) = jobs.jobs()
    assert isinstance(job, CommandJob)
    job._end("failed", "The folder is gone.")
    job.failed.emit(DataSetError("The folder is gone."), job)
    assert "The folder is gone" in dialog.advice.text()
    assert dialog.measure.isEnabled()


def test_a_cancelled_measurement_can_be_repeated(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path, jobs: JobList
) -> None:
    look(qtbot, measurement, folder, "unmeasured")
    dialog.measure.click()
    (job,) = jobs.jobs()
    job._end("cancelled", "Stopped.")
    assert measurement.stage == "unmeasured"
    assert dialog.measure.isEnabled()


def test_a_network_of_one_branch_has_no_fast_mode(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, folder: Path
) -> None:
    write_validation_table(folder, branches="O")
    look(qtbot, measurement, folder, "impossible")
    assert "no branch can be skipped" in dialog.advice.text()
    assert not dialog.measure.isVisible()


def test_without_validation_images_the_number_remains(
    qtbot: QtBot, measurement: FastModeMeasurement, dialog: FastModeDialog, tmp_path: Path
) -> None:
    look(qtbot, measurement, tmp_path / "nowhere", "impossible")
    assert "validation images" in dialog.advice.text()
    with qtbot.waitSignal(dialog.chosen) as chosen:
        dialog.threshold.setValue(0.25)
    assert chosen.args == [0.25]
