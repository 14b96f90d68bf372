"""A box to choose a colour map by its look."""

from __future__ import annotations

from PySide6.QtCore import QRect, QSize, Signal
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtWidgets import QComboBox, QWidget

from s3n_gui.appearance.colour_maps import MAP_NAMES, MapName, map_table

_TITLES: dict[MapName, str] = {"viridis": "Viridis", "magma": "Magma", "cividis": "Cividis", "grey": "Grey"}


class PalettePicker(QComboBox):
    """A colour map.

    Signals:
        palette_chosen: The name of the map that the person chose.
    """

    palette_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setIconSize(QSize(48, 10))
        for name in MAP_NAMES:
            self.addItem(palette_icon(name), _TITLES[name], name)
        self.setAccessibleName("Colour map")
        self.setToolTip("Colours from the lowest value to the highest; all of them are even to the eye")
        self.activated.connect(self._on_activated)

    def set_palette_name(self, name: MapName) -> None:
        """Show a name, without telling anybody."""
        self.setCurrentIndex(self.findData(name))

    def _on_activated(self, index: int) -> None:
        self.palette_chosen.emit(self.itemData(index))


def palette_icon(name: MapName, width: int = 48, height: int = 10) -> QIcon:
    """Return a strip of a palette's colours."""
    table = map_table(name)
    ramp = QImage(bytes(table), 256, 1, 768, QImage.Format.Format_RGB888)
    pixmap = QPixmap(2 * width, 2 * height)
    painter = QPainter(pixmap)
    painter.drawImage(QRect(0, 0, 2 * width, 2 * height), ramp)
    painter.end()
    pixmap.setDevicePixelRatio(2)
    return QIcon(pixmap)
