"""Panes at the sides fold away where there is no room, and take turns when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication, QHBoxLayout, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from s3n_gui.widgets.folding_panes import FoldingPanes

Made = tuple[FoldingPanes, QPushButton, QPushButton, QPushButton]


@pytest.fixture
def made(qtbot: QtBot, themed: QApplication) -> Iterator[Made]:
    """Panes of at least 200, 300 and 250 pixels, in a window of 1000 pixels."""
    left, main, right = QPushButton("left"), QPushButton("main"), QPushButton("right")
    for pane, least in ((left, 200), (main, 300), (right, 250)):
        pane.setMinimumWidth(least)
    panes = FoldingPanes(main, left=left, right=right, widths=(220, 500, 280))
    window = QWidget()
    row = QHBoxLayout(window)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(panes)
    qtbot.addWidget(window)
    window.resize(1000, 100)
    window.show()
    yield panes, left, main, right
    window.close()


def shown(made: Made) -> list[str]:
    return [pane.text() for pane in made[1:] if pane.isVisible()]


def widen(made: Made, width: int) -> list[str]:
    made[0].window().resize(width, 100)
    return shown(made)


def test_the_right_side_folds_first(made: Made) -> None:
    panes, left, _, right = made
    assert shown(made) == ["left", "main", "right"]
    assert [pane.width() for pane in (left, right)] == [220, 280], "the main pane takes the rest"
    assert widen(made, 700) == ["left", "main"]
    assert widen(made, 450) == ["main"]
    assert panes.minimumSizeHint().width() == 300, "so narrow may it be"
    assert widen(made, 1000) == ["left", "main", "right"]
    assert [pane.width() for pane in (left, right)] == [220, 280], "as before"


def test_a_side_that_is_asked_for_takes_the_place_of_the_others(made: Made) -> None:
    panes = made[0]
    widen(made, 700)
    panes.show_side("right", True)
    assert shown(made) == ["main", "right"]
    widen(made, 450)
    assert shown(made) == ["right"]
    panes.show_main()
    assert shown(made) == ["main"]
    panes.show_side("left", True)
    assert shown(made) == ["left"]
    panes.show_side("left", False)
    assert shown(made) == ["main"]
    assert widen(made, 1000) == ["left", "main", "right"], "what was folded away for lack of room comes back"


def test_a_side_that_is_hidden_stays_hidden(made: Made) -> None:
    panes = made[0]
    panes.show_side("right", False)
    assert shown(made) == ["left", "main"]
    assert panes.wanted == {"left": True, "right": False}
    widen(made, 450)
    assert widen(made, 1000) == ["left", "main"]
    panes.show_side("right", True)
    assert shown(made) == ["left", "main", "right"]


def test_the_focus_stays_in_the_panes(qtbot: QtBot, made: Made) -> None:
    panes, _, main, right = made
    panes.window().activateWindow()
    qtbot.waitActive(panes.window())
    right.setFocus()
    widen(made, 700)
    assert QApplication.focusWidget() is main
    panes.show_side("right", True)
    assert QApplication.focusWidget() is main, "who shows a side has not gone there"


def test_larger_content_folds_them_too(made: Made) -> None:
    _, left, _, _ = made
    left.setMinimumWidth(600)
    QApplication.processEvents()
    assert shown(made) == ["left", "main"]
