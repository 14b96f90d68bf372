"""Which part of a picture a view shows, free of pixels, so that views of different sizes can show the same part."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF

LARGEST_ZOOM = 64.0
MARGIN = 0.96
"""Share of the view that a fitted picture fills."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A place to look at and how close.

    Attributes:
        x: Middle of the view as a share 0 ... 1 of the picture's width.
        y: The same downwards.
        zoom: 1 where the whole picture just fits.
    """

    x: float = 0.5
    y: float = 0.5
    zoom: float = 1.0

    @property
    def fits(self) -> bool:
        """Whether the whole picture is shown."""
        return self.zoom <= 1.0

    def moved(self, dx: float, dy: float) -> Camera:
        """Look further to the right and down by shares of the picture; never off the picture."""
        return replace(self, x=self.x + dx, y=self.y + dy).kept_inside()

    def zoomed(self, factor: float, x: float, y: float) -> Camera:
        """Go closer by a factor and keep the place (x, y), shares of the picture, where it is in the view."""
        zoom = min(max(self.zoom * factor, 1.0), LARGEST_ZOOM)
        if zoom == 1.0:
            return Camera()
        ratio = self.zoom / zoom
        return Camera(x + (self.x - x) * ratio, y + (self.y - y) * ratio, zoom).kept_inside()

    def kept_inside(self) -> Camera:
        """Return the nearest camera that looks at the picture."""
        room = 0.5 * (1 - 1 / max(self.zoom, 1.0))
        return replace(self, x=min(max(self.x, 0.5 - room), 0.5 + room), y=min(max(self.y, 0.5 - room), 0.5 + room))

    def shown(self, picture: QRectF, view: QSizeF) -> QRectF:
        """Return the part of the picture's plane that a view of some size shows, in the picture's units."""
        if picture.isEmpty() or view.isEmpty():
            return QRectF(0, 0, 1, 1)
        scale = MARGIN * self.zoom * min(view.width() / picture.width(), view.height() / picture.height())
        width, height = view.width() / scale, view.height() / scale
        middle = QPointF(picture.x() + self.x * picture.width(), picture.y() + self.y * picture.height())
        return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
