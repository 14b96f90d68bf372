"""The bar above the grid: order of the images, peaks, and size of the tiles."""

from __future__ import annotations

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QHBoxLayout, QLabel, QSlider, QToolButton, QWidget

from s3n_gui.appearance.theme import px, set_icon, theme
from s3n_gui.prediction.grid.grid_view import LARGEST, SMALLEST, USUAL
from s3n_gui.prediction.peak_picture import PEAKS_TIP
from s3n_gui.prediction.table.row_order import POSITION
from s3n_gui.prediction.table.table_model import SHOWN, PredictionModel

_NARROW = 520


class GridBar(QWidget):
    """The bar.

    Signals:
        order_chosen: The section of the column to sort by, and whether the order is descending.
        peaks_toggled: Whether to show the peaks.
        tile_chosen: The width of a tile, in pixels.
    """

    order_chosen = Signal(int, bool)
    peaks_toggled = Signal(bool)
    tile_chosen = Signal(int)

    def __init__(self, model: PredictionModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        title = QLabel("Sort by")
        title.setProperty("role", "quiet")
        self.order = QComboBox()
        self.order.setAccessibleName("Sort images by")
        self.order.setToolTip("Order of the images; the table has the same order")
        for section, (column, heading) in enumerate(SHOWN):
            self.order.addItem("Folder" if column.key == POSITION else heading.title, section)
            tip = "The order of the folder" if column.key == POSITION else heading.meaning
            self.order.setItemData(section, tip, Qt.ItemDataRole.ToolTipRole)
        title.setBuddy(self.order)
        self.direction = QToolButton()
        self.direction.setAccessibleName("Reverse the order")
        self.peaks = QCheckBox("Peaks")
        self.peaks.setChecked(True)
        self.peaks.setToolTip(PEAKS_TIP)
        self.size_slider = QSlider(Qt.Orientation.Horizontal)
        self.size_slider.setRange(SMALLEST, LARGEST)
        self.size_slider.setValue(USUAL)
        self.size_slider.setAccessibleName("Image size")
        self.size_slider.setToolTip("Larger or smaller images")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(title)
        row.addWidget(self.order)
        row.addWidget(self.direction)
        row.addStretch(1)
        row.addWidget(self.peaks)
        row.addWidget(self.size_slider)
        self.order.activated.connect(self._on_order)
        self.direction.clicked.connect(self._on_direction)
        self.peaks.toggled.connect(self.peaks_toggled)
        self.size_slider.valueChanged.connect(self.tile_chosen)
        model.headerDataChanged.connect(self.show_order)
        theme().changed.connect(self._fit)
        self._fit()
        self.show_order()

    def show_order(self) -> None:
        """Show the model's order."""
        keys = [column.key for column, _ in SHOWN]
        with QSignalBlocker(self.order):
            self.order.setCurrentIndex(keys.index(self._model.sort_key))
        set_icon(self.direction, "chevron-down" if self._model.descending else "chevron-up")
        first = "Largest or last first" if self._model.descending else "Smallest or first first"
        self.direction.setToolTip(f"{first}; click to reverse")

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Hide the slider in a narrow window."""
        super().resizeEvent(event)
        self.size_slider.setVisible(self.width() >= px(_NARROW))

    def _on_order(self) -> None:
        section = int(self.order.currentData())
        self.order_chosen.emit(section, SHOWN[section][1].falling)

    def _on_direction(self) -> None:
        self.order_chosen.emit(int(self.order.currentData()), not self._model.descending)

    def _fit(self) -> None:
        self.size_slider.setFixedWidth(px(110))
