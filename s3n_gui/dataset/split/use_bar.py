"""Bars that show how images are shared out among training, validation set and test; the same colours everywhere."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import theme, tokens
from s3n_gui.appearance.tokens import mixed


def use_colours() -> tuple[QColor, ...]:
    """Return the colour of each use, in the order of ``USES``, in steps of brightness; then none, for what is left out."""
    now = tokens()
    return (
        QColor(now.accent),
        QColor(mixed(now.accent, now.card, 0.55)),
        QColor(mixed(now.quiet, now.card, 0.25)),
        QColor(now.strong_border),
        QColor(0, 0, 0, 0),
    )


def paint_bar(painter: QPainter, place: QRectF, counts: Sequence[int], full: int) -> None:
    """Draw the parts of a bar one behind the other.

    Args:
        painter: Draws; anti-aliased.
        place: Where a full bar lies.
        counts: Number of images of each use.
        full: Number of images that fill the bar.
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
    """A bar over the whole width: all images."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts: tuple[int, ...] = (0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme().changed.connect(self.update)

    def show_counts(self, counts: Sequence[int]) -> None:
        """Show so many images of each use."""
        self._counts = tuple(counts)
        self.update()

    def sizeHint(self) -> QSize:
        """Flat."""
        return QSize(160, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw it."""
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
        """Draw it."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(use_colours()[self._use])
        painter.drawRoundedRect(QRectF(0, 0, 10, 10), 3, 3)
        painter.end()
