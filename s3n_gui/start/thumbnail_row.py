"""Thumbnails on the Start page: one image, or up to four of a data set, over an icon until they are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QWidget

from s3n_gui.appearance.theme import icon, px, theme, tokens
from s3n_gui.appearance.tokens import CORNER_RADIUS
from s3n_gui.widgets.images.cover import paint_cover

if TYPE_CHECKING:
    from s3n_gui.background.thumbnails import ThumbnailLoader

_GAP = 1.0  # pixels between the images of a mosaic


class ThumbnailRow(QWidget):
    """A rounded rectangle with one image, or with up to four in two rows; an icon if none can be read."""

    def __init__(
        self,
        loader: ThumbnailLoader,
        paths: Sequence[Path],
        icon: str,
        size: tuple[int, int],
        parent: QWidget | None = None,
    ) -> None:
        """Create the widget.

        Args:
            loader: Reads the thumbnails.
            paths: The images; the first four are shown, of two or three only the first.
            icon: Name of the icon that is shown without an image.
            size: Width and height at normal text size, in pixels.
            parent: The widget that owns it.
        """
        super().__init__(parent)
        self._loader, self._paths, self._icon, self._size = loader, tuple(paths), icon, size
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        loader.ready.connect(self._on_read)
        loader.failed.connect(self._on_read)
        theme().changed.connect(self._fit)
        self._fit()

    def sizeHint(self) -> QSize:
        """Return the size at the current text size."""
        return QSize(px(self._size[0]), px(self._size[1]))

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the images that are read, and the icon if there are none."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        whole = QRectF(self.rect())
        shape = QPainterPath()
        shape.addRoundedRect(whole, CORNER_RADIUS, CORNER_RADIUS)
        images = [image for path in self._shown() if (image := self._loader.image(path)) is not None]
        painter.fillPath(shape, QColor(tokens().hover))
        painter.setClipPath(shape)
        if not images:
            side = max(px(20), 20)
            corner = QPoint((self.width() - side) // 2, (self.height() - side) // 2)
            painter.drawPixmap(corner, icon(self._icon, side).pixmap(side, side))
        elif len(images) < 4:
            paint_cover(painter, whole, images[0], 0)
        else:
            width, height = (whole.width() - _GAP) / 2, (whole.height() - _GAP) / 2
            for number, image in enumerate(images):
                part = QRectF((number % 2) * (width + _GAP), (number // 2) * (height + _GAP), width, height)
                paint_cover(painter, part, image, 0)
        painter.end()

    def _shown(self) -> list[Path]:
        """Return the images to show, without those that cannot be read."""
        return [path for path in self._paths[:4] if self._loader.problem(path) is None]

    def _on_read(self, path: Path) -> None:
        if path in self._paths:
            self.update()

    def _fit(self) -> None:
        self.setFixedSize(self.sizeHint())
