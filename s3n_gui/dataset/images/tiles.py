"""The tiles of the grid: thumbnail, class, and marks for split, tags, findings and left-out images."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.icons import draw_icon
from s3n_gui.appearance.theme import font, px, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.dataset.images.image_model import LEFT_OUT_ROLE, PATH_ROLE, TAGS_ROLE, TROUBLE_ROLE, USE_ROLE
from s3n_gui.widgets.images.cover import paint_cover
from s3n_gui.widgets.model_index import AnyIndex

_GAP = 5.0  # pixels between a tile and the edge of its cell
_RADIUS = 6.0
_BADGE = 20
ASPECT = 0.78
"""Height of a thumbnail over its width; typical photographs lose little at their edges."""


def tile_height(width: int) -> int:
    """Return the height of a cell of a width, in pixels, with room for the line below the thumbnail."""
    return round((width - 2 * _GAP) * ASPECT + 2 * _GAP) + px(20)


class TileDelegate(QStyledItemDelegate):
    """Paints tiles. Left-out images are faded and also get a badge and a word: colour alone is never the only mark."""

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one tile."""
        colours = tokens()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        left_out = bool(index.data(LEFT_OUT_ROLE))
        cell = QRectF(option.rect)
        picture = QRectF(
            cell.left() + _GAP, cell.top() + _GAP, cell.width() - 2 * _GAP, (cell.width() - 2 * _GAP) * ASPECT
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        self._paint_picture(painter, picture, self._thumbnails.image(index.data(PATH_ROLE)), faded=left_out)
        if chosen or hovered:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.strong_border), 2.5 if chosen else 1.5))
            outset = 2.0 if chosen else 1.0
            frame = picture.adjusted(-outset, -outset, outset, outset)
            painter.drawRoundedRect(frame, _RADIUS + outset, _RADIUS + outset)
        badges = (["eye-off"] if left_out else []) + (["caution"] if index.data(TROUBLE_ROLE) else [])
        badges += ["tag"] if index.data(TAGS_ROLE) else []
        for place, name in enumerate(badges):
            corner = QPointF(picture.right() - (place + 1) * (_BADGE + 4), picture.top() + 4)
            painter.drawPixmap(
                QRectF(corner, QSize(_BADGE, _BADGE)), _badge(name), QRectF(0, 0, 2 * _BADGE, 2 * _BADGE)
            )
        self._paint_words(painter, cell, picture, index, left_out)
        painter.restore()

    def _paint_picture(self, painter: QPainter, place: QRectF, image: QImage | None, *, faded: bool) -> None:
        shape = QPainterPath()
        shape.addRoundedRect(place, _RADIUS, _RADIUS)
        painter.fillPath(shape, QColor(tokens().hover if image is None else tokens().image_ground))
        if image is None:
            return
        paint_cover(painter, place, image, _RADIUS, opacity=0.25 if faded else 1.0)

    def _paint_words(self, painter: QPainter, cell: QRectF, picture: QRectF, index: AnyIndex, left_out: bool) -> None:
        colours = tokens()
        painter.setFont(font("caption"))
        metrics = painter.fontMetrics()
        line = QRectF(
            picture.left() + 1, picture.bottom() + 3, picture.width() - 2, cell.bottom() - picture.bottom() - 5
        )
        mark = "left out" if left_out else {"validation": "validation", "test": "test"}.get(index.data(USE_ROLE), "")
        room = line.width()
        if mark:
            width = metrics.horizontalAdvance(mark)
            held = mark == "validation"
            painter.setPen(QColor(colours.accent if held else colours.quiet))
            painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), mark)
            room -= width + 6
        painter.setPen(QColor(colours.quiet if left_out else colours.text))
        text = elided_name(str(index.data(Qt.ItemDataRole.DisplayRole)), metrics, room)
        place = QRect(int(line.left()), int(line.top()), int(room), int(line.height()))
        painter.drawText(place, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)


@lru_cache(maxsize=8)
def _badge(name: str) -> QPixmap:
    """Return an icon on a dark disc, legible on any image, for a screen scaling of up to 200 %."""
    side = 2 * _BADGE
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(20, 22, 26, 205))
    painter.drawEllipse(0, 0, side, side)
    inset = round(side * 0.18)
    painter.drawImage(inset, inset, draw_icon(name, side - 2 * inset, "#FFD27A" if name == "caution" else "#FFFFFF"))
    painter.end()
    return pixmap
