"""A label that shortens its text with "…" if it does not fit."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from s3n_gui.appearance.eliding import elided_name

_FEWEST = 4  # letters before "…" are no word, and of a number they would be another number


class ElidedLabel(QLabel):
    """One line of plain text; the label may be narrower than its text.

    Args:
        text: The text.
        name: Whether it is a name, whose end stays; of a sentence the start stays.
        parent: The widget that owns it.
    """

    def __init__(self, text: str = "", *, name: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._is_name = name
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("elides", True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return a width for a few letters."""
        return QSize(24, super().minimumSizeHint().height())

    @property
    def shown(self) -> str:
        """The text as it is drawn at the present width: empty where only a few letters would be left."""
        text, metrics, room = self.text(), self.fontMetrics(), self.contentsRect().width()
        shown = (
            elided_name(text, metrics, room)
            if self._is_name
            else metrics.elidedText(text, Qt.TextElideMode.ElideRight, room)
        )
        return shown if shown == text or len(shown) > _FEWEST + 1 else ""

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), self.alignment() | Qt.AlignmentFlag.AlignVCenter, self.shown)
        painter.end()
