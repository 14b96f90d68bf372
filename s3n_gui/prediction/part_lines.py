"""The parts of an image's peaks, a line each: in the table's cells and in the preview."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_gui.appearance.theme import font, px, theme, tokens
from s3n_gui.appearance.wording import tip_text
from s3n_gui.widgets.part_swatch import draw_swatch, place_colour

TextSize = Literal["caption", "body"]
_LEFT = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


def part_lines(parts: Sequence[PartPlace]) -> list[tuple[PartPlace, str]]:
    """Return each part once, with its name and its number of peaks: "bill × 2"."""
    counts = Counter(place.part for place in parts)
    distinct = {place.part: place for place in parts}
    return [
        (place, place.name + (f" × {counts[number]}" if counts[number] > 1 else ""))
        for number, place in distinct.items()
    ]


def draw_parts(painter: QPainter, room: QRectF, parts: Sequence[PartPlace], size: TextSize = "caption") -> None:
    """Draw the parts of an image's peaks in the middle of a room, and how many more there are where it is too low."""
    found = part_lines(parts)
    painter.setFont(font(size))
    metrics = painter.fontMetrics()
    line = _line(metrics)
    lines = max(int(room.height() - px(2)) // line, 1)
    shown = found if len(found) <= lines else found[: lines - 1]
    more = len(found) - len(shown)
    top = room.center().y() - line * (len(shown) + (more > 0)) / 2
    for place, text in shown:
        left = draw_swatch(painter, room.left(), top + line / 2, place_colour(place))
        words = QRectF(left, top, room.right() - left, line)
        painter.setPen(QColor(tokens().text))
        painter.drawText(words, _LEFT, metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(words.width())))
        top += line
    if more:
        painter.setPen(QColor(tokens().quiet))
        painter.drawText(QRectF(room.left(), top, room.width(), line), _LEFT, f"and {more} more")


class PartLines(QWidget):
    """All parts of an image's peaks, in a column as high as they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.parts: Sequence[PartPlace] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Parts of the peaks")
        theme().changed.connect(self.updateGeometry)

    def show_parts(self, parts: Sequence[PartPlace]) -> None:
        """Show other parts."""
        self.parts = parts
        texts = [text for _, text in part_lines(parts)]
        self.setAccessibleDescription(", ".join(texts))
        self.setToolTip(tip_text("\n".join(texts)))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        """Return a size with a line for each part."""
        return QSize(px(240), _line(QFontMetrics(font("body"))) * len(part_lines(self.parts)) + px(2))

    def minimumSizeHint(self) -> QSize:
        """Return the same height with a minimal width."""
        return QSize(px(120), self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the lines."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        draw_parts(painter, QRectF(self.rect()), self.parts, "body")
        painter.end()


def _line(metrics: QFontMetrics) -> int:
    return int(metrics.height()) + px(2)
