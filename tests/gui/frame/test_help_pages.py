"""Every page of the window has a help page, in a format that Qt can show."""

import re

import pytest
from pytestqt.qtbot import QtBot

from s3n_gui.appearance.resources import resource
from s3n_gui.frame.dialogs.help import GLOSSARY, HelpDialog, has_help
from s3n_gui.frame.pages import PAGES

TOPICS = [*(entry.name for entry in PAGES), GLOSSARY, "precision"]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_page_has_help(topic: str, qtbot: QtBot) -> None:
    assert has_help(topic)
    dialog = HelpDialog(topic, "Help")
    qtbot.addWidget(dialog)
    shown = dialog.text.toPlainText()
    assert len(shown) > 400
    assert "<" not in shown.replace("<=", "")


@pytest.mark.parametrize("topic", TOPICS)
def test_help_closes_what_it_opens(topic: str) -> None:
    text = resource(f"help/{topic}.html").read_text(encoding="utf-8")
    for tag in ("p", "b", "i", "table", "tr", "td", "code", "span", "sub"):
        assert len(re.findall(rf"<{tag}[ >]", text)) == text.count(f"</{tag}>"), tag


def test_a_page_without_help_is_known() -> None:
    assert not has_help("no-such-page")
