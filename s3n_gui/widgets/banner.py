"""The banner above a page, which shows errors and notices."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from s3n_gui.appearance.theme import set_icon, theme, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.appearance.wording import label_text
from s3n_gui.state.messages import Message

_MOST_KEPT = 8
_NOTICE_SECONDS = 12


class Banner(QWidget):
    """Shows the newest message; closing it shows the previous one.

    Notices disappear after some seconds, unless they have a button. Errors stay until they are closed or their cause is
    over (`end`).

    Signals:
        focus_left: The banner is about to disappear while one of its buttons had the focus.
    """

    focus_left = Signal()

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
        self.action = QPushButton()
        self.action.clicked.connect(self._on_action)
        close = self.close_button = QToolButton()
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
        row.addWidget(self.action)
        row.addWidget(self._more)
        row.addWidget(close)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._forget_notice)
        theme().changed.connect(self._draw)
        self.hide()

    def show_error(self, sentence: str) -> None:
        """Show an error without a cause."""
        self.show_message(Message("error", sentence))

    def show_message(self, message: Message) -> None:
        """Show a message in front of the others; one of the same words takes its place."""
        others = [other for other in self._messages if (other.kind, other.sentence) != (message.kind, message.sentence)]
        self._messages = [*others, message][-_MOST_KEPT:]
        self._draw()

    def end(self, cause: str) -> None:
        """Drop the messages whose cause is over."""
        left = [message for message in self._messages if not cause or message.cause != cause]
        if len(left) != len(self._messages):
            self._messages = left
            self._draw()

    def messages(self) -> tuple[Message, ...]:
        """Return the open messages, newest last."""
        return tuple(self._messages)

    def close_message(self) -> None:
        """Close the visible message."""
        if self._messages:
            self._messages.pop()
        self._draw()

    def _on_action(self) -> None:
        act = self._messages[-1].act if self._messages else None
        self.close_message()
        if act is not None:
            act()

    def _forget_notice(self) -> None:
        if self._messages and self._messages[-1].kind == "notice":
            self.close_message()

    def _draw(self) -> None:
        self._timer.stop()
        focused = self.close_button.hasFocus() or self.action.hasFocus()
        if focused and not self._messages:
            self.focus_left.emit()  # first: hiding would move the focus to the next widget
        self.setVisible(bool(self._messages))
        if not self._messages:
            return
        message = self._messages[-1]
        error = message.kind == "error"
        self._text.setText(message.sentence)
        self.setAccessibleName(message.sentence)
        set_icon(self._icon, "error" if error else "info", 20, colour=tokens().bad if error else tokens().accent)
        self.action.setText(label_text(message.action))
        self.action.setVisible(bool(message.action))
        others = len(self._messages) - 1
        self._more.setText(f"{others} more" if others else "")
        self._frame.setProperty("kind", message.kind)
        self._frame.style().unpolish(self._frame)
        self._frame.style().polish(self._frame)
        if not error and not message.action:
            self._timer.start(_NOTICE_SECONDS * 1000)
