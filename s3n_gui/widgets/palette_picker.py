"""A combo box of palettes, with a preview of each."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QWidget

from s3n_core.inspection.palettes import PALETTES, PaletteName, palette_bytes


class PalettePicker(QComboBox):
    """The choice of a palette.

    Signals:
        palette_chosen: The name of the palette that the user chose.
    """

    palette_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIconSize(QSize(48, 10))
        for name in PALETTES:
            self.addItem(palette_icon(name), name.capitalize(), name)
        self.setAccessibleName("Colour map")
        self.setToolTip("Colours from the lowest to the highest value; all are perceptually uniform")
        self.activated.connect(self._on_activated)

    def set_palette_name(self, name: PaletteName) -> None:
        """Show a palette without emitting ``palette_chosen``."""
        self.setCurrentIndex(self.findData(name))

    def _on_activated(self, index: int) -> None:
        self.palette_chosen.emit(self.itemData(index))


def palette_icon(name: PaletteName, width: int = 48, height: int = 10) -> QIcon:
    """Return an icon with a palette's colours from low to high; sizes in device-independent pixels."""
    ramp = QImage(palette_bytes(name), 256, 1, 768, QImage.Format.Format_RGB888)
    pixmap = QPixmap(2 * width, 2 * height)
    painter = QPainter(pixmap)
    painter.drawImage(QRect(0, 0, 2 * width, 2 * height), ramp)
    painter.end()
    pixmap.setDevicePixelRatio(2)
    return QIcon(pixmap)
