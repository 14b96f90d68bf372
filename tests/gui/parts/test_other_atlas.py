"""Another atlas, model or data set is opened while one is shown or read; atlases of unlabelled images; failed edits."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

from made_up_atlas import CLASSES, write_atlas
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_core.errors import AtlasError
from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.atlas.atlas_files import IMAGES
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
