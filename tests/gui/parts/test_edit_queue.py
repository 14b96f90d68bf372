"""Edits that wait for another one are made in any case, and hold up nothing."""

from __future__ import annotations

import threading
from pathlib import Path

from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.atlas import Atlas
from s3n_gui.parts.panel import PartsPage
from s3n_gui.state.session import Session


def test_edits_that_wait_are_made_when_the_page_closes(opened: PartsPage) -> None:
    edits, content = opened.controller.edits, opened.controller.content
    gate = threading.Event()
    edits.run(lambda _: gate.wait(5))
    edits.make("Rename", lambda atlas: atlas.rename(0, "bill"))
    edits.make("Rename", lambda atlas: atlas.rename(1, "wing"))
    threading.Timer(0.1, gate.set).start()
    opened.shut_down()
    assert content is not None
    written = Atlas(content.atlas.path)
    assert [written.parts.name(part) for part in (0, 1)] == ["bill", "wing"]


def test_an_atlas_that_is_left_and_opened_again_has_all_edits(
    opened: PartsPage, session: Session, qtbot: QtBot, tmp_path: Path
) -> None:
    controller, gate = opened.controller, threading.Event()
    before = controller.content
    controller.edits.run(lambda _: gate.wait(30))
    controller.edits.make("Rename", lambda atlas: atlas.rename(0, "bill"))
    controller.close_atlas()  # returns while the first edit is being made
    assert not gate.is_set()
    assert controller.content is None
    assert not controller.edits.is_busy
    session.atlas = tmp_path / "atlas"
    gate.set()
    qtbot.waitUntil(lambda: controller.stage == "open" and opened.is_ready())
    assert controller.content is not None
    assert controller.content is not before
    assert controller.content.atlas.parts.name(0) == "bill"
    assert not opened.undo_stack().canUndo()
