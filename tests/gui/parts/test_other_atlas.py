"""Another atlas, model or data set is opened while one is shown or read; atlases of unlabelled images; failed edits."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from made_up_atlas import CLASSES, draw_pictures, write_atlas
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import Box, DataSet
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import IMAGES
from s3n_core.parts.comparison.comparison import FEWEST
from s3n_gui.parts import controller
from s3n_gui.parts.atlas_content import AtlasContent, read_content
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.session import Session

KNOT, PLOVER, RUFF = CLASSES


def names_of(pictures: Path) -> list[str]:
    return [record.name for record in open_data_set(pictures).records]


def without_labels(folder: Path) -> None:
    """Make an atlas one of unlabelled images."""
    header, *images = (folder / IMAGES).read_text(encoding="utf-8").splitlines()
    unlabelled = [json.dumps(json.loads(line) | {"label": None}) for line in images]
    (folder / IMAGES).write_text("\n".join([header, *unlabelled]) + "\n", encoding="utf-8")


def show(parts: PartsPage, session: Session, folder: Path, qtbot: QtBot) -> None:
    """Open another atlas and wait until it is shown."""
    session.atlas = folder
    qtbot.waitUntil(lambda: parts.controller.content is not None and parts.controller.content.atlas.path == folder)
    qtbot.waitUntil(parts.is_ready)


def test_another_atlas_with_the_same_classes_is_read_anew(
    opened: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "other", pictures, names_of(pictures)).rename(0, "beak")
    before = opened.pair.pair
    assert before is not None
    seen = list[object]()
    opened.pair.changed.connect(lambda: seen.append(opened.pair.pair))
    show(opened, session, tmp_path / "other", qtbot)
    assert seen[0] is None  # nothing of the other atlas stands under this one meanwhile
    pair = opened.pair.pair
    assert pair is not None
    assert (pair.a, pair.b) == (before.a, before.b) == (RUFF, PLOVER)
    assert pair.content is opened.controller.content
    assert "beak" in [row.name for row in opened.pair_view.rows.rows]


def test_a_pair_with_enough_images_for_an_answer_is_shown_first(
    opened: PartsPage, session: Session, tmp_path: Path, qtbot: QtBot
) -> None:
    draw_pictures(tmp_path / "many", FEWEST)
    many = [name for name in names_of(tmp_path / "many") if not name.startswith(RUFF)]
    few = next(name for name in names_of(tmp_path / "many") if name.startswith(RUFF))
    write_atlas(tmp_path / "uneven", tmp_path / "many", [*many, few])
    show(opened, session, tmp_path / "uneven", qtbot)
    content = opened.controller.content
    assert content is not None
    assert {content.pairs[0].a, content.pairs[0].b} == {RUFF, PLOVER}  # still the first of the list
    assert (opened.pair.a, opened.pair.b) == (PLOVER, KNOT)


def test_an_atlas_without_pairs_shows_none_of_the_one_before(
    opened: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "one class", pictures, [name for name in names_of(pictures) if name.startswith(KNOT)])
    opened.pair.set_pair(KNOT, RUFF)  # still being read when the other one is opened
    show(opened, session, tmp_path / "one class", qtbot)
    qtbot.wait(50)
    assert (opened.pair.a, opened.pair.b, opened.pair.pair) == ("", "", None)
    assert list(opened.pair_view.rows.rows) == []
    assert not opened.pair.can_compare


def test_the_matrix_of_unlabelled_images_takes_keys(
    opened: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "unlabelled", pictures, names_of(pictures))
    without_labels(tmp_path / "unlabelled")
    show(opened, session, tmp_path / "unlabelled", qtbot)
    opened.bar.tabs.setCurrentIndex(1)
    cells, asked = opened.matrix_view.cells, list[object]()
    cells.opened.connect(lambda *cell: asked.append(cell))
    assert cells.columns == 4
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return):
        qtbot.keyClick(cells, key)
    assert asked == []


def test_undoing_an_edit_that_fails_meanwhile_undoes_nothing(opened: PartsPage, tmp_path: Path, qtbot: QtBot) -> None:
    Atlas(tmp_path / "atlas").rename(1, "tail")  # another program's
    go = Event()

    def fails(_: Atlas) -> None:
        go.wait(10)
        raise AtlasError("No.")

    edits, said = opened.controller.edits, list[object]()
    edits.failed.connect(said.append)
    edits.make("an edit", fails)
    opened.undo_stack().undo()
    go.set()
    qtbot.waitUntil(lambda: bool(said) and not edits.is_busy)
    assert Atlas(tmp_path / "atlas").parts.name(1) == "tail"
    assert [str(error) for error in said] == ["No."]


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """Let no atlas be read until this is set."""
    go = Event()

    def read(folder: Path, data_set: DataSet | None) -> AtlasContent:
        go.wait(10)
        return read_content(folder, data_set)

    monkeypatch.setattr(controller, "read_content", read)
    yield go
    go.set()


def test_an_atlas_that_is_being_read_is_dropped_with_another_model(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot, reading: Event
) -> None:
    write_atlas(tmp_path / "atlas", pictures, names_of(pictures))
    session.data_set = open_data_set(pictures)
    session.atlas = tmp_path / "atlas"
    assert parts.controller.stage == "opening"
    shown = list[object]()
    parts.controller.content_changed.connect(lambda: shown.append(parts.controller.content))
    session.model = tmp_path / "another.safetensors"
    assert session.atlas is None
    reading.set()
    qtbot.waitUntil(parts.is_ready)
    qtbot.wait(50)
    assert (parts.controller.stage, parts.controller.content, session.atlas) == ("ready", None, None)
    assert not any(shown)


def test_an_atlas_that_is_being_read_is_shown_with_its_own_model_and_images(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot, reading: Event
) -> None:
    write_atlas(tmp_path / "atlas", pictures, names_of(pictures))
    session.atlas = tmp_path / "atlas"
    session.model = Path("model.safetensors")
    session.data_set = open_data_set(pictures)
    assert (parts.controller.stage, session.atlas) == ("opening", tmp_path / "atlas")
    reading.set()
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())
    content = parts.controller.content
    assert content is not None
    assert content.atlas.path == session.atlas == tmp_path / "atlas"
    assert len(content.records) == 12  # those of the data set that was opened meanwhile


def test_an_open_atlas_gets_the_boxes_of_the_data_set_that_is_opened_after_it(
    opened: PartsPage, session: Session, pictures: Path, qtbot: QtBot
) -> None:
    before = opened.controller.content
    assert before is not None
    plain = open_data_set(pictures)
    session.data_set = plain  # adds nothing
    assert (opened.controller.stage, opened.controller.content) == ("open", before)
    boxed = [replace(record, box=Box(x=1, y=2, width=30, height=40)) for record in plain.records]
    session.data_set = replace(plain, records=tuple(boxed))
    qtbot.waitUntil(lambda: opened.controller.stage == "open" and opened.is_ready())
    content = opened.controller.content
    assert content is not None
    assert {record.box for record in content.records.values()} == {Box(x=1, y=2, width=30, height=40)}
    session.data_set = replace(plain, records=tuple(replace(record, split="test") for record in boxed))
    assert (opened.controller.stage, opened.controller.content) == ("open", content)


def test_an_atlas_of_another_model_can_still_be_opened(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "atlas", pictures, names_of(pictures))
    draw_pictures(tmp_path / "others", 1)
    session.data_set = open_data_set(tmp_path / "others")
    session.model = tmp_path / "another.safetensors"
    qtbot.waitUntil(parts.is_ready)
    show(parts, session, tmp_path / "atlas", qtbot)
    assert parts.controller.stage == "open"


def test_the_atlas_that_was_asked_for_last_is_shown(
    opened: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot, reading: Event
) -> None:
    write_atlas(tmp_path / "other", pictures, names_of(pictures))
    session.atlas = tmp_path / "other"
    session.atlas = tmp_path / "atlas"
    reading.set()
    qtbot.waitUntil(lambda: opened.controller.stage == "open" and opened.is_ready())
    assert opened.controller.content is not None
    assert opened.controller.content.atlas.path == session.atlas == tmp_path / "atlas"


def test_no_earlier_atlas_stays_behind_one_that_is_damaged(
    opened: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    write_atlas(tmp_path / "other", pictures, names_of(pictures))
    (tmp_path / "other" / "centroids.npy").unlink()
    with qtbot.waitSignal(session.error_reported):
        session.atlas = tmp_path / "other"
    assert opened.controller.content is None
    assert not opened.pair.can_compare


def test_an_atlas_that_is_opened_during_a_search_stays_when_that_is_stopped(
    parts: PartsPage,
    session: Session,
    pictures: Path,
    tmp_path: Path,
    qtbot: QtBot,
    commanded: Callable[[str], list[list[str]]],
) -> None:
    commanded("import time\ntime.sleep(60)\n")
    session.data_set, session.model = open_data_set(pictures), tmp_path / "model.safetensors"
    qtbot.waitUntil(parts.is_ready)
    parts.start.start.click()
    write_atlas(tmp_path / "atlas", pictures, names_of(pictures))
    show(parts, session, tmp_path / "atlas", qtbot)
    job = parts.controller.job
    assert job is not None
    job.cancel()
    qtbot.waitUntil(lambda: parts.controller.job is None)
    assert parts.controller.stage == "open"


def test_parts_are_found_in_images_of_the_format_that_was_chosen(
    parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"a model")
    session.model, session.data_set = tmp_path / "model.safetensors", open_data_set(pictures, "images")
    qtbot.waitUntil(lambda: parts.controller.stage == "ready")
    request = parts.controller.request
    assert request is not None
    assert "--format=images" in request.arguments()
