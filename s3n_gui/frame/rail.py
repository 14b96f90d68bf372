"""The rail on the left: one button per page with icon and title, and the settings button at the bottom."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QButtonGroup, QFrame, QToolButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.appearance.tokens import SPACE


class Rail(QFrame):
    """Buttons for the pages.

    Signals:
        page_chosen: The name of the page whose button was pressed.
        settings_asked: The gear was pressed.
    """

    page_chosen = Signal(str)
    settings_asked = Signal()

    def __init__(self, pages: Sequence[tuple[str, str, str, str]], parent: QWidget | None = None) -> None:
        """Create a button for each page.

        Args:
            pages: Name, title, icon and shortcut of each, from the top.
            parent: The widget that owns the rail.
        """
        super().__init__(parent)
        self.setObjectName("rail")
        self.setAccessibleName("Pages")
        self._group = QButtonGroup(self)
        self._group.setExclusive(True)
        self._names = [name for name, *_ in pages]
        column = self._column = QVBoxLayout(self)
        for index, (_, word, icon, shortcut) in enumerate(pages):
            button = self._button(word, icon)
            button.setCheckable(True)
            keys = QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            button.setToolTip(f"{word} ({keys})" if keys else word)
            self._group.addButton(button, index)
            column.addWidget(button)
        column.addStretch(1)
        gear = self._button("Settings", "settings")
        gear.setToolTip("Settings")
        gear.clicked.connect(self.settings_asked)
        column.addWidget(gear)
        self._group.idClicked.connect(self._on_clicked)
        theme().changed.connect(self._fit)
        self._fit()

    def show_current(self, name: str) -> None:
        """Mark the visible page."""
        if name in self._names:
            self._group.button(self._names.index(name)).setChecked(True)

    def button(self, name: str) -> QToolButton:
        """Return the button of a page."""
        button = self._group.button(self._names.index(name))
        assert isinstance(button, QToolButton)
        return button

    def _button(self, word: str, icon: str) -> QToolButton:
        button = QToolButton()
        button.setText(word)
        button.setAccessibleName(word)
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        set_icon(button, icon, 20)
        return button

    def _fit(self) -> None:
        self.setFixedWidth(px(68) + 2 * SPACE)
        # Large words leave less room between them, so that all fit on a small screen.
        between = SPACE if px(100) < 130 else 1
        self._column.setContentsMargins(SPACE, 2 * between, SPACE, 2 * between)
        self._column.setSpacing(between)

    def _on_clicked(self, index: int) -> None:
        self.page_chosen.emit(self._names[index])
