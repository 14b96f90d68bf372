"""The banner: a message goes when its cause goes, and a notice may carry a button."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from s3n_core.datasets.records import DataSet, ImageRecord
from s3n_gui.state.messages import Cause
from s3n_gui.state.session import Session
from s3n_gui.widgets.banner import Banner


@pytest.fixture
def banner(themed: QApplication, session: Session, qtbot: QtBot) -> Banner:
    made = Banner()
    qtbot.addWidget(made)
    session.message_reported.connect(made.show_message)
    session.cause_ended.connect(made.end)
    return made


def shown(banner: Banner) -> list[str]:
    return [message.sentence for message in banner.messages()]


def opened(root: Path) -> DataSet:
    return DataSet(root=root, format="images", classes=(), records=(ImageRecord(path=root / "a.png", name="a.png"),))


def test_a_message_goes_with_its_cause_and_others_stay(banner: Banner, session: Session, tmp_path: Path) -> None:
    causes: tuple[Cause, ...] = ("open", "data", "model", "image", "run")
    for cause in causes:
        session.report_error(f"about {cause}", cause=cause)
    session.report_error("about nothing")
    session.data_set = opened(tmp_path)
    assert shown(banner) == ["about model", "about image", "about run", "about nothing"]
    session.model = tmp_path / "model.safetensors"
    session.image = tmp_path / "a.png"
    assert shown(banner) == ["about run", "about nothing"]
    session.run = tmp_path / "run"
    assert shown(banner) == ["about nothing"]
    session.end_cause("")
    assert shown(banner) == ["about nothing"]


def test_the_banner_is_hidden_when_its_last_message_goes(banner: Banner, session: Session) -> None:
    session.report_error("The export failed.", cause="export")
    assert banner.isVisibleTo(banner.parentWidget())
    session.end_cause("export")
    assert not banner.isVisibleTo(banner.parentWidget())


def test_a_notice_with_a_button_acts_once_and_goes(banner: Banner, session: Session, qtbot: QtBot) -> None:
    done: list[str] = []
    session.report_notice("A & B has finished.", action="Use A & B", act=lambda: done.append("used"))
    assert banner.action.text() == "Use A && B"
    qtbot.mouseClick(banner.action, Qt.MouseButton.LeftButton)
    assert done == ["used"]
    assert shown(banner) == []
    session.report_notice("Copied.")
    assert banner.action.isHidden()
