"""Pages of pictures in rows, with a title above each picture and its key below, as in the paper's figures of examples."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.marks import draw_branch_mark
from s3n_core.export.figures.panel_drawing import ABOVE, BELOW, draw_key, draw_panel, draw_title
from s3n_core.export.figures.panels import PanelName
from s3n_core.export.figures.pixel_page import drawn_pixels
from s3n_core.export.figures.rasters import Rasters, resized
from s3n_core.version import __version__

DPI = 200

_COLUMN, _MARGIN, _GAP = 130.0, 20.0, 12.0
_HEADING, _LINE = 20.0, 10.0
_TITLE, _GROUP = 26.0, 9.0
_NARROWEST = 0.75  # of a picture's column, as width over height: taller images are made narrower


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One picture of a page.

    Attributes:
        aspect: Width over height.
        paint: Draws it on an area, with its title above and its key below.
    """

    aspect: float
    paint: Callable[[Canvas, Area], None]


@dataclass(frozen=True, slots=True)
class PictureRow:
    """A row of pictures.

    Attributes:
        pictures: The pictures, in columns of equal width; None leaves a column empty.
        heading: What the row and those below it show; empty where it continues the one above.
        about: The same in more words.
    """

    pictures: Sequence[Picture | None]
    heading: str = ""
    about: str = ""


def panel_picture(rasters: Rasters, panel: PanelName) -> Picture:
    """Return a panel of an inspected image, as figures show it."""

    def paint(canvas: Canvas, area: Area) -> None:
        draw_panel(canvas, area, rasters, panel)
        draw_title(canvas, area, panel)
        if rasters.range_of(panel) is None:
            draw_key(canvas, area, rasters, panel)

    width, height = rasters.placement.image_size
    return Picture(width / height, paint)


def titled_picture(
    title: str,
    pixels: Callable[[tuple[int, int]], NDArray[np.uint8]],
    aspect: float,
    *,
    branch: str = "",
    key: str = "",
    marks: Callable[[Canvas, Area], None] | None = None,
) -> Picture:
    """Return a picture with a title of its own.

    Args:
        title: The title.
        pixels: Returns the picture for a (width, height) in pixels, RGB, shape (height, width, 3).
        aspect: Width over height.
        branch: The branch whose mark stands before the title; empty for none.
        key: The line below.
        marks: Draws marks over it.
    """

    def paint(canvas: Canvas, area: Area) -> None:
        canvas.image(area, pixels(canvas.size_of(area)))
        if marks is not None:
            marks(canvas, area)
        x, baseline = area.x, area.y - 6.0
        if branch:
            draw_branch_mark(canvas, x, baseline - 2.9, branch, size=6)
            x += 9.5
        canvas.text(x, baseline, title, size=tokens.BODY, bold=True, room=area.right - x)
        canvas.text(area.x, area.bottom + 10, key, size=tokens.CAPTION, colour=tokens.QUIET, room=area.width)

    return Picture(aspect, paint)


def plain_picture(title: str, image: Image.Image, *, branch: str = "", key: str = "") -> Picture:
    """Return an image with a title."""
    pixels = partial(resized, np.asarray(image))
    return titled_picture(title, pixels, image.width / image.height, branch=branch, key=key)


def page_png(title: str, rows: Sequence[PictureRow]) -> bytes:
    """Return a page of pictures as PNG.

    Args:
        title: Its title.
        rows: The rows, from top to bottom.
    """
    columns = max(len(row.pictures) for row in rows)
    wide = columns * _COLUMN + (columns - 1) * _GAP
    heights = [_height(row) for row in rows]
    total = 2 * _MARGIN + _TITLE + sum(heights) + _GROUP * sum(bool(row.heading) for row in rows[1:])
    canvas = Canvas(wide + 2 * _MARGIN, total, DPI)
    canvas.text(_MARGIN, _MARGIN + 11, title, size=tokens.TITLE - 2, bold=True, room=wide)
    y = _MARGIN + _TITLE
    for number, (row, height) in enumerate(zip(rows, heights, strict=True)):
        top = y
        if row.heading:
            if number:
                canvas.lines([[(_MARGIN, y), (_MARGIN + wide, y)]], tokens.BORDER, width=0.6)
                y += _GROUP
                top = y
            heading = canvas.text(_MARGIN, y + 8, row.heading, size=tokens.SECTION, bold=True, room=wide)
            room = wide - heading - 8
            canvas.text(_MARGIN + heading + 8, y + 8, row.about, size=tokens.BODY, colour=tokens.QUIET, room=room)
            top += _HEADING
        for place, picture in enumerate(row.pictures):
            if picture is not None:
                width, tall = _size(picture)
                x = _MARGIN + place * (_COLUMN + _GAP)
                picture.paint(canvas, canvas.snapped(Area(x, top + ABOVE, width, tall)))
        y += height
    buffer = io.BytesIO()
    about = PngImagePlugin.PngInfo()
    about.add_text("Software", f"S3N Studio {__version__}")
    drawn_pixels(canvas).save(buffer, "PNG", pnginfo=about, dpi=(DPI, DPI))
    return buffer.getvalue()


def _size(picture: Picture) -> tuple[float, float]:
    width = min(_COLUMN, _COLUMN / _NARROWEST * picture.aspect)
    return width, width / picture.aspect


def _height(row: PictureRow) -> float:
    tallest = max((_size(picture)[1] for picture in row.pictures if picture is not None), default=0.0)
    return (_HEADING if row.heading else 0.0) + ABOVE + tallest + BELOW
