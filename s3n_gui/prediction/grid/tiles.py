"""The tiles of the grid: image with peaks, predicted class and confidence; mistakes have a red frame and a cross."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from s3n_core.datasets.records import displayed_class, readable_name
from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import font, number_font, px, tokens
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.annotations import NO_ANNOTATION, AnnotationOf
from s3n_gui.prediction.peak_picture import draw_picture, fitted, peak_marks
from s3n_gui.prediction.table.prediction_columns import PredictionColumns
from s3n_gui.prediction.table.table_model import ROW_ROLE, PredictionModel
from s3n_gui.prediction.verdict_mark import draw_verdict
from s3n_gui.widgets.model_index import AnyIndex

PathOf = Callable[[str], Path | None]
_GAP = 6.0  # pixels between a tile and the edge of its cell
_RADIUS = 6.0
_ASPECT = 0.76
"""Height of an image's field over its width: most photographs fill it."""
_LINE = 18


class TileDelegate(QStyledItemDelegate):
    """Paints tiles."""

    def __init__(
        self, thumbnails: ThumbnailLoader, path_of: PathOf, annotation_of: AnnotationOf, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of, self._annotation_of = thumbnails, path_of, annotation_of
        self.peaks = True
        self.labelled = False

    def tile_height(self, width: int) -> int:
        """Return the height of a tile of a width, with one line below the image, or two in a labelled table."""
        return round((width - 2 * _GAP) * _ASPECT + 2 * _GAP) + px(_LINE) * (2 if self.labelled else 1)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of a cell, the same for all."""
        size: QSize = option.rect.size()
        return size

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one tile."""
        model = index.model()
        assert isinstance(model, PredictionModel)
        predictions = model.predictions
        if predictions is None:
            return
        row = int(index.data(ROW_ROLE))
        correct = int(predictions.column("correct")[row])
        cell = QRectF(option.rect)
        field = QRectF(
            cell.left() + _GAP, cell.top() + _GAP, cell.width() - 2 * _GAP, (cell.width() - 2 * _GAP) * _ASPECT
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_state(painter, cell, option)
        place = self._paint_picture(painter, field, predictions, row)
        if correct == 0:
            _paint_mistake(painter, place)
        _paint_words(painter, field, predictions, row, correct)
        painter.restore()

    def _paint_state(self, painter: QPainter, cell: QRectF, option: QStyleOptionViewItem) -> None:
        colours, state = tokens(), option.state
        chosen = bool(state & QStyle.StateFlag.State_Selected)
        focused = bool(state & QStyle.StateFlag.State_HasFocus)
        if not chosen and not focused and not state & QStyle.StateFlag.State_MouseOver:
            return
        painter.setBrush(QColor(colours.selection if chosen else colours.hover))
        painter.setPen(QPen(QColor(colours.accent), 1.5) if focused else Qt.PenStyle.NoPen)
        painter.drawRoundedRect(cell.adjusted(1.5, 1.5, -1.5, -1.5), _RADIUS + 2, _RADIUS + 2)

    def _paint_picture(self, painter: QPainter, field: QRectF, predictions: PredictionColumns, row: int) -> QRectF:
        """Draw the image in its own shape, or an empty field until it is loaded; return the rectangle that is covered."""
        path = self._path_of(predictions.files[row])
        image = self._thumbnails.image(path) if path is not None else None
        shape = QPainterPath()
        if path is None or image is None or image.isNull():
            shape.addRoundedRect(field, _RADIUS, _RADIUS)
            painter.fillPath(shape, QColor(tokens().hover))
            return field
        place = fitted(field, image)
        shape.addRoundedRect(place, _RADIUS, _RADIUS)
        painter.save()
        painter.setClipPath(shape)
        places = predictions.places(row) if self.peaks and row not in predictions.errors else ()
        marks = peak_marks(places, self._annotation_of(predictions.files[row]) if places else NO_ANNOTATION)
        draw_picture(painter, place, image, marks, self._thumbnails.original_size(path))
        painter.restore()
        return place


def _paint_mistake(painter: QPainter, place: QRectF) -> None:
    colour = QColor(tokens().bad)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 2))
    painter.drawRoundedRect(place.adjusted(1, 1, -1, -1), _RADIUS - 1, _RADIUS - 1)
    radius = px(9)
    middle = QPointF(place.left() + radius + 6, place.top() + radius + 6)
    painter.setPen(QPen(QColor("#FFFFFF"), 1.5))
    painter.setBrush(colour)
    painter.drawEllipse(middle, radius, radius)
    draw_verdict(painter, middle, correct=False, colour="#FFFFFF", scale=radius / 10)


def _paint_words(painter: QPainter, field: QRectF, predictions: PredictionColumns, row: int, correct: int) -> None:
    colours, height = tokens(), px(_LINE)
    line = QRectF(field.left() + 1, field.bottom() + 2, field.width() - 2, height)
    middle = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    if row in predictions.errors:
        painter.setFont(font("caption", semibold=True))
        painter.setPen(QColor(colours.text))
        painter.drawText(line, middle, _shortened("No prediction", painter, line.width()))
        return
    painter.setFont(number_font("caption"))
    probability = predictions.number("probability", row)
    number = "" if probability is None else f"{probability:.3f}"
    painter.setPen(QColor(colours.quiet))
    painter.drawText(line, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), number)
    room = line.width() - QFontMetricsF(painter.font()).horizontalAdvance(number) - px(8)
    mark = 0
    if correct >= 0:
        mark = px(14)
        draw_verdict(painter, QPointF(line.left() + px(5), line.center().y()), bool(correct), scale=px(9) / 10)
    painter.setFont(font("caption", semibold=True))
    painter.setPen(QColor(colours.text))
    name = displayed_class(predictions.name("class", row))
    painter.drawText(line.adjusted(mark, 0, 0, 0), middle, _shortened(name, painter, room - mark))
    painter.setFont(font("caption"))
    label = predictions.name("label", row)
    if label and correct != 1:
        painter.setPen(QColor(colours.text))
        words = _shortened(f"label {displayed_class(label)}", painter, line.width() - mark)
        painter.drawText(line.adjusted(mark, height - 1, 0, height - 1), middle, words)
    elif label:
        painter.setPen(QColor(colours.quiet))
        file = readable_name(Path(predictions.files[row]).name)
        words = elided_name(file, QFontMetricsF(painter.font()), line.width() - mark)
        painter.drawText(line.adjusted(mark, height - 1, 0, height - 1), middle, words)


def _shortened(text: str, painter: QPainter, room: float) -> str:
    return QFontMetricsF(painter.font()).elidedText(text, Qt.TextElideMode.ElideRight, room)
