"""The changes that random places make, as dots on an axis, and a line for the hidden place."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.inspection.hidden_place import Change
from s3n_core.inspection.number_text import signed_text
from s3n_gui.appearance.theme import branch_colour, number_font, px, theme, tokens
from s3n_gui.appearance.tokens import Branch


class StripPlot(QWidget):
    """A strip plot of one change."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._change: Change | None = None
        self._branch: Branch = "joint"
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Change of the logit margin")
        self.setToolTip(
            "Change of the logit margin. Dots: random places of the same size; the band holds 95 % of them, the tick is "
            "their median. Line: the hidden place."
        )
        theme().changed.connect(self._on_theme_changed)

    def show_change(self, change: Change | None, branch: Branch) -> None:
        """Show a change of a branch's logit margin."""
        self._change, self._branch = change, branch
        if change is None:
            self.setAccessibleDescription("")
        else:
            low, high = change.range
            self.setAccessibleDescription(
                f"Hidden place {signed_text(change.change)}; random places: median {signed_text(change.median)}, 95 % "
                f"range {signed_text(low)} to {signed_text(high)}"
            )
        self.update()

    def sizeHint(self) -> QSize:
        """Return the size of the dots, the axis and its numbers."""
        return QSize(px(240), px(58))

    def _on_theme_changed(self) -> None:
        self.updateGeometry()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the plot."""
        change = self._change
        if change is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        values = (change.change, *change.controls, 0.0)
        least, most = min(values), max(values)
        span = max(most - least, 1e-9)
        left, right, axis = px(10), self.width() - px(10), self.height() - px(20)

        def x_of(value: float) -> float:
            return left + (value - least) / span * (right - left)

        colours = tokens()
        low, high = change.range
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colours.selection))
        painter.drawRoundedRect(QRectF(x_of(low) - px(4), px(6), x_of(high) - x_of(low) + px(8), axis - px(6)), 4, 4)
        painter.setPen(QPen(QColor(colours.strong_border), 1))
        painter.drawLine(QPointF(left - px(6), axis), QPointF(right + px(6), axis))
        painter.setPen(QPen(QColor(colours.faint), 1, Qt.PenStyle.DotLine))
        painter.drawLine(QPointF(x_of(0), px(2)), QPointF(x_of(0), axis))
        self._draw_dots(painter, [x_of(value) for value in change.controls], axis)
        painter.setPen(QPen(QColor(colours.text), 2))
        middle = x_of(change.median)
        painter.drawLine(QPointF(middle, axis - px(4)), QPointF(middle, axis + px(3)))
        painter.setPen(QPen(branch_colour(self._branch), 2.5))
        here = x_of(change.change)
        painter.drawLine(QPointF(here, px(3)), QPointF(here, axis))
        self._draw_numbers(
            painter, [(here, signed_text(change.change), True), (middle, signed_text(change.median), False)]
        )
        painter.end()

    def _draw_dots(self, painter: QPainter, places: list[float], axis: float) -> None:
        """Draw a dot per control; dots that would cover each other are stacked."""
        radius, stacked = px(3), list[tuple[float, float]]()
        colour = QColor(tokens().quiet)
        colour.setAlphaF(0.8)
        painter.setPen(QPen(QColor(tokens().card), 0.8))
        painter.setBrush(colour)
        for x in sorted(places):
            level = 0
            while any(abs(x - other) < 2 * radius and level == at for other, at in stacked) and level < 4:
                level += 1
            stacked.append((x, level))
            painter.drawEllipse(QPointF(x, axis - px(5) - radius - level * 1.7 * radius), radius, radius)

    def _draw_numbers(self, painter: QPainter, numbers: list[tuple[float, str, bool]]) -> None:
        """Write numbers below the axis, the first one in any case, others where they do not touch it."""
        taken: list[QRectF] = []
        for x, text, strong in numbers:
            painter.setFont(number_font("caption", semibold=strong))
            width = painter.fontMetrics().horizontalAdvance(text) + 2
            box = QRectF(min(max(x - width / 2, 0), self.width() - width), self.height() - px(17), width, px(16))
            if any(box.adjusted(-px(6), 0, px(6), 0).intersects(other) for other in taken):
                continue
            taken.append(box)
            painter.setPen(QColor(tokens().text if strong else tokens().quiet))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
