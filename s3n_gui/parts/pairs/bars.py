"""The bars of a row: in how many images a part is found, its share, and what hiding it costs."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from s3n_core.parts.comparison.comparison import Interval
from s3n_gui.appearance.theme import number_font, px, tokens
from s3n_gui.appearance.tokens import mixed

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


def side_colour(side: int) -> QColor:
    """Return the colour of class A (0) or B (1): the accent, and a grey."""
    return QColor(tokens().accent if side == 0 else tokens().quiet)


def paint_found(painter: QPainter, place: QRect, found: tuple[int, int], images: tuple[int, int]) -> None:
    """Paint two thin bars with "33 of 40" behind each."""
    painter.setFont(number_font("caption"))
    metrics = painter.fontMetrics()
    texts = [f"{some:,} of {all_:,}" for some, all_ in zip(found, images, strict=True)]
    words = max(metrics.horizontalAdvance(text) for text in texts) + px(6)
    letter = px(14)
    half = place.height() // 2
    for side, text in enumerate(texts):
        line = QRect(place.left(), place.top() + side * half, place.width(), half)
        painter.setPen(QColor(tokens().quiet))
        painter.drawText(line, _LEFT, "AB"[side])
        painter.drawText(line, _RIGHT, text)
        room = QRectF(line.left() + letter, line.center().y() - px(3), max(line.width() - letter - words, 8), px(6))
        painter.fillRect(room, QColor(tokens().pressed))
        share = found[side] / max(images[side], 1)
        painter.fillRect(QRectF(room.left(), room.top(), room.width() * share, room.height()), side_colour(side))


def paint_measure(
    painter: QPainter,
    place: QRect,
    text: str,
    value: float | None,
    interval: Interval | None,
    bounds: Interval,
    *,
    colour: QColor,
    control: bool = False,
) -> None:
    """Paint a text, and below it a bar from zero with the interval of its end.

    Args:
        painter: The painter.
        place: Where.
        text: The text.
        value: The value; None: only the text.
        interval: Its interval, or None.
        bounds: The values at the left and the right edge; zero lies between them.
        colour: Of the bar.
        control: Mark zero as what random places cost.
    """
    half = place.height() // 2
    painter.setFont(number_font("caption"))
    painter.setPen(QColor(tokens().text))
    line = QRect(place.left(), place.top(), place.width(), half)
    painter.drawText(line, _LEFT, painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, line.width()))
    if value is None:
        return
    low, high = bounds
    scale = place.width() / max(high - low, 1e-9)
    middle = place.top() + half + half / 2

    def at(number: float) -> float:
        return place.left() + (min(max(number, low), high) - low) * scale

    room = QRectF(place.left(), middle - px(3), place.width(), px(6))
    painter.fillRect(room, QColor(tokens().pressed))
    ends = sorted((at(0.0), at(value)))
    painter.fillRect(QRectF(ends[0], room.top(), max(ends[1] - ends[0], 1.0), room.height()), colour)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if interval is not None:
        painter.setPen(QPen(QColor(tokens().text), 1.5))
        painter.drawLine(QPointF(at(interval[0]), middle), QPointF(at(interval[1]), middle))
        for end in interval:
            painter.drawLine(QPointF(at(end), middle - px(4)), QPointF(at(end), middle + px(4)))
    tick = QColor(mixed(tokens().quiet, tokens().text, 0.2)) if control else QColor(tokens().strong_border)
    painter.setPen(QPen(tick, 2.0 if control else 1.0))
    reach = px(7) if control else px(5)
    painter.drawLine(QPointF(at(0.0), middle - reach), QPointF(at(0.0), middle + reach))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
