"""A small plot of accuracy against coverage, or without labels of coverage against threshold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from s3n_core.evaluation.coverage import CoverageCurve
from s3n_gui.appearance.theme import branch_colour, number_font, px, theme, tokens

_BAND_ALPHA = 48
_LEAST_HEIGHT = 64
_LOWEST = (0.9, 0.8, 0.6, 0.4, 0.2, 0.0)


class CoveragePlot(QWidget):
    """Accuracy (y) over coverage (x), both in percent; or coverage (y) over threshold (x).

    Signals:
        picked: The user has pointed at a position of the horizontal axis, in [0, 1].
    """

    picked = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._across: NDArray[Any] = np.zeros(0)
        self._upward: NDArray[Any] = np.zeros(0)
        self._band: tuple[NDArray[Any], NDArray[Any]] | None = None
        self._mark: tuple[float, float] | None = None
        self._low = 0.0
        self._judged = True
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        theme().changed.connect(self._fit)
        self._fit()

    def show_accuracy(self, curve: CoverageCurve) -> None:
        """Show accuracy over coverage, with a band for the 95 % interval at each point."""
        self._across, self._upward, self._judged = curve.coverage, curve.accuracy, True
        self._band = (curve.low, curve.high)
        least = float(curve.low.min()) if len(curve.low) else 0.0
        self._low = next(low for low in _LOWEST if low <= max(least - 0.01, 0.0))
        self.setToolTip(
            "Coverage (share of images kept) and accuracy when only the most confident predictions are kept.\n"
            "Band: 95 % interval of the accuracy at each point"
        )
        self.setAccessibleName("Accuracy against coverage")
        self.update()

    def show_coverage(self, threshold: NDArray[Any], coverage: NDArray[Any]) -> None:
        """Show coverage over threshold, both in [0, 1]."""
        self._across, self._upward, self._low, self._judged = threshold, coverage, 0.0, False
        self._band = None
        self.setToolTip("Share of images with at least this confidence")
        self.setAccessibleName("Coverage against threshold")
        self.update()

    def show_mark(self, across: float, upward: float | None) -> None:
        """Mark the threshold at (``across``, ``upward``), both in [0, 1]; no mark if ``upward`` is None."""
        self._mark = None if upward is None else (across, upward)
        self.update()

    def sizeHint(self) -> QSize:
        """Return a small size."""
        return QSize(px(260), px(120))

    def _fit(self) -> None:
        self.setMinimumHeight(px(_LEAST_HEIGHT))
        self.update()

    def _field(self) -> QRectF:
        return QRectF(self.rect()).adjusted(px(38), px(6), -px(12), -px(20))

    def _place(self, across: float, upward: float) -> QPointF:
        field = self._field()
        high = (upward - self._low) / (1 - self._low)
        return QPointF(field.left() + across * field.width(), field.bottom() - min(max(high, 0), 1) * field.height())

    def _line(self, upward: NDArray[Any]) -> list[QPointF]:
        return [self._place(x, y) for x, y in zip(self._across.tolist(), upward.tolist(), strict=True)]

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pick the position under the mouse."""
        self._pick(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pick the position under the mouse while a button is down."""
        self._pick(event)

    def _pick(self, event: QMouseEvent) -> None:
        field = self._field()
        if len(self._across) and field.width() > 0:
            self.picked.emit(min(max((event.position().x() - field.left()) / field.width(), 0.0), 1.0))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw axes, curve and mark."""
        colours, field = tokens(), self._field()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(number_font("caption"))
        height = painter.fontMetrics().height()
        for share in (0.0, 0.5, 1.0) if field.height() >= 2.4 * height else (0.0, 1.0):
            value = self._low + share * (1 - self._low)
            y = field.bottom() - share * field.height()
            painter.setPen(QPen(QColor(colours.border), 1))
            painter.drawLine(QPointF(field.left(), y), QPointF(field.right(), y))
            painter.setPen(QColor(colours.quiet))
            box = QRectF(0, y - height / 2, field.left() - 6, height)
            painter.drawText(box, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, f"{100 * value:.0f} %")
        for share, side in (
            (0.0, Qt.AlignmentFlag.AlignLeft),
            (0.5, Qt.AlignmentFlag.AlignHCenter),
            (1.0, Qt.AlignmentFlag.AlignRight),
        ):
            number = f"{100 * share:.0f} %" if self._judged else f"{share:g}"
            text = (number + " of the images" if self._judged else "threshold " + number) if share == 1 else number
            taken = painter.fontMetrics().horizontalAdvance(text)
            if share == 1 and taken + px(30) > field.width() / 2:
                text = number
            box = QRectF(field.left(), field.bottom() + 4, field.width(), height)
            painter.drawText(box, side, text)
        if len(self._across):
            if self._band is not None:
                low, high = (self._line(bound) for bound in self._band)
                shade = QColor(branch_colour("joint"))
                shade.setAlpha(_BAND_ALPHA)
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(shade)
                painter.drawPolygon(QPolygonF(low + high[::-1]))
                painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(branch_colour("joint"), 2))
            painter.drawPolyline(QPolygonF(self._line(self._upward)))
        if self._mark is not None:
            place = self._place(*self._mark)
            painter.setPen(QPen(QColor(colours.quiet), 1, Qt.PenStyle.DashLine))
            painter.drawLine(QPointF(place.x(), field.top()), QPointF(place.x(), field.bottom()))
            painter.setPen(QPen(QColor(colours.card), 2))
            painter.setBrush(branch_colour("joint"))
            painter.drawEllipse(place, 5, 5)
        painter.end()
