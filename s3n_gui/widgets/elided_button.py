"""A button that shortens its text with "…" if it does not fit, instead of widening the window or cutting letters."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QStyle, QStyleOptionButton, QStylePainter, QWidget

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import px
from s3n_gui.appearance.wording import label_text

_LEAST_TEXT = 32
"""Room for a few letters, in pixels at normal text size."""


class ElidedButton(QPushButton):
    """A push button that may be narrower than its text.

    Args:
        text: The text; ``&`` is written ``&&``, as for every button.
        name: Whether it is a name, whose end stays; of a sentence the start stays.
        parent: The widget that owns it.
    """

    def __init__(self, text: str = "", *, name: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._is_name = name
        self.setProperty("elides", True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        """Return a width for the icon and a few letters."""
        size = self.sizeHint()
        text = self.fontMetrics().horizontalAdvance(self._plain())
        return QSize(size.width() - max(text - px(_LEAST_TEXT), 0), size.height())

    @property
    def shown(self) -> str:
        """The text as it is drawn at the present width."""
        lacking = self.sizeHint().width() - self.width()
        if lacking <= 0:
            return self._plain()
        metrics = self.fontMetrics()
        room = metrics.horizontalAdvance(self._plain()) - lacking
        if self._is_name:
            return elided_name(self._plain(), metrics, room)
        return metrics.elidedText(self._plain(), Qt.TextElideMode.ElideRight, room)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the button with the text that fits."""
        option = QStyleOptionButton()
        self.initStyleOption(option)
        option.text = label_text(self.shown)
        painter = QStylePainter(self)
        painter.drawControl(QStyle.ControlElement.CE_PushButton, option)
        painter.end()

    def _plain(self) -> str:
        return self.text().replace("&&", "&")
