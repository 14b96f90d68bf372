"""Continuing where the user left off: the image is shown again, unless the user has opened another meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from pytestqt.qtbot import QtBot

from s3n_gui.state.last_place import LastPlace
from s3n_gui.state.opening import Opener
from s3n_gui.state.recent import RecentList
from s3n_gui.state.session import Session


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    folder = tmp_path / "birds"
    folder.mkdir()
    for number in range(3):
        Image.new("RGB", (8, 6), (20 * number, 0, 0)).save(folder / f"{number}.png")
    return folder


@pytest.fixture
def opener(session: Session, tmp_path: Path) -> Iterator[Opener]:
    made = Opener(session, RecentList(tmp_path / "recent.json"))
    yield made
    made.close()


def test_the_image_is_shown_again_once_its_data_set_is_read(
    qtbot: QtBot, opener: Opener, session: Session, birds: Path
) -> None:
    def choose_first() -> None:  # as a page does
        session.image = birds / "0.png"

    session.data_set_changed.connect(choose_first)
    with qtbot.waitSignal(session.data_set_changed):
        opener.restore(LastPlace(page="inspect", moment=0.0, data=birds, image=birds / "1.png"))
    qtbot.waitUntil(lambda: session.image == birds / "1.png")


@pytest.mark.parametrize("chosen_by", ["the window", "a page"])
def test_an_image_that_is_opened_meanwhile_stays(
    qtbot: QtBot, opener: Opener, session: Session, birds: Path, chosen_by: str
) -> None:
    with qtbot.waitSignal(opener.busy_changed, check_params_cb=lambda busy: not busy):
        opener.restore(LastPlace(page="inspect", moment=0.0, data=birds, image=birds / "1.png"))
        if chosen_by == "the window":
            opener.open_image(birds / "2.png")
        else:
            session.image = birds / "2.png"
    assert session.data_set is not None
    assert session.image == birds / "2.png"


def test_a_data_set_that_cannot_be_read_leaves_nothing_behind(
    qtbot: QtBot, opener: Opener, session: Session, birds: Path, tmp_path: Path
) -> None:
    with qtbot.waitSignal(session.error_reported) as said:
        opener.restore(LastPlace(page="inspect", moment=0.0, data=tmp_path / "gone", image=birds / "1.png"))
    assert "gone" in said.args[0]
    assert session.data_set is None
    assert opener._wanted_image is None
