"""The Parts page: what is needed first, an atlas that is found or opened, the search as a job."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sklearn.cluster  # noqa: F401  # takes seconds; a preview would import it in its thread
from made_up_atlas import draw_pictures, write_atlas
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from random_model import save_picture

from s3n_core.datasets.assignment import Assignment, write_assignment
from s3n_core.datasets.detection import open_data_set
from s3n_core.parts.atlas.atlas_files import IMAGES
from s3n_core.runs.locations import home
from s3n_core.system.line_files import part_path
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.parts.panel import PartsPage
from s3n_gui.parts.start_view import StartView
from s3n_gui.state.atlas_search import OtherAtlas
from s3n_gui.state.demo import demo_images, demo_is_installed
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.split_choice import SplitChoice


def choose(session: Session, pictures: Path) -> None:
    session.data_set = open_data_set(pictures)
    session.model = pictures.parent / "model.safetensors"


def settle(qtbot: QtBot, parts: PartsPage) -> None:
    qtbot.waitUntil(parts.is_ready)


def test_it_says_what_is_needed_first(parts: PartsPage, session: Session, pictures: Path, qtbot: QtBot) -> None:
    asked = list[str]()
    session.open_asked.connect(asked.append)
    assert parts.empty.isVisible()
    parts.empty.buttons[0].click()
    session.data_set = open_data_set(pictures)
    parts.empty.buttons[0].click()
    assert asked == ["data", "model"]
    session.model = pictures.parent / "model.safetensors"
    settle(qtbot, parts)
    assert parts.start.isVisible()
    assert parts.start.start.isEnabled()
    assert (parts.start.images.text(), parts.start.model.text()) == ("birds", "model")


def test_an_earlier_atlas_of_the_same_images_is_there_at_once(
    parts: PartsPage, session: Session, pictures: Path, qtbot: QtBot
) -> None:
    choose(session, pictures)
    settle(qtbot, parts)
    request = parts.controller.request
    assert request is not None
    write_atlas(
        request.folder, pictures, [record.name for record in open_data_set(pictures).records], model=request.model
    )
    session.model = None
    choose(session, pictures)
    qtbot.waitUntil(lambda: parts.controller.stage == "open")
    assert session.atlas == request.folder
    parts.controller.close_atlas()
    settle(qtbot, parts)
    assert (parts.controller.stage, session.atlas) == ("ready", None)


def test_an_atlas_from_elsewhere_is_opened_and_remembered(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "atlas", pictures, [record.name for record in open_data_set(pictures).records])
    opener = Opener(session, RecentList(tmp_path / "other.json"))
    opened = list[tuple[str, Path]]()
    opener.opened.connect(lambda kind, path: opened.append((kind, path)))
    opener.open_path(tmp_path / "atlas")
    assert opened == [("atlas", tmp_path / "atlas")]
    qtbot.waitUntil(lambda: parts.controller.stage == "open")
    assert [item.path for item in RecentList(tmp_path / "recent.json").items("atlas")] == [tmp_path / "atlas"]
    # Another data set is not what the atlas is of.
    other = tmp_path / "others"
    draw_pictures(other, 1)
    session.data_set = open_data_set(other)
    assert session.atlas is None
    opener.close()


def test_behind_links_are_the_same_model_and_images(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path, target_is_directory=True)
    names, model = [record.name for record in open_data_set(pictures).records], tmp_path.resolve() / "model.safetensors"
    write_atlas(tmp_path / "atlas", pictures.resolve(), names, model=model)
    choose(session, link / "birds")
    session.atlas = tmp_path / "atlas"
    qtbot.waitUntil(lambda: parts.controller.stage == "open")
    content = parts.controller.content
    assert content is not None
    assert parts.controller.atlas_model() == session.model  # another one would drop what runs with this one
    assert content.path_of(names[0]) == content.root / names[0] == link / "birds" / names[0]


def test_an_atlas_stays_open_while_its_run_is_renamed_and_jobs_are_told_where_the_model_lies(
    parts: PartsPage,
    session: Session,
    pictures: Path,
    tmp_path: Path,
    qtbot: QtBot,
    commanded: Callable[[str], list[list[str]]],
) -> None:
    asked = commanded("")
    run, checkpoint = tmp_path / "birds-1", Path("checkpoints") / "step-10.safetensors"
    (run / checkpoint).parent.mkdir(parents=True)
    (run / checkpoint).write_bytes(b"a model")
    names = [record.name for record in open_data_set(pictures).records]
    write_atlas(tmp_path / "atlas", pictures.resolve(), names, model=run.resolve() / checkpoint)
    session.data_set, session.model, session.atlas = open_data_set(pictures), run, tmp_path / "atlas"
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())

    def compared() -> list[str]:
        asked.clear()
        with qtbot.waitSignal(parts.pair._comparing.ended):
            parts.pair.compare()
        return asked[0]

    assert "--model" not in compared()
    qtbot.waitUntil(parts.is_ready)
    renamed, shown = run.rename(tmp_path / "birds-2"), session.atlas
    session.follow_rename(run, renamed)
    assert (parts.controller.stage, session.atlas, session.model) == ("open", shown, renamed)
    assert parts.controller.atlas_model() == renamed
    arguments = compared()
    assert Path(arguments[arguments.index("--model") + 1]).samefile(renamed / checkpoint)
    qtbot.waitUntil(parts.is_ready)
    parts.controller.close_atlas()
    settle(qtbot, parts)
    session.atlas = tmp_path / "atlas"  # opened again, it names a model that is not there
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())
    assert parts.controller.atlas_model() == renamed
    assert parts.controller.moved_model() == renamed / checkpoint


def test_a_damaged_atlas_is_said_and_the_page_goes_on(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "atlas", pictures, [record.name for record in open_data_set(pictures).records])
    (tmp_path / "atlas" / "centroids.npy").unlink()
    with qtbot.waitSignal(session.error_reported) as said:
        session.atlas = tmp_path / "atlas"
    assert "centroids.npy" in said.args[0]
    assert parts.controller.stage == "nothing"


def test_a_search_reports_its_progress_stops_and_continues(
    parts: PartsPage, session: Session, pictures: Path, qtbot: QtBot, commanded: Callable[[str], list[list[str]]]
) -> None:
    asked = commanded(
        "import json, sys, time\n"
        "print(json.dumps({'done': 3, 'total': 12, 'seconds': 6.0, 'resumed': 0}), flush=True)\n"
        "time.sleep(60)\n"
    )
    choose(session, pictures)
    settle(qtbot, parts)
    parts.start.parts.setValue(7)
    parts.start.start.click()
    qtbot.waitUntil(lambda: "3 of 12 images" in parts.start.state.text())
    assert "18 s left" in parts.start.state.text()
    assert asked[0][:2] == ["parts", "build"]
    assert asked[0][asked[0].index("--parts") + 1] == "7"
    request = parts.controller.request
    assert request is not None
    assert asked[0][asked[0].index("--out") + 1] == str(request.folder)
    parts.start.stop.click()
    qtbot.waitUntil(lambda: parts.controller.stage == "stopped")
    assert parts.start.start.text() == "Continue"
    # The next window finds what the job has left.
    request.folder.mkdir(parents=True)
    part_path(request.folder / IMAGES).write_text(json.dumps({}), encoding="utf-8")
    session.model = None
    choose(session, pictures)
    settle(qtbot, parts)
    assert parts.controller.stage == "stopped"


def test_the_parts_of_another_atlas_of_the_model_can_be_taken(
    parts: PartsPage,
    session: Session,
    pictures: Path,
    tmp_path: Path,
    qtbot: QtBot,
    commanded: Callable[[str], list[list[str]]],
) -> None:
    asked, start = commanded("import time\ntime.sleep(60)\n"), parts.start
    choose(session, pictures)
    settle(qtbot, parts)
    assert start.parts_of.isHidden()  # there is no other atlas
    assert not start.parts.isHidden()
    others = tmp_path / "others"
    draw_pictures(others, 2)
    names, model = [record.name for record in open_data_set(others).records], pictures.parent / "model.safetensors"
    write_atlas(tmp_path / "atlas", others, names, model=model)
    session.atlas = tmp_path / "atlas"
    qtbot.waitUntil(lambda: parts.controller.stage == "open")
    parts.controller.close_atlas()
    settle(qtbot, parts)
    texts = [start.parts_of.itemText(index) for index in range(start.parts_of.count())]
    assert texts == ["Found in these images", "Those of others · Test"]
    start.parts_of.setCurrentIndex(1)
    start.parts_of.activated.emit(1)
    assert start.parts.isHidden()
    start.start.click()
    qtbot.waitUntil(lambda: bool(asked))
    assert asked[0][asked[0].index("--parts-of") + 1] == str(tmp_path / "atlas")
    assert "--parts" not in asked[0]
    parts.controller.cancel()
    qtbot.waitUntil(lambda: parts.controller.job is None)
    # Another model has no such parts.
    session.model = pictures.parent / "another.safetensors"
    settle(qtbot, parts)
    assert (parts.controller.parts_of, start.parts_of.isHidden()) == (None, True)


def test_the_found_atlas_is_opened(
    parts: PartsPage,
    session: Session,
    pictures: Path,
    qtbot: QtBot,
    tmp_path: Path,
    commanded: Callable[[str], list[list[str]]],
) -> None:
    choose(session, pictures)
    settle(qtbot, parts)
    request = parts.controller.request
    assert request is not None
    write_atlas(tmp_path / "made", pictures, [record.name for record in open_data_set(pictures).records])
    commanded(f"import shutil; shutil.copytree({str(tmp_path / 'made')!r}, {str(request.folder)!r})")
    parts.start.start.click()
    qtbot.waitUntil(lambda: parts.controller.stage == "open")
    assert session.atlas == request.folder


def test_what_is_found_so_far_is_shown_while_a_search_runs(
    parts: PartsPage, session: Session, pictures: Path, qtbot: QtBot, commanded: Callable[[str], list[list[str]]]
) -> None:
    choose(session, pictures)
    settle(qtbot, parts)
    request = parts.controller.request
    assert request is not None
    names = [record.name for record in open_data_set(pictures).records]
    request.folder.mkdir(parents=True)
    fields = {"error": "", "width": 120, "height": 90, "predicted": 0, "rows": 2, "channels": 2, "cells": []}
    places = {"peaks": [[30, 40, 0.9, 0, 0], [80, 50, 0.5, 0, 0]]}
    lines = [json.dumps({"file": name} | fields | places) for name in names]
    part_path(request.folder / IMAGES).write_text("{}\n" + "\n".join(lines) + "\n", encoding="utf-8")
    rows = np.tile(np.eye(2, dtype=np.float16), (len(names), 1))
    (request.folder / "descriptors.part").write_bytes(rows.tobytes())
    commanded(
        "import json, time\n"
        "print(json.dumps({'done': 3, 'total': 40, 'places': 199}), flush=True)\n"
        "print(json.dumps({'done': 12, 'total': 40, 'places': 210}), flush=True)\n"
        "time.sleep(60)\n"
    )
    parts.controller.set_parts(2)
    shown = parts.start.preview
    assert shown.isHidden()
    parts.start.start.click()
    qtbot.waitUntil(shown.isVisible)
    assert shown.title.text() == "Preview from 12 of 40 images"
    assert [label.text().partition(",")[0] for label, _ in shown.lines] == ["12 peaks in 12 images"] * 2
    assert {crop.x for crop in shown.lines[0][1].crops} in ({30}, {80})
    parts.start.stop.click()
    qtbot.waitUntil(lambda: parts.controller.stage == "stopped")
    assert shown.isVisible()
    session.model = None
    assert shown.isHidden()


def test_the_demo_keeps_the_splits_set_by_hand(
    parts: PartsPage, session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ant", "bee"):
        for number in range(2):
            save_picture(tmp_path / "insects" / name / f"{number}.png", number)
    monkeypatch.setattr("s3n_gui.parts.panel.demo_images", lambda: tmp_path / "insects")
    monkeypatch.setattr("s3n_gui.parts.panel.demo_model", lambda: tmp_path / "model.safetensors")
    write_assignment(tmp_path / "insects", Assignment(parts={"ant/0.png": "test"}))
    parts.show_demo()
    assert session.data_set is not None
    assert session.data_set.by_hand == {"ant/0.png"}


@pytest.mark.skipif(not demo_is_installed(), reason="the demo is not in this checkout")
def test_the_demo_shows_its_parts_at_once_and_keeps_what_a_person_changes(
    parts: PartsPage, session: Session, qtbot: QtBot
) -> None:
    parts.show_demo()
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())
    content = parts.controller.content
    assert content is not None
    assert content.root == demo_images().resolve()
    assert content.atlas.path.is_relative_to(home())
    assert len(content.classes) == 24
    assert content.steadiness is not None
    assert parts.pair.pair is not None
    assert parts.pair.pair.comparison is not None  # that of the pair that is shown first
    assert parts.pair.pair.comparison.has_intervals  # an answer, not "too few images"
    parts.pair_view.rename(parts.pair_view.rows.rows[0].part, "my name")
    qtbot.waitUntil(lambda: parts.controller.content is not content and not parts.controller.edits.is_busy)
    parts.controller.close_atlas()
    session.atlas = content.atlas.path
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())
    again = parts.controller.content
    assert again is not None
    assert "my name" in [part.name for part in again.parts]


def test_the_typed_number_of_parts_counts_even_if_the_field_was_not_left(
    parts: PartsPage, session: Session, pictures: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(session, pictures)
    settle(qtbot, parts)
    started: list[int | None] = []
    monkeypatch.setattr(parts.controller, "start", lambda restart: started.append(parts.controller.parts))
    field, start = parts.start.parts, parts.commands()["parts-start"]
    start()
    for typed in ("7", "1,000"):
        field.selectAll()
        QTest.keyClicks(field, typed)
        start()
    assert started == [None, 7]


def test_an_ampersand_in_the_name_of_other_images_is_one(themed: QApplication, qtbot: QtBot, tmp_path: Path) -> None:
    loader = ThumbnailLoader(64)
    view = StartView(loader, lambda file: tmp_path / file)
    qtbot.addWidget(view)
    other = OtherAtlas(folder=tmp_path / "atlas", images=tmp_path / "cats & dogs", split="all")
    view.show_choice("birds", "model", "all", SplitChoice(), None, None, (other,))
    assert view.parts_of.itemText(1).startswith("Those of cats & dogs ·")
    loader.close()
