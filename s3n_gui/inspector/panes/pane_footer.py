"""The strip below a pane's image: a colour bar if there is a map, else the key to the marks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QStackedLayout, QVBoxLayout, QWidget

from s3n_core.datasets.records import Annotation
from s3n_core.inspection.geometry import largest_magnification
from s3n_core.inspection.inspection import Inspection
from s3n_core.inspection.number_text import magnification_text
from s3n_core.inspection.peak import Peak
from s3n_gui.appearance.theme import font, px, theme, tokens
from s3n_gui.inspector.panes.pane_content import PaneContent
from s3n_gui.inspector.panes.pane_kinds import warped_of
from s3n_gui.inspector.symbols import draw_branch_mark, draw_symbol, symbol_width
from s3n_gui.widgets.colour_bar import ColourBar
from s3n_gui.widgets.images.marks import draw_diamond


class PaneFooter(QWidget):
    """Colour bar or key, with the same height, so that all images of a row have the same size."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bar = ColourBar()
        self.key = _Key()
        self._pages = QStackedLayout()
        outer = QVBoxLayout(self)
        outer.setContentsMargins(8, 4, 8, 4)
        outer.addLayout(self._pages)
        self._pages.addWidget(self.bar)
        self._pages.addWidget(self.key)

    def show_nothing(self) -> None:
        """Show an empty strip."""
        self.key.show_parts([])
        self._pages.setCurrentWidget(self.key)

    def show_content(
        self,
        inspection: Inspection,
        content: PaneContent,
        table: NDArray[np.uint8],
        annotation: Annotation | None = None,
    ) -> None:
        """Show the colour bar or the key of a pane's content; the key counts the peaks outside an annotated box."""
        if content.limits is not None:
            self.bar.set_range(content.limits, table)
            self._pages.setCurrentWidget(self.bar)
            return
        if content.kind == "contributions":  # still to come
            self.show_nothing()
            return
        if content.kind == "peaks":
            self.key.show_parts(_peak_parts(inspection, annotation or Annotation()))
        else:
            self.key.show_parts(_image_parts(inspection, content))
        self._pages.setCurrentWidget(self.key)

    def show_value(self, value: float | None) -> None:
        """Mark the value under the cursor."""
        self.bar.set_value(value)


def _peak_parts(inspection: Inspection, annotation: Annotation) -> list[tuple[str, str]]:
    parts = _set_parts(inspection)
    if annotation.box is None:
        return parts
    outside = sum(annotation.is_outside(peak.x, peak.y) for peak in inspection.warps.peaks)
    said = [("outside", f"{outside} outside the box")]
    return said + parts if outside else parts + said  # a narrow pane shows the first parts only


def _set_parts(inspection: Inspection) -> list[tuple[str, str]]:
    peaks = [peak for peak in inspection.warps.peaks if peak.set != "off"]
    if inspection.response.attention != "sparse":
        return [("", f"{len(peaks)} peaks; the maps do not depend on them")]
    if any(0 < peak.weight_d < 1 for peak in peaks):
        return [("D", "strong (D)"), ("C", "supporting (C)"), ("", f"{len(peaks)} peaks")]
    in_d, in_c = (sum(weight > 0 for weight in weights) for weights in zip(*_weights(peaks), strict=True))
    return [("D", f"{in_d} strong (D)"), ("C", f"{in_c} supporting (C)"), ("", "larger: stronger R")]


def _weights(peaks: Sequence[Peak]) -> list[tuple[float, float]]:
    return [(peak.weight_d, peak.weight_c) for peak in peaks] or [(0.0, 0.0)]


def _image_parts(inspection: Inspection, content: PaneContent) -> list[tuple[str, str]]:
    branch = warped_of(content.kind)
    times = magnification_text(largest_magnification(inspection.warps.grid(branch)))
    side = len(inspection.warps.image(branch))
    return [("", f"up to {times} × in area"), ("", f"{side} × {side} px")]


class _Key(QWidget):
    def __init__(self) -> None:
        super().__init__()
        self._parts: list[tuple[str, str]] = []
        theme().changed.connect(self.update)

    def show_parts(self, parts: list[tuple[str, str]]) -> None:
        """Show texts, each with a branch's mark ("D", "C") or none; texts that do not fit are dropped from the end."""
        self._parts = parts
        self.setAccessibleName(", ".join(text.replace("_", " ") for _, text in parts))
        self.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(40, px(16))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        small = font("caption")
        painter.setFont(small)
        metrics = painter.fontMetrics()
        baseline = (self.height() + metrics.ascent() - metrics.descent()) / 2
        x = 1.0
        for branch, text in self._parts:
            mark = px(12) if branch else 0
            width = symbol_width(text, small)
            if x + mark + width > self.width():
                if x > 1:
                    break
                text = metrics.elidedText(text, Qt.TextElideMode.ElideRight, int(self.width() - x - mark))
            if branch in ("D", "C"):
                draw_branch_mark(painter, QPointF(x + px(4), self.height() / 2), branch, px(9))  # type: ignore[arg-type]
            if branch == "outside":
                painter.setRenderHint(QPainter.RenderHint.Antialiasing)
                painter.setPen(QPen(QColor(tokens().text), 1.2))
                draw_diamond(painter, QPointF(x + px(4), self.height() / 2), px(5))
            painter.setPen(QColor(tokens().quiet))
            x += mark
            x += draw_symbol(painter, x, baseline, text, small) + px(12)
        painter.end()
