"""Bars of class probabilities: the joint head's top classes, and each branch's class."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_gui.appearance.theme import branch_colour, font, number_font, px, theme, tokens
from s3n_gui.appearance.tokens import Branch, ink_on
from s3n_gui.appearance.wording import tip_text

_HEIGHT = 36


@dataclass(frozen=True, slots=True)
class ScoreBar:
    """One bar.

    Attributes:
        branch: The head that predicts it: "joint", "O", "D" or "C".
        name: The class's display name.
        probability: In [0, 1].
        right: Whether it equals the label; None if unknown or not to be shown.
    """

    branch: Branch
    name: str
    probability: float
    right: bool | None = None


class ScoreBars(QWidget):
    """Bars in a column, each below its class name."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[ScoreBar, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)
        theme().changed.connect(self.updateGeometry)

    def show_bars(self, bars: tuple[ScoreBar, ...]) -> None:
        """Replace the bars."""
        self.bars = bars
        said = ", ".join(f"{bar.branch} {bar.name} {bar.probability:.3f}" for bar in bars)
        self.setAccessibleDescription(said)
        self.setToolTip(tip_text("\n".join(f"{bar.name}: {bar.probability:.3f}" for bar in bars)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size with a line of text and a bar for each class."""
        return QSize(px(240), px(_HEIGHT) * len(self.bars))

    def minimumSizeHint(self) -> QSize:
        """Return the same height with a minimal width."""
        return QSize(px(120), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the bars."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place, bar in enumerate(self.bars):
            self._paint(painter, bar, place * px(_HEIGHT))
        painter.end()

    def _paint(self, painter: QPainter, bar: ScoreBar, top: float) -> None:
        colour, left = branch_colour(bar.branch), 0.0
        line = px(20)
        if bar.branch != "joint":
            side = px(18)
            box = QRectF(0.5, top + (line - side) / 2 + 0.5, side, side)
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(colour)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(ink_on(colour.name())))
            painter.setFont(font("caption", semibold=True))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, bar.branch)
            left = side + px(8)
        painter.setFont(number_font("body"))
        metrics = painter.fontMetrics()
        number = f"{bar.probability:.3f}"
        room = self.width() - left - metrics.horizontalAdvance(number) - px(10)
        mark = {True: "✓ ", False: "✗ ", None: ""}[bar.right]
        painter.setPen(QColor(tokens().text))
        shown = metrics.elidedText(mark + bar.name, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(left, top, room, line), Qt.AlignmentFlag.AlignVCenter, shown)
        box = QRectF(0, top, self.width(), line)
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, number)
        track = QRectF(left, top + line + px(2), self.width() - left, px(5))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens().pressed))
        painter.drawRoundedRect(track, 2.5, 2.5)
        painter.setBrush(colour)
        filled = QRectF(track.left(), track.top(), max(track.width() * bar.probability, track.height()), track.height())
        painter.drawRoundedRect(filled, 2.5, 2.5)
