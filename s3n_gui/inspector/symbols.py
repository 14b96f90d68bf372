"""The paper's symbols with their subscripts (``Q_d``), and the marks of the branches, painted."""

from __future__ import annotations

import re

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from s3n_gui.appearance.tokens import BRANCH_COLOURS, Branch

_PIECES = re.compile(r"([^_]+)|_(\w)")


def plain_symbol(text: str) -> str:
    """Return a symbol such as ``Q_d`` as plain text for screen readers."""
    return text.replace("_", " ")


def symbol_width(text: str, font: QFont) -> float:
    """Return the painted width of a symbol, in pixels."""
    return _walk(None, 0.0, 0.0, text, font)


def draw_symbol(painter: QPainter, x: float, baseline: float, text: str, font: QFont) -> float:
    """Paint a symbol with the painter's pen and return its width, in pixels."""
    return _walk(painter, x, baseline, text, font)


def draw_branch_mark(painter: QPainter, middle: QPointF, branch: Branch, size: float) -> None:
    """Paint a branch's mark: a disc for D, a ring for C, a square for O and the joint head."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = QColor(BRANCH_COLOURS[branch])
    if branch == "C":
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(colour, size * 0.24))
        painter.drawEllipse(middle, size * 0.38, size * 0.38)
    else:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        if branch == "D":
            painter.drawEllipse(middle, size / 2, size / 2)
        else:
            box = QRectF(middle.x() - size * 0.45, middle.y() - size * 0.45, size * 0.9, size * 0.9)
            painter.drawRoundedRect(box, size * 0.16, size * 0.16)
    painter.restore()


def _walk(painter: QPainter | None, x: float, baseline: float, text: str, font: QFont) -> float:
    small = QFont(font)
    small.setPixelSize(max(8, round(font.pixelSize() * 0.76)))
    start = x
    for plain, below in _PIECES.findall(text):
        used, words, drop = (font, plain, 0.0) if plain else (small, below, font.pixelSize() * 0.2)
        if painter is not None:
            painter.setFont(used)
            painter.drawText(QPointF(x, baseline + drop), words)
        x += QFontMetricsF(used).horizontalAdvance(words)
    return x - start
