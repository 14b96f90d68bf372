"""The answer: two lines in plain words, or the button that finds it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from s3n_core.datasets.records import displayed_class
from s3n_core.parts.comparison.answer import Answer
from s3n_gui.appearance.theme import px, set_icon, tokens
from s3n_gui.appearance.tokens import INSIDE_GROUP
from s3n_gui.widgets.progress_bar import ProgressBar


class _WholeLabel(QLabel):
    """Wrapped text that is never cut: a layout that lacks room would give it fewer lines than it needs."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Need the height of the text at the new width."""
        super().resizeEvent(event)
        self._fit()

    def setText(self, text: str) -> None:
        """Show another text."""
        super().setText(text)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        """Follow the text size."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def _fit(self) -> None:
        self.setMinimumHeight(0)  # Qt's height for a width is never below it
        self.setMinimumHeight(max(self.heightForWidth(self.width()), 0))


class AnswerCard(QFrame):
    """The card above the rows.

    Signals:
        compare_asked: Compare the two classes.
        stop_asked: Stop comparing.
    """

    compare_asked = Signal()
    stop_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        self.icon, self.first, self.second = QLabel(), _WholeLabel(), _WholeLabel()
        self.first.setProperty("role", "section")
        self.second.setProperty("role", "quiet")
        for label in (self.first, self.second):
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setFocusPolicy(Qt.FocusPolicy.NoFocus)
            label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.compare, self.stop = QPushButton("Compare"), QPushButton("Stop")
        self.compare.setProperty("role", "primary")
        self.compare.setToolTip("Hide each part in every image of the two classes, beside random patches (Ctrl+Enter)")
        set_icon(self.stop, "stop")
        self.stop.setToolTip("Stop comparing; nothing is kept (Ctrl+.)")
        self.progress = ProgressBar("Progress of the comparison")
        self.progress.setFixedWidth(px(140))
        words = QVBoxLayout()
        words.setSpacing(4)
        words.addWidget(self.first)
        words.addWidget(self.second)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10)
        row.setSpacing(INSIDE_GROUP)
        row.addWidget(self.icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        for widget in (self.progress, self.stop, self.compare):
            row.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        self.compare.clicked.connect(self.compare_asked)
        self.stop.clicked.connect(self.stop_asked)
        self.show_nothing()

    def minimumSizeHint(self) -> QSize:
        """Return the height of both lines at the width that they have, not at the least width."""
        lines = self.first.minimumHeight() + self.second.minimumHeight()
        return QSize(super().minimumSizeHint().width(), lines + 4 + 2 * 11)

    def show_nothing(self) -> None:
        """Show that no classes are chosen."""
        self._show("parts", "Choose two classes.", "The pairs at the left are those that the model confuses most.", "")

    def show_answer(self, answer: Answer) -> None:
        """Show the answer."""
        icon = {"part": "check", "background": "caution", "none": "info"}.get(answer.kind, "info")
        colour = {"part": tokens().good, "background": tokens().caution}.get(answer.kind, "")
        self._show(icon, answer.first, answer.second, "", colour=colour)

    def show_open(self, a: str, b: str | None, *, outdated: bool) -> None:
        """Show that two classes are not compared yet, or were before the parts were edited."""
        other = "all other classes" if b is None else displayed_class(b)
        first = f"What tells {displayed_class(a)} from {other}?"
        second = (
            "The parts have been edited since these classes were compared."
            if outdated
            else "Comparing hides each part in every image of both, beside random patches of the same size. The answer is kept."
        )
        self._show("parts", first, second, "Compare again" if outdated else "Compare")

    def show_job(self, state: str, fraction: float | None) -> None:
        """Show the progress of the comparison."""
        focused = self.compare.hasFocus()
        self.second.setText(state)
        self.compare.hide()
        self.stop.show()
        self.progress.show()
        self.progress.show_share(fraction)
        if focused:
            self.stop.setFocus()

    def _show(self, icon: str, first: str, second: str, button: str, *, colour: str = "") -> None:
        focused = self.stop.hasFocus()
        set_icon(self.icon, icon, 20, colour=colour or None)
        self.first.setText(first)
        self.second.setText(second)
        self.compare.setText(button)
        self.compare.setVisible(bool(button))
        self.stop.hide()
        self.progress.hide()
        if focused and button:
            self.compare.setFocus()
