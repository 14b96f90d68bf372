"""The Inspect page with a real engine process and the demo: the stored inspection at once, the live one later."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.parts.atlas.part_place import NO_PART
from s3n_gui.inspector.panel import InspectPage, page
from s3n_gui.inspector.stored import read_demo_inspection
from s3n_gui.state.atlas_finder import AtlasFinder
from s3n_gui.state.demo import demo_is_installed
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@pytest.mark.skipif(not demo_is_installed(), reason="the demo is not in this checkout")
def test_the_demo_is_stored_then_live_and_its_parts_are_named_in_a_copy_of_its_image_too(
    themed: QApplication, qtbot: QtBot, session: Session, settings: Settings, jobs: object, tmp_path: Path
) -> None:
    atlas = AtlasFinder(session, settings, RecentList(tmp_path / "recent.json"))
    made = page(session, settings, jobs)  # type: ignore[arg-type]
    assert isinstance(made, InspectPage)
    made.resize(1208, 610)
    try:
        made.show()
        made.show_demo()
        state = made.state
        if read_demo_inspection() is not None:
            assert state.answer is not None  # before an engine could have started
        qtbot.waitUntil(lambda: not state.busy and made.is_ready(), timeout=60_000)
        assert state.answer is not None
        assert state.message == ""
        assert state.evidence is state.answer
        peak, before = state.answer.warps.peaks[0], state.answer
        made.editor.drag_peak(peak.found_at, (30.0, 30.0))
        qtbot.waitUntil(lambda: state.evidence is not before, timeout=10_000)  # re-warped, scores still to come
        qtbot.waitUntil(lambda: not state.busy, timeout=20_000)
        moved = next(one for one in state.answer.warps.peaks if one.found_at == peak.found_at)
        assert moved.cell != peak.cell
        assert state.answer.scores.logits["D"].tolist() != before.scores.logits["D"].tolist()
        made.editor.undo_stack.undo()
        qtbot.waitUntil(lambda: not state.busy, timeout=20_000)
        assert state.answer.warps.peaks == before.warps.peaks
        assert made.is_ready()

        def names() -> list[str | None]:
            assert state.answer is not None
            return [None if (part := state.part_of(peak)) is None else part.name for peak in state.answer.warps.peaks]

        qtbot.waitUntil(lambda: None not in names(), timeout=20_000)  # the Parts page was never shown
        own, image = names(), session.image
        assert image is not None
        session.image = Path(shutil.copy(image, tmp_path / "dropped.jpg"))
        qtbot.waitUntil(lambda: not state.busy and state.descriptors is not None, timeout=20_000)
        assert state.answer.warps.peaks == before.warps.peaks
        # The atlas gives each of its peaks to the nearest part; of a copy, one that is beyond the part's reach has none.
        again = names()
        assert set(again) - {NO_PART}
        assert all(name in (NO_PART, part) for name, part in zip(again, own, strict=True))
    finally:
        atlas.close()
        made.shut_down()
        made.close()
        made.deleteLater()
