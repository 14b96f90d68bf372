"""The card that offers the demo, with one of its synthetic birds; shown only if the demo is installed."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QImageReader, QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from s3n_gui.appearance.theme import px, theme
from s3n_gui.appearance.tokens import CORNER_RADIUS, INSIDE_GROUP, PAGE_MARGIN
from s3n_gui.state.demo import demo_images
from s3n_gui.widgets.images.cover import paint_cover


class DemoCard(QFrame):
    """Offers the demo.

    Signals:
        demo_asked: The button was pressed.
    """

    demo_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("role", "card")
        title = QLabel("See how it works")
        title.setProperty("role", "section")
        words = QLabel(
            "Synthetic birds that differ in a few parts, and a model trained to tell them apart. Nothing is downloaded."
        )
        words.setProperty("role", "quiet")
        words.setWordWrap(True)
        button = QPushButton("Try the demo")
        button.clicked.connect(self.demo_asked)
        column = QVBoxLayout()
        column.setSpacing(INSIDE_GROUP)
        column.addStretch(1)
        column.addWidget(title)
        column.addWidget(words)
        column.addSpacing(INSIDE_GROUP)
        column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 12, PAGE_MARGIN, 12)
        row.setSpacing(PAGE_MARGIN)
        row.addWidget(_Picture(min(demo_images().rglob("*.jpg"))))
        row.addLayout(column, 1)


class _Picture(QWidget):
    """A square image with rounded corners."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        reader = QImageReader(str(path))
        reader.setAutoTransform(True)
        size = reader.size()
        if size.isValid():
            reader.setScaledSize(size.scaled(QSize(480, 480), Qt.AspectRatioMode.KeepAspectRatioByExpanding))
        self._image = reader.read()
        self.setAccessibleName("A synthetic bird")
        theme().changed.connect(self._fit)
        self._fit()

    def _fit(self) -> None:
        side = min(px(150), 170)
        self.setFixedSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the largest centred square of the image."""
        painter = QPainter(self)
        paint_cover(painter, QRectF(self.rect()), self._image, CORNER_RADIUS)
        painter.end()
