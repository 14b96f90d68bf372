"""The icons: one set of SVG files, drawn in any colour.

Each file in ``resources/icons`` is 20 x 20 units with strokes of 1.5 in ``currentColor``, which Qt does not support and
which is therefore replaced before drawing.
"""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from s3n_gui.appearance.resources import resource

_SCALES = (1, 2, 3)  # for 100 to 300 % screen scaling; Qt scales down from the next larger pixmap


def icon_names() -> tuple[str, ...]:
    """Return the names of all icons, sorted."""
    return tuple(sorted(path.stem for path in resource("icons").glob("*.svg")))


@lru_cache(maxsize=64)
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


def draw_icon(name: str, size: int, colour: str) -> QImage:
    """Draw an icon.

    Args:
        name: The file's name without ``.svg``.
        size: The side of the image in pixels.
        colour: ``#RRGGBB``.

    Returns:
        A square image with a transparent background.

    Raises:
        s3n_core.errors.S3NError: There is no such icon in this installation.
    """
    image = QImage(QSize(size, size), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    return image


@lru_cache(maxsize=512)
def svg_icon(name: str, size: int, normal: str, disabled: str, chosen: str) -> QIcon:
    """Return an icon for buttons, menus and lists.

    Args:
        name: The file's name without ``.svg``.
        size: Its side in device-independent pixels, 16 or 20.
        normal: Its normal colour, ``#RRGGBB``.
        disabled: Its colour when disabled.
        chosen: Its colour when checked.
    """
    icon = QIcon()
    for scale in _SCALES:
        for colour, mode, state in (
            (normal, QIcon.Mode.Normal, QIcon.State.Off),
            (chosen, QIcon.Mode.Normal, QIcon.State.On),
            (normal, QIcon.Mode.Active, QIcon.State.Off),
            (chosen, QIcon.Mode.Active, QIcon.State.On),
            (normal, QIcon.Mode.Selected, QIcon.State.Off),
            (disabled, QIcon.Mode.Disabled, QIcon.State.Off),
            (disabled, QIcon.Mode.Disabled, QIcon.State.On),
        ):
            pixmap = QPixmap.fromImage(draw_icon(name, size * scale, colour))
            pixmap.setDevicePixelRatio(scale)
            icon.addPixmap(pixmap, mode, state)
    return icon
