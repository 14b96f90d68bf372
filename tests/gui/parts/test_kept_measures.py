"""What is computed of an atlas is computed anew only where it has changed: key points after edits, effects while measuring."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from made_up_atlas import CLASSES, PLACES, made_up_comparison
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.atlas import Atlas
from s3n_core.parts.comparison import class_effects
from s3n_core.parts.comparison.stored_comparisons import StoredComparison, keep_comparison, newest_comparison
from s3n_gui.parts import atlas_content
from s3n_gui.parts.panel import PartsPage

KNOT, PLOVER, RUFF = CLASSES


def test_key_points_are_found_again_only_when_places_move(
    opened: PartsPage, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    asked, controller = list[str](), opened.controller
    monkeypatch.setattr(atlas_content, "key_point_names", lambda *_: asked.append("names") or {})
    monkeypatch.setattr(atlas_content, "key_point_accuracy", lambda *_: asked.append("accuracy") or {})

    def edit(change: Callable[[Atlas], object]) -> None:
        with qtbot.waitSignal(controller.edits.edited):
            controller.edits.make("an edit", change)

    before = controller.content
    edit(lambda atlas: atlas.rename(0, "bill"))
    edit(lambda atlas: atlas.hide(0))
    edit(lambda atlas: atlas.hide(0, hidden=False))
    edit(lambda atlas: atlas.set_background(0))
    edit(lambda atlas: atlas.set_background(0, background=False))
    after = controller.content
    assert before is not None
    assert after is not None
    assert asked == []
    assert (after.names, after.accuracy) == (before.names, before.accuracy)
    file = after.atlas.images[0].file
    edit(lambda atlas: atlas.reassign(0, file, *PLACES[1]))
    assert asked == ["names", "accuracy"]
    with qtbot.waitSignal(controller.edits.edited):
        opened.undo_stack().undo()
    assert asked == ["names", "accuracy"] * 2
    edit(lambda atlas: atlas.merge(0, 1))
    assert asked == ["names", "accuracy"] * 3
    qtbot.waitUntil(opened.is_ready)


def test_only_the_class_that_was_measured_is_read_again(
    opened: PartsPage,
    qtbot: QtBot,
    tmp_path: Path,
    commanded: Callable[..., list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened.bar.tabs.setCurrentIndex(1)
    view, cells = opened.matrix_view, opened.matrix_view.cells
    view.effect.click()
    atlas, moves = Atlas(tmp_path / "atlas"), list[str]()
    for name in (KNOT, RUFF):
        kept = keep_comparison(atlas, replace(made_up_comparison(atlas, name, PLOVER), b=None))
        kept.rename(tmp_path / kept.name)
        event = json.dumps({"event": "measured", "class": name, "problem": ""})
        moves.append(f"import shutil; shutil.copy({str(tmp_path / kept.name)!r}, {str(kept)!r})")
        moves.append(f"print({event!r}, flush=True)")
    read = list[str]()

    def reads(atlas: Atlas, a: str, b: str | None) -> StoredComparison | None:
        read.append(a)
        return newest_comparison(atlas, a, b)

    monkeypatch.setattr(class_effects, "newest_comparison", reads)
    commanded("\n".join([*moves, "import time; time.sleep(60)"]))
    view.measure.click()
    qtbot.waitUntil(lambda: [cells.text_of(row, 0) for row in range(3)] == ["+1.50", "", "+1.50"])
    assert opened.effects.effects is not None
    assert opened.effects.effects.measured.tolist() == [True, False, True]
    assert view.state.text() != ""
    assert PLOVER not in read
    view.stop.click()
    qtbot.waitUntil(lambda: opened.effects.job is None)
    qtbot.waitUntil(opened.is_ready)
