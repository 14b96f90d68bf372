"""Undo on the Inspect page keeps to the images of the open data set."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from inspect_page import client, shown_page
from made_inspection import data_set
from PySide6.QtWidgets import QApplication

from s3n_gui.inspector.panel import InspectPage
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@pytest.fixture
def edited(themed: QApplication, session: Session, settings: Settings, tmp_path: Path) -> Iterator[InspectPage]:
    """The page after a peak of the first image was switched off."""
    with shown_page(session, settings) as page:
        session.model = tmp_path / "model.safetensors"
        session.data_set = data_set(tmp_path / "a")
        client(page).answer()
        page.editor.switch_peak((10, 20))
        assert page.undo_stack().canUndo()
        yield page


def test_another_data_set_ends_the_undo_of_the_one_before(
    edited: InspectPage, session: Session, tmp_path: Path
) -> None:
    session.data_set = data_set(tmp_path / "b")
    edited.undo_stack().undo()
    assert session.image == tmp_path / "b" / "bird 0.jpg"
    assert not edited.undo_stack().canUndo()


def test_the_same_folder_with_other_splits_keeps_it(edited: InspectPage, session: Session, tmp_path: Path) -> None:
    session.data_set = data_set(tmp_path / "a")
    assert edited.undo_stack().canUndo()
    edited.undo_stack().undo()
    assert edited.state.edits == ()
