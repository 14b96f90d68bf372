"""The banner above a page, which shows errors and notices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN

Kind = Literal["error", "notice"]
_MOST_KEPT = 8
_NOTICE_SECONDS = 12


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for the user."""

    kind: Kind
    sentence: str


class Banner(QWidget):
    """Shows the newest message; closing it shows the previous one. Notices disappear by themselves, errors stay."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._frame = QFrame()
        self._frame.setObjectName("banner")
        self._messages: list[Message] = []
        self._icon = QLabel()
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._more = QLabel()
        self._more.setProperty("role", "caption")
        close = QToolButton()
        set_icon(close, "close")
        close.setToolTip("Close this message")
        close.setAccessibleName("Close this message")
        close.clicked.connect(self.close_message)
        room = QHBoxLayout(self)
        room.setContentsMargins(PAGE_MARGIN, INSIDE_GROUP, PAGE_MARGIN, 0)
        room.addWidget(self._frame)
        row = QHBoxLayout(self._frame)
        row.setContentsMargins(12, 6, 6, 6)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(self._icon)
        row.addWidget(self._text, 1)
        row.addWidget(self._more)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._forget_notice)
        theme().changed.connect(self._draw)
        self.hide()

    def show_error(self, sentence: str) -> None:
        """Show an error, which stays until it is closed."""
        self._show(Message("error", sentence))

    def show_notice(self, sentence: str) -> None:
        """Show a notice for some seconds."""
        self._show(Message("notice", sentence))

    def messages(self) -> tuple[Message, ...]:
        """Return the open messages, newest last."""
        return tuple(self._messages)

    def close_message(self) -> None:
        """Close the visible message."""
        if self._messages:
            self._messages.pop()
        self._draw()

    def _show(self, message: Message) -> None:
        if message in self._messages:
            self._messages.remove(message)
        self._messages = [*self._messages, message][-_MOST_KEPT:]
        self._draw()

    def _forget_notice(self) -> None:
        if self._messages and self._messages[-1].kind == "notice":
            self.close_message()

    def _draw(self) -> None:
        self._timer.stop()
        self.setVisible(bool(self._messages))
        if not self._messages:
            return
        message = self._messages[-1]
        error = message.kind == "error"
        self._text.setText(message.sentence)
        self.setAccessibleName(message.sentence)
        set_icon(self._icon, "error" if error else "info", 20, colour=tokens().bad if error else tokens().accent)
        others = len(self._messages) - 1
        self._more.setText(f"{others} more" if others else "")
        self._frame.setProperty("kind", message.kind)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)
        if not error:
            self._timer.start(_NOTICE_SECONDS * 1000)
