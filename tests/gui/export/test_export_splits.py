"""Which images the Export page offers: those that are measured by themselves, among them the validation images of a run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.opening import open_images
from s3n_core.datasets.splits import write_split
from s3n_core.runs.run_directory import RunDirectory
from s3n_core.system.resources import resource
from s3n_gui.background.jobs import JobList
from s3n_gui.export.controller import ExportController
from s3n_gui.export.preview_making import first_images
from s3n_gui.state.image_selection import ImageSelection
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings

MODEL, IMAGES = resource("demo/model.safetensors"), resource("demo/images")
RECORDS = open_images(IMAGES).records


@pytest.fixture
def controller(
    themed: QApplication, session: Session, settings: Settings, jobs: JobList, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ExportController]:
    made = ExportController(session, settings, jobs)
    monkeypatch.setattr(made.preview, "show", lambda *_: None)
    yield made
    made.shut_down()


@pytest.fixture
def of_run(tmp_path: Path) -> Path:
    """The model of a run with two validation images."""
    model = tmp_path / "runs" / "first" / "checkpoints" / "step-1.safetensors"
    model.parent.mkdir(parents=True)
    model.write_bytes(b"a model")
    run = RunDirectory(model.parent.parent)
    (run.path / "run.json").write_text("{}")
    classes = open_images(IMAGES).classes
    write_split(run.split_csv, train=RECORDS[2:], validation=RECORDS[:2], test=(), classes=classes)
    return model


def settled(qtbot: QtBot, controller: ExportController) -> str:
    """Wait until the splits are known and return the chosen one."""
    qtbot.waitUntil(lambda: not controller.is_finding_splits)
    return controller.choice.split


def test_the_validation_images_of_the_run_are_offered_and_chosen(
    qtbot: QtBot, controller: ExportController, of_run: Path
) -> None:
    controller.activate()
    controller.set(model=MODEL, images=IMAGES)
    assert settled(qtbot, controller) == "all"
    controller.set(model=of_run)
    assert settled(qtbot, controller) == "validation"
    assert controller.splits.available == ("all", "validation")
    assert controller.splits.counts == (42, 2)
    assert "--split validation" in controller.choice.command()
    place, listed = first_images(IMAGES, "validation", None, None, of_run)
    assert place == (IMAGES, "validation", None, of_run, "auto")
    assert [image.name for image in listed.images] == [record.name for record in RECORDS[:2]]
    controller.set(split="all")
    controller.set(model=MODEL)
    controller.set(model=of_run)
    assert settled(qtbot, controller) == "all", "what a person has chosen is kept"
    controller.set(split="validation")
    controller.set(model=MODEL)
    assert settled(qtbot, controller) == "all", "this model lies in no run"


def test_chosen_images_are_not_split(
    qtbot: QtBot, controller: ExportController, session: Session, of_run: Path
) -> None:
    controller.activate()
    controller.set(model=of_run, images=IMAGES)
    session.selection = ImageSelection("Mistakes", IMAGES, (RECORDS[5].name,))
    assert settled(qtbot, controller) == "all"
    assert "--split" not in controller.choice.command()
    session.selection = None
    assert settled(qtbot, controller) == "validation"


def test_an_export_asked_for_too_early_starts_when_the_images_are_known(
    qtbot: QtBot, controller: ExportController, of_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[str] = []
    monkeypatch.setattr("s3n_gui.background.single_job.CommandJob.start", lambda _: started.append("started"))
    controller.activate()
    controller.set(model=of_run, images=IMAGES, out=tmp_path / "out")
    controller.start()
    assert started == []
    settled(qtbot, controller)
    assert (started, controller.choice.split) == (["started"], "validation")


def test_a_chosen_folder_stays_when_the_same_data_set_is_taken_again(
    controller: ExportController, session: Session, tmp_path: Path
) -> None:
    session.data_set = opened = open_images(IMAGES)
    controller.set(images=tmp_path, first=2)
    session.data_set = replace(opened, records=opened.records)  # as after a change of its splits
    assert (controller.choice.images, controller.choice.first) == (tmp_path, 2)
    session.data_set = replace(opened, root=tmp_path / "other")
    assert controller.choice.images == tmp_path / "other"


def test_the_format_of_the_open_data_set_goes_along(
    qtbot: QtBot, controller: ExportController, session: Session, tmp_path: Path
) -> None:
    controller.activate()
    session.data_set = opened = open_images(IMAGES)
    assert f"--format={opened.format}" in controller.choice.arguments()
    session.data_set = replace(opened, format="images", classes=())  # the same folder, read in another way
    assert "--format=images" in controller.choice.arguments()
    controller.set(images=tmp_path)
    assert controller.choice.format == "auto"


def test_folders_whose_names_have_dots_get_folders_of_their_own(controller: ExportController, tmp_path: Path) -> None:
    names = []
    for name in ("birds.v1", "birds.v2"):
        (tmp_path / name).mkdir()
        controller.set(images=tmp_path / name)
        assert controller.choice.out is not None
        names.append(controller.choice.out.name)
    (tmp_path / "bird.jpg").touch()
    controller.set(images=tmp_path / "bird.jpg")
    assert controller.choice.out is not None
    assert [*names, controller.choice.out.name] == ["birds.v1-attention", "birds.v2-attention", "bird-attention"]
