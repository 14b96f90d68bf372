"""Small synthetic data sets, and the Data page on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot
from small_pictures import draw

from s3n_core.datasets.detection import open_data_set
from s3n_core.datasets.records import DataSet
from s3n_gui.background.jobs import JobList
from s3n_gui.dataset.controller import DataController
from s3n_gui.dataset.panel import DataPage, page
from s3n_gui.dataset.survey import Survey, survey
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session
from s3n_gui.state.settings import Settings


@pytest.fixture
def folder(tmp_path: Path, qapp: object) -> Path:
    """Three classes of 8 training and 2 test images; one broken file, two copies (one in test), one with two labels."""
    root = tmp_path / "vögel 鳥"
    shade = 0
    for part, count in (("train", 8), ("test", 2)):
        for name in ("Aster_bird", "Bird_ñandú", "空_bird"):
            for number in range(count):
                draw(root / part / name / f"bird {number}.png", shade)
                shade += 1
    train = root / "train"
    (train / "Aster_bird" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    (train / "Aster_bird" / "copy.png").write_bytes((train / "Aster_bird" / "bird 0.png").read_bytes())
    (train / "空_bird" / "leak.png").write_bytes((root / "test" / "空_bird" / "bird 0.png").read_bytes())
    (train / "空_bird" / "two.png").write_bytes((train / "Bird_ñandú" / "bird 3.png").read_bytes())
    return root


@pytest.fixture
def data_set(folder: Path) -> DataSet:
    return open_data_set(folder)


@pytest.fixture
def prepared(data_set: DataSet) -> Survey:
    return survey(data_set)


@pytest.fixture
def controller(session: Session, jobs: JobList, qtbot: QtBot) -> Iterator[DataController]:
    """A controller with nothing open."""
    made = DataController(session, jobs)
    yield made
    made.close()


@pytest.fixture
def data_page(session: Session, settings: Settings, jobs: JobList, themed: object, qtbot: QtBot) -> Iterator[DataPage]:
    """The page, shown at the minimum size of the window, with nothing open."""
    opener = Opener(session, RecentList())
    made = page(session, settings, jobs, opener)
    qtbot.addWidget(made)
    made.resize(1204, 620)
    made.show()
    yield made
    made.shut_down()
    opener.close()
