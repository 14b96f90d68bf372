"""Bars that show the proportions of training, validation and test images, with the same colours everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import theme, tokens
from s3n_gui.appearance.tokens import mixed


def use_colours() -> tuple[QColor, ...]:
    """Return the colour of each use, in the order of ``USES``, and a transparent one for left-out images."""
    now = tokens()
    return (
        QColor(now.accent),
        QColor(mixed(now.accent, now.card, 0.55)),
        QColor(mixed(now.quiet, now.card, 0.25)),
        QColor(now.strong_border),
        QColor(0, 0, 0, 0),
    )


def paint_bar(painter: QPainter, place: QRectF, counts: Sequence[int], full: int) -> None:
    """Draw a stacked bar.

    Args:
        painter: The painter, with antialiasing on.
        place: The rectangle of a full bar.
        counts: Number of images of each use, in the order of ``USES``.
        full: Number of images of a full bar.
    """
    total = sum(counts)
    if total == 0 or full <= 0:
        return
    shape = QPainterPath()
    whole = QRectF(place.left(), place.top(), max(place.width() * total / full, 2.0), place.height())
    shape.addRoundedRect(whole, min(2.0, place.height() / 2), min(2.0, place.height() / 2))
    painter.save()
    painter.setClipPath(shape)
    left = whole.left()
    for count, colour in zip(counts, use_colours(), strict=False):
        width = whole.width() * count / total
        painter.fillRect(QRectF(left, whole.top(), width, whole.height()), colour)
        left += width
    painter.restore()


class UseBar(QWidget):
    """A bar over the full width, for all images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: tuple[int, ...] = (0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show the number of images of each use, in the order of ``USES``."""
        self._counts = tuple(counts)
        self.update()

    def sizeHint(self) -> QSize:
        """Return the preferred size, in pixels."""
        return QSize(160, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_bar(painter, QRectF(self.rect()), self._counts, sum(self._counts))
        painter.end()


class UseDot(QWidget):
    """The colour of one use, for a legend."""

    def __init__(self, use: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._use = use
        self.setFixedSize(10, 10)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme().changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the dot."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(use_colours()[self._use])
        painter.drawRoundedRect(QRectF(0, 0, 10, 10), 3, 3)
        painter.end()
