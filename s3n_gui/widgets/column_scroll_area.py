"""A scroll area for a column of controls: it scrolls up and down, and is never narrower than its content."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QStyle, QWidget

_LEAST_HEIGHT = 64


class ColumnScrollArea(QScrollArea):
    """Scrolls a column that a small window or large text leave too little height for.

    Args:
        parent: The widget that owns it.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def sizeHint(self) -> QSize:
        """Return the size at which the whole column is visible."""
        column = self.widget()
        return super().sizeHint() if column is None else column.sizeHint().expandedTo(self.minimumSizeHint())

    def minimumSizeHint(self) -> QSize:
        """Return the least width of the column, with its scroll bar, and at most a small height."""
        column = self.widget()
        if column is None:
            return super().minimumSizeHint()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent, None, self.verticalScrollBar())
        least = max(column.minimumSizeHint().width(), column.minimumWidth())
        return QSize(least + bar + 2 * self.frameWidth(), min(_LEAST_HEIGHT, column.sizeHint().height()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Pass on that the column needs another width."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)
