"""Marks drawn over an image: peaks, grid lines, the network's input frame, the cursor; sized in screen pixels.

They look as in exported figures: a filled disc for T_d, a ring for T_c, a grey cross for a peak in neither set.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPainterPath, QPen, QPolygonF

from s3n_gui.appearance.theme import font
from s3n_gui.appearance.tokens import ANNOTATION, BRANCH_COLOURS, IMAGE_GROUND

ToScreen = Callable[[NDArray[np.floating]], NDArray[np.float64]]
"""Maps image coordinates (..., 2), as (x, y), to pixels of the view."""

_WHITE = QColor("#FFFFFF")
_HALO = QColor(0, 0, 0, 150)
_NAMED_FROM = 12  # lines of text that fit into a view's side, so that names of parts do not cover the image


@dataclass(frozen=True, slots=True, kw_only=True)
class PartTag:
    """The part of a peak.

    Attributes:
        name: Its name.
        colour: ``#RRGGBB``.
    """

    name: str
    colour: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PeakMark:
    """One peak on one image.

    Attributes:
        key: Identifies the peak: the cell of the response map where it was found.
        x: Position in the image's units.
        y: Position in the image's units, downwards.
        strength: R, in [0, 1]; stronger peaks have larger marks.
        weight_d: Membership in T_d, in [0, 1].
        weight_c: Membership in T_c, in [0, 1].
        selected: Whether it is the selected peak.
        outside: Whether it lies outside the annotated box.
        part: Its part, named beside it where there is room; None where no atlas knows it.
    """

    key: tuple[int, int]
    x: float
    y: float
    strength: float
    weight_d: float
    weight_c: float
    selected: bool = False
    outside: bool = False
    part: PartTag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceMark:
    """The outline of a place on one image.

    Attributes:
        rect: The place, in the image's units.
        round: Whether it is a disc; otherwise a square.
    """

    rect: QRectF
    round: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Marks:
    """All marks of one image, in the image's units.

    Attributes:
        peaks: The peaks.
        lines: Polylines of a grid, each (n, 2) as (x, y).
        seen: The region that the network sees; None if it sees all.
        whole: The rectangle of the image; it is dimmed outside ``seen``.
        places: Outlined places.
        labels: What the network sees, in words, and shorter ones for narrow views; empty: no label.
        box: The box of the data set, or None.
        parts: The key points of the data set, as (x, y).
    """

    peaks: tuple[PeakMark, ...] = ()
    lines: Sequence[NDArray[np.floating]] = ()
    seen: QRectF | None = None
    whole: QRectF | None = None
    places: tuple[PlaceMark, ...] = ()
    labels: tuple[str, ...] = ()
    box: QRectF | None = None
    parts: tuple[tuple[float, float], ...] = ()


def radius_of(strength: float, view_side: float) -> float:
    """Return a mark's radius in pixels; it grows with R and, slightly, with the view's side in pixels."""
    return min(max(view_side, 160.0), 720.0) * (0.009 + 0.0125 * min(max(strength, 0.0), 1.0)) + 1.5


def draw_marks(
    painter: QPainter, marks: Marks, to_screen: ToScreen, view_side: float, view: QRectF | None = None
) -> None:
    """Draw all marks except the cursor.

    Args:
        painter: The painter.
        marks: The marks.
        to_screen: From the image's units to pixels of the view.
        view_side: Side of a square of the view's area, in pixels.
        view: Where names of parts must lie; None: anywhere.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if marks.seen is not None and marks.whole is not None:
        _dim_outside(painter, marks.whole, marks.seen, to_screen)
    if len(marks.lines):
        _draw_lines(painter, marks.lines, to_screen)
    if marks.box is not None or marks.parts:
        _draw_annotation(painter, marks.box, marks.parts, to_screen)
    if marks.seen is not None and marks.whole is not None and marks.labels:
        _draw_label(painter, marks.labels, _on_screen(marks.whole, to_screen), _on_screen(marks.seen, to_screen))
    if marks.peaks:
        _draw_peaks(painter, marks.peaks, to_screen, view_side, view)
    for place in marks.places:
        draw_place(painter, _on_screen(place.rect, to_screen), round=place.round)


def draw_place(painter: QPainter, box: QRectF, *, round: bool) -> None:
    """Outline a place, given by its box in pixels of the view, with a dashed line that is visible on any image."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    dashed = QPen(_WHITE, 1.6, Qt.PenStyle.CustomDashLine, Qt.PenCapStyle.FlatCap)
    dashed.setDashPattern([3, 2])
    for pen in (QPen(_HALO, 3.2), dashed):
        painter.setPen(pen)
        if round:
            painter.drawEllipse(box)
        else:
            painter.drawRect(box)


def draw_cursor(painter: QPainter, place: QPointF, *, own: bool) -> None:
    """Draw the mark of the point under the mouse: a cross with an open centre.

    Args:
        painter: The painter of the view.
        place: Position in pixels of the view.
        own: Whether the mouse is in this view, where a smaller mark is enough.
    """
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    inner, outer = (4.0, 9.0) if own else (3.5, 11.0)
    lines = [
        QLineF(place.x() + inner * dx, place.y() + inner * dy, place.x() + outer * dx, place.y() + outer * dy)
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
    ]
    for colour, width in ((_HALO, 3.2), (_WHITE, 1.4)):
        painter.setPen(QPen(colour, width, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawLines(lines)


def draw_readout(painter: QPainter, text: str, font: QFont, view: QRectF) -> None:
    """Write a value into the lower right corner, on a dark background that is legible over any image."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    metrics = QFontMetricsF(font)
    width, height = metrics.horizontalAdvance(text) + 12, metrics.height() + 4
    box = QRectF(view.right() - width - 5, view.bottom() - height - 5, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 22, 26, 200))
    painter.drawRoundedRect(box, 4, 4)
    painter.setPen(_WHITE)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)


def _draw_lines(painter: QPainter, lines: Sequence[NDArray[np.floating]], to_screen: ToScreen) -> None:
    # A dark line below the white one keeps the grid visible on a bright sky.
    polygons = [QPolygonF([QPointF(x, y) for x, y in to_screen(line).tolist()]) for line in lines]
    for colour, width in ((QColor(0, 0, 0, 60), 1.8), (QColor(255, 255, 255, 153), 0.9)):
        painter.setPen(QPen(colour, width))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for polygon in polygons:
            painter.drawPolyline(polygon)


def _dim_outside(painter: QPainter, whole: QRectF, seen: QRectF, to_screen: ToScreen) -> None:
    """Dim what the network does not see, and frame what it sees."""
    outer, inner = (_on_screen(rect, to_screen) for rect in (whole, seen))
    path = QPainterPath()
    path.addRect(outer)
    hole = QPainterPath()
    hole.addRect(inner)
    ground = QColor(IMAGE_GROUND)
    ground.setAlphaF(0.62)
    painter.fillPath(path.subtracted(hole), ground)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(0, 0, 0, 90), 2.0))
    painter.drawRect(inner)
    pen = QPen(QColor(255, 255, 255, 230), 1.0, Qt.PenStyle.CustomDashLine)
    pen.setDashPattern([4, 4])
    painter.setPen(pen)
    painter.drawRect(inner)


def _draw_annotation(
    painter: QPainter, box: QRectF | None, parts: Sequence[tuple[float, float]], to_screen: ToScreen
) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if box is not None:
        frame = _on_screen(box, to_screen)
        for colour, width in ((QColor(0, 0, 0, 130), 3.2), (QColor(ANNOTATION), 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawRect(frame)
    painter.setPen(QPen(QColor(0, 0, 0, 190), 1.0))
    painter.setBrush(QColor(ANNOTATION))
    for x, y in to_screen(np.array(parts, dtype=np.float64).reshape(-1, 2)).tolist():
        painter.drawEllipse(QPointF(x, y), 2.6, 2.6)


def _draw_label(painter: QPainter, labels: Sequence[str], whole: QRectF, seen: QRectF) -> None:
    """Name the region that the network sees: below it if there is room, else in its lower edge."""
    letters = font("caption")
    painter.setFont(letters)
    metrics = QFontMetricsF(letters)
    height = metrics.height() + 2
    below = whole.bottom() - seen.bottom() >= height
    fitting = [text for text in labels if metrics.horizontalAdvance(text) + 10 <= (whole if below else seen).width()]
    if not fitting:
        return
    width = metrics.horizontalAdvance(fitting[0]) + 10
    x = max(min(seen.left(), whole.right() - width), whole.left())
    box = QRectF(x, seen.bottom() + 1 if below else seen.bottom() - height - 1, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 22, 26, 210))
    painter.drawRoundedRect(box, 3, 3)
    painter.setPen(_WHITE)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, fitting[0])


def draw_diamond(painter: QPainter, centre: QPointF, radius: float) -> None:
    """Draw an open diamond with the painter's pen: the mark of a peak outside the annotated box."""
    x, y = centre.x(), centre.y()
    corners = [QPointF(x, y - radius), QPointF(x + radius, y), QPointF(x, y + radius), QPointF(x - radius, y)]
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolygon(QPolygonF(corners))


def _on_screen(rect: QRectF, to_screen: ToScreen) -> QRectF:
    (x0, y0), (x1, y1) = to_screen(np.array([(rect.left(), rect.top()), (rect.right(), rect.bottom())])).tolist()
    return QRectF(QPointF(x0, y0), QPointF(x1, y1))


def _draw_peaks(
    painter: QPainter, peaks: Sequence[PeakMark], to_screen: ToScreen, view_side: float, view: QRectF | None
) -> None:
    places = to_screen(np.array([(peak.x, peak.y) for peak in peaks])).tolist()
    placed = sorted(zip(peaks, places, strict=True), key=lambda pair: -pair[0].strength)  # small ones on top
    for halo in (True, False):  # All halos first, so that a halo does not cover a neighbouring peak.
        for peak, (x, y) in placed:
            _draw_peak(painter, peak, QPointF(x, y), radius_of(peak.strength, view_side), halo=halo)
    for peak, (x, y) in placed:
        if peak.outside:
            for colour, width in ((_HALO, 3.2), (_WHITE, 1.4)):
                painter.setPen(QPen(colour, width))
                draw_diamond(painter, QPointF(x, y), 1.35 * radius_of(peak.strength, view_side) + 4.0)
        if peak.selected:
            radius = radius_of(peak.strength, view_side) + 5.0
            painter.setBrush(Qt.BrushStyle.NoBrush)
            for colour, width in ((_HALO, 3.4), (_WHITE, 1.6)):
                painter.setPen(QPen(colour, width))
                painter.drawEllipse(QPointF(x, y), radius, radius)
    if any(peak.part is not None for peak in peaks):
        _draw_parts(painter, placed, view_side, view)


def _draw_parts(
    painter: QPainter, placed: Sequence[tuple[PeakMark, list[float]]], view_side: float, view: QRectF | None
) -> None:
    """Write each peak's part beside it, the selected peak's first.

    Where two names would overlap, and in small views, there is the swatch alone, except for the selected peak.
    """
    letters = font("caption")
    painter.setFont(letters)
    metrics = QFontMetricsF(letters)
    height, side = metrics.height() + 2, metrics.height() * 0.6
    centres = {peak.key: (QPointF(x, y), radius_of(peak.strength, view_side)) for peak, (x, y) in placed}
    taken = [QRectF(centre.x() - r, centre.y() - r, 2 * r, 2 * r) for centre, r in centres.values()]
    for peak, _ in sorted(placed, key=lambda pair: not pair[0].selected):
        if peak.part is None:
            continue
        centre, radius = centres[peak.key]
        away = radius + (8.0 if peak.selected or peak.outside else 3.0)
        wide = side + metrics.horizontalAdvance(peak.part.name) + 13
        narrow = side + 6
        named = peak.selected or view_side >= _NAMED_FROM * metrics.height()
        for width in (wide, narrow) if named else (narrow,):
            found = [box for box in _beside(centre, away, width, height) if view is None or view.contains(box)]
            free = [box for box in found if not any(box.intersects(other) for other in taken)]
            if free:
                break
        else:
            free = found or [QRectF(centre.x() + away, centre.y() - height / 2, narrow, height)]
        box = free[0]
        taken.append(box)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(20, 22, 26, 210))
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QPen(_WHITE, 1))
        painter.setBrush(QColor(peak.part.colour))
        painter.drawRoundedRect(QRectF(box.left() + 3, box.center().y() - side / 2, side, side), 2, 2)
        if width == wide:
            words = box.adjusted(side + 8, 0, 0, 0)
            painter.drawText(words, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, peak.part.name)


def _beside(centre: QPointF, away: float, width: float, height: float) -> tuple[QRectF, ...]:
    """Return the boxes to the right and left of a mark, and above and below it."""
    x, y = centre.x(), centre.y()
    return (
        QRectF(x + away, y - height / 2, width, height),
        QRectF(x - away - width, y - height / 2, width, height),
        QRectF(x - width / 2, y + away, width, height),
        QRectF(x - width / 2, y - away - height, width, height),
    )


def _draw_peak(painter: QPainter, peak: PeakMark, place: QPointF, radius: float, *, halo: bool) -> None:
    in_d, in_c = peak.weight_d > 0.005, peak.weight_c > 0.005
    if not in_d and not in_c:
        r = 0.75 * radius
        pen = QPen(_WHITE if halo else QColor(BRANCH_COLOURS["O"]), 4.0 if halo else 2.2)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawLine(place + QPointF(-r, -r), place + QPointF(r, r))
        painter.drawLine(place + QPointF(-r, r), place + QPointF(r, -r))
        return
    disc = radius * ((1 - 0.42 * peak.weight_c) * peak.weight_d**0.5 if in_c else 1.0)
    ring = max(1.4, 0.42 * radius * peak.weight_c)
    if in_c:
        pen = QPen(_WHITE if halo else QColor(BRANCH_COLOURS["C"]), ring + (2.4 if halo else 0))
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(place, radius, radius)
    if in_d:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(_WHITE if halo else QColor(BRANCH_COLOURS["D"]))
        grown = disc + (1.3 if halo else 0)
        painter.drawEllipse(place, grown, grown)
