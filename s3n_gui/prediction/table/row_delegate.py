"""The delegate that paints a row's thumbnail, probability bar, branch marks, parts of peaks and tick or cross."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import QStyleOptionViewItem, QTableView

from s3n_core.parts.atlas.part_place import PartPlace
from s3n_core.prediction.schema import BRANCH_LETTERS
from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import branch_colour, font, number_font, px, tokens
from s3n_gui.appearance.tokens import ink_on
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.part_lines import draw_parts
from s3n_gui.prediction.table.row_order import POSITION
from s3n_gui.prediction.table.table_model import PARTS_ROLE, ROW_ROLE, SHOWN, PredictionModel
from s3n_gui.prediction.verdict_mark import draw_verdict
from s3n_gui.widgets.images.image_ground import draw_filling
from s3n_gui.widgets.model_index import AnyIndex
from s3n_gui.widgets.row_hover import RowHover, RowHoverDelegate

_PAINTED = (POSITION, "probability", "agreement")
"""Columns whose cells are drawn instead of shown as text."""
PathOf = Callable[[str], Path | None]


class RowDelegate(RowHoverDelegate):
    """Paints the cells that are more than text."""

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, table: QTableView) -> None:
        super().__init__(RowHover(table), table)
        self._thumbnails, self._path_of = thumbnails, path_of

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Omit the text of drawn cells, and make room for marks."""
        super().initStyleOption(option, index)
        option.font = number_font("body")
        option.fontMetrics = QFontMetrics(option.font)
        key = SHOWN[index.column()][0].key
        if key in _PAINTED:
            option.text = ""
        elif key == "class":  # room for the tick or the cross
            room = option.rect.width() - px(36)
            option.text = option.fontMetrics.elidedText(option.text, Qt.TextElideMode.ElideRight, room)
        elif key == "file":
            option.text = elided_name(option.text, option.fontMetrics, option.rect.width() - px(20))
            option.textElideMode = Qt.TextElideMode.ElideLeft

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Paint a cell."""
        model = index.model()
        assert isinstance(model, PredictionModel)
        predictions = model.predictions
        if predictions is None:
            return
        row, key = int(index.data(ROW_ROLE)), SHOWN[index.column()][0].key
        correct = int(predictions.column("correct")[row]) if key == "class" else -1
        if key == "class":
            self._paint_words(painter, option, index, correct)
            return
        super().paint(painter, option, index)
        parts: Sequence[PartPlace] = index.data(PARTS_ROLE) if key == "peaks" else ()
        if key not in _PAINTED and not parts:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cell = QRectF(option.rect)
        if key == POSITION:
            self._paint_thumbnail(painter, cell, predictions.files[row])
        elif key == "peaks":
            draw_parts(painter, cell.adjusted(px(8), 0, -px(28), 0), parts)
        elif key == "probability":
            _paint_probability(painter, cell, float(predictions.column("probability")[row]))
        else:
            _paint_branches(
                painter, cell, predictions.column("branches")[row].tolist(), int(predictions.column("class")[row])
            )
        painter.restore()

    def _paint_words(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex, correct: int) -> None:
        """Paint a class name, after a tick or a cross if it is known to be right or wrong."""
        super().paint(painter, option, index)
        if correct < 0:
            return
        words = option.fontMetrics.horizontalAdvance(str(index.data())) + px(22)
        x = option.rect.left() + min(words, option.rect.width() - px(16))
        painter.save()
        draw_verdict(painter, QPointF(x, option.rect.center().y() + 0.5), bool(correct), scale=px(10) / 10)
        painter.restore()

    def _paint_thumbnail(self, painter: QPainter, cell: QRectF, file: str) -> None:
        side = cell.height() - 6
        box = QRectF(cell.left() + 8, cell.top() + 3, side, side)
        place = self._path_of(file)
        draw_filling(painter, box, self._thumbnails.image(place) if place is not None else None)


def _paint_probability(painter: QPainter, cell: QRectF, probability: float) -> None:
    if probability != probability:
        return
    width = px(48)
    track = QRectF(cell.left() + 8, cell.center().y() - 2.5, width, 5)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens().pressed))
    painter.drawRoundedRect(track, 2.5, 2.5)
    painter.setBrush(branch_colour("joint"))
    painter.drawRoundedRect(QRectF(track.left(), track.top(), max(track.width() * probability, 5), 5), 2.5, 2.5)
    painter.setPen(QColor(tokens().text))
    painter.setFont(number_font("body"))
    room = cell.adjusted(width + 14, 0, -8, 0)
    painter.drawText(room, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{probability:.3f}")


def _paint_branches(painter: QPainter, cell: QRectF, classes: list[int], joint: int) -> None:
    side, left = px(18), cell.left() + 8
    painter.setFont(font("caption", semibold=True))
    for letter, index in zip(BRANCH_LETTERS, classes, strict=True):
        if index >= 0:
            box = QRectF(left + 0.5, cell.center().y() - side / 2 + 0.5, side, side)
            colour, agrees = branch_colour(letter), index == joint  # type: ignore[arg-type]
            painter.setPen(QPen(colour, 1.5))
            painter.setBrush(colour if agrees else Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box, 4, 4)
            painter.setPen(QColor(ink_on(colour.name()) if agrees else tokens().text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
        left += side + px(6)
