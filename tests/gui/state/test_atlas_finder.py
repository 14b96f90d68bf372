"""The atlas of the current model is known as soon as the model or the data set is opened, without the Parts page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_atlas import draw_pictures, write_atlas
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet
from s3n_core.runs.locations import home
from s3n_gui.state.atlas_finder import AtlasFinder
from s3n_gui.state.atlas_parts import AtlasParts
from s3n_gui.state.atlas_request import AtlasRequest
from s3n_gui.state.atlas_search import look_for_atlas
from s3n_gui.state.demo import demo_images, demo_is_installed, demo_model
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@pytest.fixture
def recent(tmp_path: Path) -> RecentList:
    return RecentList(tmp_path / "recent.json")


@pytest.fixture
def finder(session: Session, settings: Settings, recent: RecentList) -> Iterator[AtlasFinder]:
    made = AtlasFinder(session, settings, recent)
    yield made
    made.close()


@pytest.fixture
def birds(tmp_path: Path) -> DataSet:
    draw_pictures(tmp_path / "birds", 2)
    return open_data_set(tmp_path / "birds")


@pytest.fixture
def others(tmp_path: Path) -> DataSet:
    draw_pictures(tmp_path / "others", 1)
    return open_data_set(tmp_path / "others")


def made(folder: Path, data: DataSet, model: Path) -> Path:
    write_atlas(folder, data.root, [record.name for record in data.records], model=model, split="all")
    return folder


def settle(qtbot: QtBot, finder: AtlasFinder) -> None:
    qtbot.waitUntil(lambda: not finder.is_looking)


@pytest.mark.skipif(not demo_is_installed(), reason="the demo is not in this checkout")
def test_that_of_the_demo_names_its_parts_at_once(session: Session, finder: AtlasFinder, qtbot: QtBot) -> None:
    parts = AtlasParts(session)
    parts.activate()
    images = open_data_set(demo_images())
    session.model = demo_model()
    session.data_set = images
    qtbot.waitUntil(lambda: parts.knows(demo_model()))
    assert session.atlas is None  # the Parts page opens it when it is shown
    assert session.model_atlas is not None
    assert session.model_atlas.is_relative_to(home())
    assert parts.places(images.records[0].path, demo_model())
    parts.close()


def test_that_of_the_data_set_comes_first_and_then_the_one_that_was_open_last(
    session: Session,
    finder: AtlasFinder,
    recent: RecentList,
    birds: DataSet,
    others: DataSet,
    tmp_path: Path,
    qtbot: QtBot,
) -> None:
    model = tmp_path / "run" / "model.safetensors"
    for number, (folder, of_model) in enumerate((("first", model), ("second", model), ("third", tmp_path / "m"))):
        recent.add("atlas", made(tmp_path / folder, birds if number == 0 else others, of_model))
    recent.add("atlas", tmp_path / "deleted")
    session.model = model
    settle(qtbot, finder)
    assert session.model_atlas == tmp_path / "second"
    session.data_set = birds
    settle(qtbot, finder)
    assert session.model_atlas == tmp_path / "first"
    session.model = model.parent  # the run that it lies in
    settle(qtbot, finder)
    assert session.model_atlas == tmp_path / "first"
    session.model = tmp_path / "another.safetensors"
    settle(qtbot, finder)
    assert session.model_atlas is None


def test_the_windows_own_folder_is_looked_in(
    session: Session, finder: AtlasFinder, birds: DataSet, tmp_path: Path, qtbot: QtBot
) -> None:
    model = tmp_path / "model.safetensors"
    folder = made(AtlasRequest(model=model, images=birds.root, split="all").folder, birds, model)
    session.model = model
    session.data_set = birds
    settle(qtbot, finder)
    assert session.model_atlas == folder
    session.model = None
    session.data_set = None
    session.model = model  # with single images: any atlas of it will do
    settle(qtbot, finder)
    assert session.model_atlas == folder


def test_other_images_of_the_same_model_keep_it_and_what_a_person_opens_or_closes_holds(
    session: Session, finder: AtlasFinder, birds: DataSet, others: DataSet, tmp_path: Path, qtbot: QtBot
) -> None:
    model = tmp_path / "model.safetensors"
    session.model, session.data_set = model, birds
    settle(qtbot, finder)
    assert session.model_atlas is None
    session.atlas = made(tmp_path / "opened", birds, model)
    assert session.model_atlas == tmp_path / "opened"
    session.data_set = others
    session.set_atlas_aside()  # as the Parts page does
    settle(qtbot, finder)
    assert (session.atlas, session.model_atlas) == (None, tmp_path / "opened")
    session.atlas = None
    assert session.model_atlas is None
    session.atlas = tmp_path / "opened"
    session.data_set = birds
    settle(qtbot, finder)
    session.model = None
    assert session.model_atlas == tmp_path / "opened"


def test_a_renamed_run_keeps_its_atlas_and_a_new_one_of_its_name_has_none(
    session: Session, finder: AtlasFinder, birds: DataSet, tmp_path: Path, qtbot: QtBot
) -> None:
    run, checkpoint = tmp_path / "birds-1", Path("checkpoints") / "step-10.safetensors"
    (run / checkpoint).parent.mkdir(parents=True)
    (run / checkpoint).write_bytes(b"a model")
    folder = made(AtlasRequest(model=run, images=birds.root, split="all").folder, birds, run / checkpoint)
    renamed = run.rename(tmp_path / "birds-2")
    session.model, session.data_set = renamed, birds
    settle(qtbot, finder)
    assert session.model_atlas == folder
    search = look_for_atlas(AtlasRequest(model=renamed, images=birds.root), birds)
    assert (search.state, search.request.folder) == ("finished", folder)
    (run / checkpoint).parent.mkdir(parents=True)
    (run / checkpoint).write_bytes(b"a new run of the old name")
    session.model = run
    settle(qtbot, finder)
    assert session.model_atlas is None
    search = look_for_atlas(AtlasRequest(model=run, images=birds.root), birds)
    assert search.state == "none"
    assert search.request.folder != folder, "a search would ask to replace the parts of the other run"
    assert not search.request.folder.exists()
