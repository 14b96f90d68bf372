"""Names and colours of parts beside the peaks of an image."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPoint, QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from s3n_gui.widgets.images.marks import Marks, PartTag, PeakMark, draw_marks

GROUND, COLOUR = QColor("#FFFFFF"), "#2BA176"


def painted(*peaks: PeakMark, side: int = 300) -> QImage:
    """Return a white view with the peaks, in its pixels."""
    image = QImage(side, side, QImage.Format.Format_RGB32)
    image.fill(GROUND)
    painter = QPainter(image)
    draw_marks(painter, Marks(peaks=peaks), _as_they_are, side, QRectF(image.rect()))
    painter.end()
    return image


def pixels(image: QImage) -> NDArray[np.uint32]:
    return np.frombuffer(image.constBits(), dtype=np.uint32).reshape(image.height(), image.width())


def changed(one: QImage, other: QImage) -> QRect:
    """Return the rectangle in which two views differ."""
    rows, columns = np.nonzero(pixels(one) != pixels(other))
    return QRect(QPoint(int(columns.min()), int(rows.min())), QPoint(int(columns.max()), int(rows.max())))


def has(image: QImage, colour: str) -> bool:
    return bool((pixels(image) == QColor(colour).rgb()).any())


def mark(x: float, y: float, *, named: bool = True, selected: bool = False) -> PeakMark:
    part = PartTag(name="part 4", colour=COLOUR) if named else None
    return PeakMark(key=(0, round(x)), x=x, y=y, strength=1.0, weight_d=1.0, weight_c=0.0, selected=selected, part=part)


def test_a_part_is_named_beside_its_peak_and_inside_the_view(themed: QApplication) -> None:
    plain, named = painted(mark(150, 150, named=False)), painted(mark(150, 150))
    assert has(named, COLOUR)
    assert not has(plain, COLOUR)
    assert changed(plain, named).left() > 150
    # At the right edge it is written at the left.
    at_edge = changed(painted(mark(290, 150, named=False)), painted(mark(290, 150)))
    assert at_edge.right() < 290
    assert at_edge.width() == changed(plain, named).width()


def test_a_small_view_has_swatches_and_the_name_of_the_selected_peak(themed: QApplication) -> None:
    swatch = changed(painted(mark(60, 60, named=False), side=120), painted(mark(60, 60), side=120))
    name = changed(
        painted(mark(60, 60, named=False, selected=True), side=120), painted(mark(60, 60, selected=True), side=120)
    )
    assert swatch.width() < 20 < name.width()


def _as_they_are(places: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(places, dtype=np.float64)
