"""Shared by the tests of the Parts page: a page with a small data set, and one with its atlas open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from made_up_atlas import draw_pictures, write_atlas
from pytestqt.qtbot import QtBot

from s3n_core.datasets.detection import open_data_set
from s3n_gui.background.jobs import JobList
from s3n_gui.parts.panel import PartsPage, page
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """The folder of a small data set."""
    folder = tmp_path / "birds"
    draw_pictures(folder, 4)
    return folder


@pytest.fixture
def parts(session: Session, settings: Settings, jobs: JobList, tmp_path: Path, qtbot: QtBot) -> Iterator[PartsPage]:
    """The page, shown."""
    recent = RecentList(tmp_path / "recent.json")
    opener = Opener(session, recent)
    made = page(session, settings, jobs, recent, opener)
    assert isinstance(made, PartsPage)
    qtbot.addWidget(made)
    made.resize(1300, 700)
    made.show()
    yield made
    made.shut_down()
    opener.close()


@pytest.fixture
def opened(parts: PartsPage, session: Session, pictures: Path, tmp_path: Path, qtbot: QtBot) -> PartsPage:
    """The page with an atlas of the small data set."""
    write_atlas(tmp_path / "atlas", pictures, [record.name for record in open_data_set(pictures).records])
    session.atlas = tmp_path / "atlas"
    qtbot.waitUntil(lambda: parts.controller.stage == "open" and parts.is_ready())
    return parts
