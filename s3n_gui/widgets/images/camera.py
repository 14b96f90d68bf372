"""The camera: which region of an image a view shows, independent of the view's size, so that views can be linked."""

from __future__ import annotations

from dataclasses import dataclass, replace

from PySide6.QtCore import QPointF, QRectF, QSizeF

LARGEST_ZOOM = 64.0
MARGIN = 1.0
"""Share of the view that a fitted image fills."""


@dataclass(frozen=True, slots=True)
class Camera:
    """The centre of the view and the zoom.

    Attributes:
        x: Centre of the view as a fraction of the image's width, in [0, 1].
        y: Centre of the view as a fraction of the image's height, in [0, 1], downwards.
        zoom: The magnification; at 1 the whole image just fits.
    """

    x: float = 0.5
    y: float = 0.5
    zoom: float = 1.0

    @property
    def fits(self) -> bool:
        """Whether the whole image is visible."""
        return self.zoom <= 1.0

    def moved(self, dx: float, dy: float) -> Camera:
        """Return the camera moved right and down by fractions of the image, clamped to the image."""
        return replace(self, x=self.x + dx, y=self.y + dy).kept_inside()

    def zoomed(self, factor: float, x: float, y: float) -> Camera:
        """Return the camera zoomed by a factor around the point (x, y), in fractions of the image."""
        zoom = min(max(self.zoom * factor, 1.0), LARGEST_ZOOM)
        if zoom == 1.0:
            return Camera()
        ratio = self.zoom / zoom
        return Camera(x + (self.x - x) * ratio, y + (self.y - y) * ratio, zoom).kept_inside()

    def kept_inside(self) -> Camera:
        """Return the nearest camera that stays on the image."""
        room = 0.5 * (1 - 1 / max(self.zoom, 1.0))
        return replace(self, x=min(max(self.x, 0.5 - room), 0.5 + room), y=min(max(self.y, 0.5 - room), 0.5 + room))

    def shown(self, picture: QRectF, view: QSizeF) -> QRectF:
        """Return the region that a view of size ``view`` shows, in the units of ``picture``; may exceed the image."""
        if picture.isEmpty() or view.isEmpty():
            return QRectF(0, 0, 1, 1)
        scale = MARGIN * self.zoom * min(view.width() / picture.width(), view.height() / picture.height())
        width, height = view.width() / scale, view.height() / scale
        middle = QPointF(picture.x() + self.x * picture.width(), picture.y() + self.y * picture.height())
        return QRectF(middle.x() - width / 2, middle.y() - height / 2, width, height)
