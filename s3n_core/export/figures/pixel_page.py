"""Drawing a page as pixels: shapes by matplotlib's rasteriser without its artists, words from masks that are kept.

Artists, which `vector_files` uses, take most of the time of a sheet. The pixels are the same but for words, which begin at
whole pixels here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.colors import to_rgba
from matplotlib.patches import BoxStyle
from matplotlib.path import Path
from matplotlib.transforms import Affine2D, Bbox, Transform
from numpy.typing import NDArray
from PIL import Image

from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import (
    DASHES,
    Area,
    Canvas,
    DrawnCircles,
    DrawnImage,
    DrawnLines,
    DrawnRectangle,
    DrawnText,
)
from s3n_core.export.figures.lettering import text_mask

_RENDERER: Any = RendererAgg  # its methods carry no types
_OFFSETS = {"left": 0.0, "center": -0.5, "right": -1.0}


def drawn_pixels(page: Canvas) -> Image.Image:
    """Draw a page as an RGB image."""
    return _PixelPage(page).image()


class _PixelPage:
    """The pixels of a page."""

    def __init__(self, page: Canvas) -> None:
        self._scale, self._height = page.scale, page.pixels[1] / page.scale
        self._renderer = _RENDERER(*page.pixels, page.dpi)
        self._rgba: NDArray[np.uint8] = np.asarray(self._renderer.buffer_rgba())  # shared with the renderer
        page_colour = np.rint(np.array(to_rgba(tokens.PAGE)) * 255).astype(np.uint8)
        self._rgba.view(np.uint32)[:] = page_colour.view(np.uint32)  # five times as fast as byte by byte
        self._points = Affine2D().scale(page.dpi * (1 / 72))  # as artists multiply: lines are snapped to whole pixels
        for drawn in page.drawn:
            match drawn:
                case DrawnImage():
                    self._draw_image(drawn)
                case DrawnRectangle():
                    self._draw_rectangle(drawn)
                case DrawnCircles():
                    self._draw_circles(drawn)
                case DrawnLines():
                    self._draw_lines(drawn)
                case DrawnText():
                    self._draw_text(drawn)

    def image(self) -> Image.Image:
        """Return the page as an RGB image."""
        height, width = self._rgba.shape[:2]
        return Image.frombuffer("RGBA", (width, height), self._rgba, "raw", "RGBA", 0, 1).convert("RGB")

    def _draw_image(self, drawn: DrawnImage) -> None:
        height, width = drawn.pixels.shape[:2]
        x, y = round(drawn.x * self._scale), round(drawn.y * self._scale)
        seen = self._rgba[y : y + height, x : x + width, :3]
        seen[:] = drawn.pixels[: seen.shape[0], : seen.shape[1]]

    def _draw_rectangle(self, drawn: DrawnRectangle) -> None:
        area, x, y = drawn.area, drawn.area.x, self._height - drawn.area.bottom
        if drawn.radius:
            path = BoxStyle.Round(0, drawn.radius)(x, y, area.width, area.height, 1)
            place: Transform = self._points
        else:
            path = Path.unit_rectangle()
            place = Affine2D.from_values(x + area.width - x, 0, 0, y + area.height - y, x, y) + self._points
        self._renderer.draw_path(self._context(None, 0.0), path, place, to_rgba(drawn.fill))

    def _draw_circles(self, drawn: DrawnCircles) -> None:
        circle, fill = Path.unit_circle(), None if drawn.fill is None else to_rgba(drawn.fill)
        for (x, y), radius, edge_width in zip(self._places(drawn.centres), drawn.radii, drawn.edge_widths, strict=True):
            context = self._context(drawn.edge, edge_width if drawn.edge else 0.0, clip=drawn.clip)
            place = Affine2D().scale(radius).translate(x, y) + self._points
            self._renderer.draw_path(context, circle, place, fill)

    def _draw_lines(self, drawn: DrawnLines) -> None:
        context = self._context(drawn.colour, drawn.width, drawn.alpha, drawn.clip)
        context.set_joinstyle("round")
        if drawn.dashed:
            context.set_dashes(0, [length * drawn.width for length in DASHES])
        for line in drawn.lines:
            self._renderer.draw_path(context, Path(self._places(line)), self._points, None)

    def _draw_text(self, drawn: DrawnText) -> None:
        mask = text_mask(drawn.text, drawn.size, drawn.bold, self._renderer.dpi)
        x = round((drawn.x + _OFFSETS[drawn.align] * drawn.width) * self._scale) - mask.left
        y = round(drawn.baseline * self._scale) - mask.above
        top, left = max(-y, 0), max(-x, 0)
        under = self._rgba[y + top : y + mask.coverage.shape[0], x + left : x + mask.coverage.shape[1], :3]
        coverage = mask.coverage[top : top + under.shape[0], left : left + under.shape[1], None] / np.float32(255)
        colour = np.array(to_rgba(drawn.colour)[:3], dtype=np.float32) * 255
        under[:] = np.rint(under + (colour - under) * coverage)

    def _context(self, colour: str | None, width: float, alpha: float | None = None, clip: Area | None = None) -> Any:
        context = self._renderer.new_gc()
        context.set_linewidth(width)
        context.set_capstyle("butt")
        if colour is not None:
            context.set_foreground(to_rgba(colour, alpha), isRGBA=True)
        if clip is not None:
            corners = self._places(np.array([(clip.x, clip.bottom), (clip.right, clip.y)]))
            context.set_clip_rectangle(Bbox(self._points.transform(corners)))
        return context

    def _places(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert points from the upper left corner to matplotlib's points from the lower left."""
        return np.column_stack([places[:, 0], self._height - places[:, 1]])
