"""The image list at the left of the page: a filter, thumbnails and a mark for each known prediction."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QModelIndex, QRectF, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from s3n_core.datasets.records import ImageRecord
from s3n_gui.appearance.eliding import elided_name
from s3n_gui.appearance.theme import font, px, set_icon, tokens
from s3n_gui.appearance.wording import count_text
from s3n_gui.background.thumbnails import ThumbnailLoader
from s3n_gui.inspector.images.image_list import RECORD_ROLE, SHOWN, VERDICT_ROLE, ImageList
from s3n_gui.state.session import Session
from s3n_gui.widgets.images.image_ground import draw_filling
from s3n_gui.widgets.images.tile_view import TileView
from s3n_gui.widgets.model_index import AnyIndex
from s3n_gui.widgets.selection_chip import SelectionChip

_SHOWN_TEXTS = {
    "all": ("All images", "Every image of the data set"),
    "mistakes": ("Mistakes", "Images that are predicted wrongly (of those already predicted)"),
    "disagreements": ("Disagreements", "Images on which O, D and C disagree (of those already predicted)"),
    "unseen": ("Not viewed", "Images without a prediction yet"),
}
_NONE_TEXTS = {
    "mistakes": "No mistakes",
    "disagreements": "No disagreements",
    "unseen": "All images are predicted",
}
_WIDTH = 140  # of a tile before it fills the list, in pixels at normal text size
_ASPECT = 0.72  # height of a thumbnail over its width


class ImageBrowser(QWidget):
    """The list and its filter.

    Signals:
        image_chosen: The ``Path`` of the image that the user chose.
        table_requested: The user wants to open a prediction table.
        predictions_requested: The user wants to run predictions on the data set.
    """

    image_chosen = Signal(object)
    table_requested = Signal()
    predictions_requested = Signal()

    def __init__(
        self, session: Session, images: ImageList, thumbnails: ThumbnailLoader, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session, self._images, self._thumbnails = session, images, thumbnails
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Find images by name or class")
        self.search.setToolTip("Show only images whose name or class contains this text")
        self.shown = QComboBox()
        for key in SHOWN:
            title, tip = _SHOWN_TEXTS[key]
            self.shown.addItem(title, key)
            self.shown.setItemData(self.shown.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.shown.setAccessibleName("Filter images")
        self.shown.setToolTip("Filter images")
        self.list = _List()
        self.list.setModel(images)
        self.list.setItemDelegate(_ThumbnailDelegate(thumbnails, self.list))
        self.list.setAccessibleName("Images")
        self.count = QLabel()
        self.count.setProperty("role", "caption")
        self.table = QToolButton()
        set_icon(self.table, "predict")
        self.table.setAccessibleName("Open a prediction table")
        self.table.setToolTip("Open a table of predictions (.json) to find mistakes and disagreements")
        self.table.clicked.connect(self.table_requested)
        self.predict = QPushButton("Run predictions")
        self.predict.setProperty("role", "link")
        self.predict.setToolTip("Find the mistakes and disagreements of all images, not only of those you have viewed")
        self.predict.clicked.connect(self.predictions_requested)
        self.predict.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        for widget in (self.search, self.shown):
            layout.addWidget(widget)
        self.chip = SelectionChip(session, parent=self)
        layout.addWidget(self.predict)
        layout.addWidget(self.chip)
        layout.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 0, 0, 0)
        foot.addWidget(self.count, 1)
        foot.addWidget(self.table)
        layout.addLayout(foot)
        self._debounce = QTimer(self)
        self._debounce.setSingleShot(True)
        self._debounce.setInterval(150)
        self._debounce.timeout.connect(self._apply_filter)
        self._current: Path | None = None
        self._offered = False
        self.search.textChanged.connect(self._on_text)
        self.shown.activated.connect(self._apply_filter)
        images.filtered.connect(self._on_filtered)
        session.selection_changed.connect(self._on_selection)
        session.mistakes_asked.connect(self._show_mistakes)
        self.list.selectionModel().currentChanged.connect(self._on_current_changed)
        thumbnails.ready.connect(self._on_thumbnail)
        thumbnails.outdated.connect(self.list.viewport().update)
        self._on_filtered()
        self._show_mistakes()

    def show_image(self, image: Path | None) -> None:
        """Mark an image as the current one and scroll to it."""
        self._current = image
        row = self._images.row_of(image)
        if row < 0:
            self.list.selectionModel().clear()
        elif row != self.list.currentIndex().row():
            self.list.setCurrentIndex(self._images.index(row))
            self.list.scrollTo(self._images.index(row))

    def offer_predictions(self, offered: bool) -> None:
        """Set whether running predictions on the data set is offered."""
        self._offered = offered
        self._show_offer()

    def _show_offer(self) -> None:
        known = self.shown.currentData()
        self.predict.setVisible(self._offered and known != "all")
        words = "No image matches this text." if self.search.text() else ""
        if not words and known in _NONE_TEXTS:
            words = _NONE_TEXTS[known] + (" as far as is known." if self._offered else ".")
        self.list.say_when_empty(words)

    def _on_text(self) -> None:
        self._debounce.start()

    def _apply_filter(self) -> None:
        self._debounce.stop()
        self._images.set_filter(self.search.text(), self.shown.currentData())
        self._show_offer()

    def _on_selection(self) -> None:
        """Show that the list has dropped its own filter: chosen images are all listed."""
        self._debounce.stop()
        with QSignalBlocker(self.search):
            self.search.clear()
        self.shown.setCurrentIndex(0)
        self._show_offer()

    def _show_mistakes(self) -> None:
        """Filter the list if another page has asked for it."""
        if not self._session.take_mistakes():
            return
        with QSignalBlocker(self.search):
            self.search.clear()
        self.shown.setCurrentIndex(self.shown.findData("mistakes"))
        self._apply_filter()

    def _on_filtered(self) -> None:
        listed, total = self._images.rowCount(), self._images.total
        self.count.setText(count_text(total, "image") if listed == total else f"{listed:,} of {total:,}")
        self.show_image(self._current)

    def _on_current_changed(self, current: QModelIndex, previous: QModelIndex) -> None:
        if current.isValid():
            record: ImageRecord = current.data(RECORD_ROLE)
            if record.path != self._current:
                self._current = record.path
                self.image_chosen.emit(record.path)

    def _on_thumbnail(self, path: Path) -> None:
        row = self._images.row_of(path)
        if row >= 0:
            self.list.update(self._images.index(row))


class _List(TileView):
    """One column of thumbnails, and a sentence where there are none."""

    def __init__(self) -> None:
        super().__init__(_WIDTH, columns=1)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._words = ""

    def tile_height(self, width: int) -> int:
        return round((width - 8) * _ASPECT) + px(26)

    @property
    def words_when_empty(self) -> str:
        """What the list says while it is empty."""
        return self._words

    def say_when_empty(self, words: str) -> None:
        if words != self._words:
            self._words = words
            self.viewport().update()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._words and self.model().rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setFont(font("body"))
            painter.setPen(QColor(tokens().quiet))
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop | Qt.TextFlag.TextWordWrap
            painter.drawText(self.viewport().rect().adjusted(8, 24, -8, -8), int(flags), self._words)
            painter.end()


class _ThumbnailDelegate(QStyledItemDelegate):
    """Paints an image, its name and its prediction's mark: a tick, a cross, or two dots if the branches disagree."""

    def __init__(self, thumbnails: ThumbnailLoader, parent: QWidget) -> None:
        super().__init__(parent)
        self._thumbnails = thumbnails

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        record: ImageRecord = index.data(RECORD_ROLE)
        colours = tokens()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        cell = QRectF(option.rect).adjusted(0, 2, 0, -2)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        hovered = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if chosen or hovered:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selection if chosen else colours.hover))
            painter.drawRoundedRect(cell, 6, 6)
        box = cell.adjusted(4, 4, -4, -px(20))
        draw_filling(painter, box, self._thumbnails.image(record.path))
        if chosen:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRoundedRect(box.adjusted(-1, -1, 1, 1), 5, 5)
        verdict = index.data(VERDICT_ROLE)
        room = cell.width() - 8
        painter.setFont(font("caption"))
        metrics = painter.fontMetrics()
        baseline = cell.bottom() - px(6)
        if verdict is not None:
            marks = {True: ("✓", colours.good_text), False: ("✕", colours.bad_text), None: ("", "")}
            mark, colour = marks[verdict.correct]
            if verdict.agrees is False:
                mark, colour = (f"{mark} ≠".strip(), colour or colours.caution_text)
            width = metrics.horizontalAdvance(mark)
            painter.setPen(QColor(colour or colours.quiet))
            painter.drawText(
                QRectF(cell.right() - 4 - width, baseline - metrics.ascent(), width + 2, metrics.height()),
                Qt.AlignmentFlag.AlignLeft,
                mark,
            )
            room -= width + 4 if mark else 0
        painter.setPen(QColor(colours.text if chosen else colours.quiet))
        name = elided_name(index.data(), metrics, room)
        place = QRectF(cell.left() + 4, baseline - metrics.ascent(), room, metrics.height())
        painter.drawText(
            place, Qt.AlignmentFlag.AlignLeft, name
        )  # without an alignment it would break the name into lines
        painter.restore()
