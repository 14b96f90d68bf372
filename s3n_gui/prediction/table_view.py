"""The table on the screen: thumbnails, a bar for the probability, a mark a branch, a tick or a cross for known answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QModelIndex, QRect, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from s3n_core.analysis.prediction_rows import BRANCH_LETTERS
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.prediction.table_model import (
    BRANCHES,
    CLASS,
    COLUMNS,
    FILE,
    LABEL,
    PROBABILITY,
    PROBLEM,
    ROW_ROLE,
    AnyIndex,
    PredictionModel,
)
from s3n_gui.theme import branch_colour, font, number_font, px, theme, tokens

_ROW_HEIGHT = 40
_PAINTED = (0, PROBABILITY, BRANCHES)
PathOf = Callable[[str], Path | None]


class PredictionTable(QTableView):
    """The table.

    Signals:
        opened: Enter or a double click on a row: its place in the table's own order.
        preview_asked: Space on a row.
        current_changed: Another row is the current one; -1 where none is.
    """

    opened = Signal(int)
    preview_asked = Signal(int)
    current_changed = Signal(int)

    def __init__(
        self, model: PredictionModel, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._rows = model
        self._thumbnails, self._path_of = thumbnails, path_of
        self.setModel(model)
        self.setItemDelegate(_RowDelegate(thumbnails, path_of, self))
        self.setAccessibleName("Predictions")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setMouseTracking(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setSectionsClickable(True)
        header.setSortIndicatorShown(True)
        header.setHighlightSections(False)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(40)
        header.setSortIndicator(0, Qt.SortOrder.AscendingOrder)
        header.sectionClicked.connect(self._on_heading)
        self.doubleClicked.connect(self._on_double_click)
        thumbnails.ready.connect(self._on_thumbnail)
        theme().changed.connect(self._on_theme)
        self._on_theme()

    def show_columns(self, *, label: bool, problem: bool) -> None:
        """Show the columns that have something to say."""
        self.setColumnHidden(LABEL, not label)
        self.setColumnHidden(PROBLEM, not problem)
        self.horizontalHeader().setStretchLastSection(problem)
        mode = QHeaderView.ResizeMode.Interactive if problem else QHeaderView.ResizeMode.Stretch
        self.horizontalHeader().setSectionResizeMode(FILE, mode)

    def current_row(self) -> int:
        """Return the current row, in the table's own order; -1 where there is none."""
        index = self.currentIndex()
        return int(index.data(ROW_ROLE)) if index.isValid() else -1

    def go_to(self, row: int) -> None:
        """Make a row the current one, where it is shown."""
        place = self._rows.place_of(row)
        if place >= 0:
            index = self._rows.index(place, FILE)
            self.setCurrentIndex(index)
            self.scrollTo(index)

    def currentChanged(self, current: QModelIndex | object, previous: QModelIndex | object) -> None:
        """Tell which row is the current one."""
        super().currentChanged(current, previous)  # type: ignore[arg-type]
        self.current_changed.emit(self.current_row())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Space previews, Enter opens, arrows move."""
        row = self.current_row()
        if row >= 0 and event.key() == Qt.Key.Key_Space:
            self.preview_asked.emit(row)
        elif row >= 0 and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.opened.emit(row)
        else:
            super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """A press on a thumbnail previews it."""
        super().mousePressEvent(event)
        index = self.indexAt(event.position().toPoint())
        if index.isValid() and index.column() == 0 and event.button() == Qt.MouseButton.LeftButton:
            self.preview_asked.emit(int(index.data(ROW_ROLE)))

    def visible_rows(self) -> range:
        """Return the places that are on the screen."""
        first, last = self.rowAt(0), self.rowAt(self.viewport().height() - 1)
        count = self._rows.rowCount()
        return range(max(first, 0), (last if last >= 0 else count - 1) + 1)

    def _on_heading(self, section: int) -> None:
        column = COLUMNS[section]
        again = column.key == self._rows.sort_key
        self.sort_by(section, descending=not self._rows.descending if again else column.falling)

    def sort_by(self, section: int, *, descending: bool) -> None:
        """Sort by a column; the current row stays in view."""
        row = self.current_row()
        self._rows.set_order(COLUMNS[section].key, descending=descending)
        order = Qt.SortOrder.DescendingOrder if descending else Qt.SortOrder.AscendingOrder
        self.horizontalHeader().setSortIndicator(section, order)
        self.go_to(row)

    def _on_double_click(self, index: QModelIndex) -> None:
        if index.column() > 0:
            self.opened.emit(int(index.data(ROW_ROLE)))

    def _on_thumbnail(self, path: Path) -> None:
        self.viewport().update(QRect(0, 0, self.columnWidth(0), self.viewport().height()))

    def _on_theme(self) -> None:
        self.verticalHeader().setDefaultSectionSize(px(_ROW_HEIGHT))
        for section, column in enumerate(COLUMNS):
            self.setColumnWidth(section, px(column.width))
        self.viewport().update()


class _RowDelegate(QStyledItemDelegate):
    """Paints what words cannot say."""

    def __init__(self, thumbnails: ThumbnailLoader, path_of: PathOf, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails, self._path_of = thumbnails, path_of

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().initStyleOption(option, index)
        option.font = number_font("body")
        if index.column() in _PAINTED:
            option.text = ""
        elif index.column() == FILE:
            option.textElideMode = Qt.TextElideMode.ElideMiddle

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        model = index.model()
        assert isinstance(model, PredictionModel)
        answers = model.answers
        if answers is None:
            return
        row, column = int(index.data(ROW_ROLE)), index.column()
        correct = int(answers.column("correct")[row]) if column == CLASS else -1
        if column == CLASS:
            self._paint_words(painter, option, index, correct)
            return
        super().paint(painter, option, index)
        if column not in _PAINTED:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cell = QRectF(option.rect)
        if column == 0:
            self._paint_thumbnail(painter, cell, answers.files[row])
        elif column == PROBABILITY:
            _paint_probability(painter, cell, float(answers.column("probability")[row]))
        else:
            _paint_branches(painter, cell, answers.column("branch")[row].tolist(), int(answers.column("class")[row]))
        painter.restore()

    def _paint_words(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex, correct: int) -> None:
        """A class, behind a tick or a cross where it is known to be right or wrong."""
        room = QStyleOptionViewItem(option)
        super().paint(painter, room, index)
        if correct < 0:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(tokens().good if correct else tokens().bad), 1.8, c=Qt.PenCapStyle.RoundCap))
        x, y = option.rect.right() - px(16), option.rect.center().y() + 0.5
        path = QPainterPath()
        if correct:
            path.moveTo(x - 4, y)
            path.lineTo(x - 1, y + 3)
            path.lineTo(x + 5, y - 4)
        else:
            for sign in (-1, 1):
                path.moveTo(x - 4, y - 4 * sign)
                path.lineTo(x + 4, y + 4 * sign)
        painter.drawPath(path)
        painter.restore()

    def _paint_thumbnail(self, painter: QPainter, cell: QRectF, file: str) -> None:
        side = cell.height() - 6
        box = QRectF(cell.left() + 8, cell.top() + 3, side, side)
        path = QPainterPath()
        path.addRoundedRect(box, 4, 4)
        painter.fillPath(path, QColor(tokens().image_ground))
        place = self._path_of(file)
        image = self._thumbnails.image(place) if place is not None else None
        if image is not None and not image.isNull():
            painter.setClipPath(path)
            part = min(image.width(), image.height())
            source = QRectF((image.width() - part) / 2, (image.height() - part) / 2, part, part)
            painter.drawImage(box, image, source)


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
            painter.setPen(QColor("#FFFFFF") if agrees else QColor(tokens().text))
            painter.drawText(box, Qt.AlignmentFlag.AlignCenter, letter)
        left += side + px(6)
