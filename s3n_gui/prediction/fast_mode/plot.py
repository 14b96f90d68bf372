"""A small curve of accuracy against passes per image: what fast mode saves and costs."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.evaluation.cascade import CascadePoint
from s3n_core.evaluation.intervals import wilson_interval
from s3n_gui.appearance.theme import branch_colour, number_font, px, theme, tokens

_BAND_ALPHA = 48
_LOWEST = (0.95, 0.9, 0.8, 0.7, 0.6, 0.4, 0.2, 0.0)


class FastModePlot(QWidget):
    """Accuracy (y, percent) over backbone passes per image (x); a click picks the nearest threshold.

    Signals:
        picked: The `CascadePoint` that the user has pointed at.
    """

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: Sequence[CascadePoint] = ()
        self._mark: CascadePoint | None = None
        self._low, self._most = 0.0, 3.0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Accuracy against passes per image")
        self.setToolTip(
            "Accuracy and mean number of passes per image for each threshold, on the validation images; click a point to use\n"
            "it. Left: O alone. Right: all branches. Band: 95 % interval of the accuracy"
        )
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        theme().changed.connect(self._fit)
        self._fit()

    def show_curve(self, curve: Sequence[CascadePoint]) -> None:
        """Show a curve, from stopping no image to stopping all."""
        self._curve = curve
        if curve:
            self._most = max(curve[0].passes, 2.0)
            least = min(wilson_interval(point.right, point.images)[0] for point in curve)
            self._low = next(low for low in _LOWEST if low <= max(least - 0.005, 0.0))
        self.update()

    def show_mark(self, point: CascadePoint | None) -> None:
        """Mark the chosen point."""
        self._mark = point
        self.update()

    def sizeHint(self) -> QSize:
        """Return a small size."""
        return QSize(px(440), px(180))

    def place_of(self, point: CascadePoint) -> QPointF:
        """Return where a point is drawn."""
        return self._place(point.passes, point.top1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the nearest point."""
        if self._curve:
            x = event.position().x()
            self.picked.emit(min(self._curve, key=lambda point: abs(self.place_of(point).x() - x)))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, band, curve, points and mark."""
        colours, field = tokens(), self._field()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(number_font("caption"))
        height = painter.fontMetrics().height()
        for share in (0.0, 0.5, 1.0):
            y = field.bottom() - share * field.height()
            painter.setPen(QPen(QColor(colours.border), 1))
            painter.drawLine(QPointF(field.left(), y), QPointF(field.right(), y))
            painter.setPen(QColor(colours.quiet))
            box = QRectF(0, y - height / 2, field.left() - 6, height)
            side = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, side, f"{100 * (self._low + share * (1 - self._low)):.3g} %")
        words = QRectF(field.left(), field.bottom() + 4, field.width(), height)
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft, "1 pass")
        painter.drawText(words, Qt.AlignmentFlag.AlignRight, f"{self._most:g} passes per image")
        if self._curve:
            self._draw_curve(painter)
        painter.end()

    def _draw_curve(self, painter: QPainter) -> None:
        colours, line = tokens(), [self.place_of(point) for point in self._curve]
        bounds = [wilson_interval(point.right, point.images) for point in self._curve]
        low, high = (
            [self._place(point.passes, bound[side]) for point, bound in zip(self._curve, bounds, strict=True)]
            for side in (0, 1)
        )
        shade = QColor(branch_colour("joint"))
        shade.setAlpha(_BAND_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF(low + high[::-1]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(branch_colour("joint"), 2))
        painter.drawPolyline(QPolygonF(line))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(branch_colour("joint"))
        for place in line:
            painter.drawEllipse(place, 2.5, 2.5)
        if self._mark is not None:
            place, field = self.place_of(self._mark), self._field()
            painter.setPen(QPen(QColor(colours.quiet), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(place.x(), field.top()), QPointF(place.x(), field.bottom()))
            painter.setPen(QPen(QColor(colours.card), 2))
            painter.drawEllipse(place, 6, 6)

    def _fit(self) -> None:
        self.setMinimumHeight(px(140))
        self.update()

    def _field(self) -> QRectF:
        height = self.fontMetrics().height()
        return QRectF(self.rect()).adjusted(px(48), height / 2, -px(12), -height - 6)

    def _place(self, passes: float, accuracy: float) -> QPointF:
        field = self._field()
        across = (passes - 1) / (self._most - 1)
        high = (accuracy - self._low) / (1 - self._low)
        return QPointF(field.left() + across * field.width(), field.bottom() - min(max(high, 0), 1) * field.height())
