"""Writing a page as PDF or SVG with matplotlib: text and shapes as vectors, photographs and maps as embedded images.

The output is reproducible: files contain no date, and ids inside an SVG depend only on its content.
"""

from __future__ import annotations

import io
import math
import threading
from collections.abc import Mapping
from typing import Any, Literal

import matplotlib
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.collections import CircleCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedBbox
from numpy.typing import NDArray

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
from s3n_core.export.figures.lettering import families, font, one_line
from s3n_core.export.figures.web_fonts import font_face

VectorFormat = Literal["pdf", "svg"]

# Type 42 embeds TrueType fonts unchanged: the text is editable, and publishers that reject Type 3 fonts accept it.
_SETTINGS: Any = {"pdf.fonttype": 42, "svg.fonttype": "none", "svg.hashsalt": "s3n"}
_settings_lock = threading.Lock()  # matplotlib's rcParams are global
_STYLE = b'<style type="text/css">'


def vector_bytes(page: Canvas, format: VectorFormat, about: Mapping[str, str]) -> bytes:
    """Return a page as the content of a file.

    Args:
        page: The page; its dpi is the resolution of embedded images.
        format: "pdf" or "svg".
        about: Metadata to store, by name: "Title" and "Software" in their own fields, the others as a description.
    """
    facts = {name: one_line(text) for name, text in about.items() if text}
    known = {"Title": facts.pop("Title", ""), "Creator": facts.pop("Software", "")}
    rest = "; ".join(f"{name}: {text}" for name, text in facts.items())
    known |= {"Subject" if format == "pdf" else "Description": rest}
    metadata = {name: text for name, text in known.items() if text}
    buffer = io.BytesIO()
    figure = figure_of(page)
    canvas: Any = (FigureCanvasPdf if format == "pdf" else FigureCanvasSVG)(figure)  # its methods carry no types
    with _settings_lock, matplotlib.rc_context(_SETTINGS):
        if format == "pdf":
            canvas.print_pdf(buffer, metadata={**metadata, "CreationDate": None})
            return buffer.getvalue()
        canvas.print_svg(buffer, metadata={**metadata, "Date": None})
    # Names may contain several consecutive spaces, which SVG would collapse.
    return buffer.getvalue().replace(_STYLE, _STYLE + b"text{white-space:pre}" + _font_faces(page).encode(), 1)


def figure_of(page: Canvas) -> Figure:
    """Return a page as matplotlib's figure, with one artist for each thing drawn; uses neither pyplot nor axes."""
    # The size in inches is slightly larger than the pixels, because matplotlib truncates.
    inches = ((page.pixels[0] + 0.01) / page.dpi, (page.pixels[1] + 0.01) / page.dpi)
    figure = Figure(figsize=inches, dpi=page.dpi, facecolor=tokens.PAGE)
    artists = _Artists(page, figure)
    for drawn in page.drawn:
        match drawn:
            case DrawnImage():
                artists.add_image(drawn)
            case DrawnRectangle():
                artists.add_rectangle(drawn)
            case DrawnCircles():
                artists.add_circles(drawn)
            case DrawnLines():
                artists.add_lines(drawn)
            case DrawnText():
                artists.add_text(drawn)
    return figure


class _Artists:
    """Adds matplotlib's artists for what is drawn on a page to a figure."""

    def __init__(self, page: Canvas, figure: Figure) -> None:
        self._scale, self._height = page.scale, page.pixels[1] / page.scale
        self._figure = figure
        self._points: Transform = Affine2D().scale(1 / 72) + figure.dpi_scale_trans

    def add_image(self, drawn: DrawnImage) -> None:
        lower = round(drawn.y * self._scale) / self._scale + drawn.pixels.shape[0] / self._scale
        self._figure.add_artist(_Pixels(drawn.pixels, self._places([(drawn.x, lower)])[0], self._points))

    def add_rectangle(self, drawn: DrawnRectangle) -> None:
        area = drawn.area
        x, y = self._places([(area.x, area.bottom)])[0]
        if drawn.radius:
            style = f"round,pad=0,rounding_size={drawn.radius}"
            patch: Rectangle | FancyBboxPatch = FancyBboxPatch((x, y), area.width, area.height, boxstyle=style)
        else:
            patch = Rectangle((x, y), area.width, area.height)
        patch.set(facecolor=drawn.fill, linewidth=0, transform=self._points)
        self._figure.add_artist(patch)

    def add_lines(self, drawn: DrawnLines) -> None:
        collection = LineCollection(
            [self._places(line) for line in drawn.lines],
            colors=[drawn.colour],
            linewidths=[drawn.width],
            alpha=drawn.alpha,
            linestyles=[(0, DASHES)] if drawn.dashed else "solid",
            capstyle="butt",
            joinstyle="round",
            transform=self._points,
        )
        self._add(collection, drawn.clip)

    def add_circles(self, drawn: DrawnCircles) -> None:
        collection = CircleCollection(
            math.pi * drawn.radii**2,
            offsets=self._places(drawn.centres),
            offset_transform=self._points,
            facecolors=[drawn.fill or "none"],
            edgecolors=[drawn.edge or "none"],
            linewidths=drawn.edge_widths,
            # Two values avoid matplotlib's shortcut for a single circle, which snaps it to whole pixels.
            antialiaseds=[True, True],
        )
        self._add(collection, drawn.clip)

    def add_text(self, drawn: DrawnText) -> None:
        place = self._places([(drawn.x, drawn.baseline)])[0]
        artist = Text(
            place[0],
            place[1],
            drawn.text,
            color=drawn.colour,
            fontproperties=font(drawn.size, drawn.bold, families(drawn.text)),
            horizontalalignment=drawn.align,
            verticalalignment="baseline",
            parse_math=False,
            transform=self._points,
        )
        self._figure.add_artist(artist)

    def _places(self, places: list[tuple[float, float]] | NDArray[np.float64]) -> NDArray[np.float64]:
        """Convert points from the upper left corner to matplotlib's points from the lower left."""
        result = np.array(places, dtype=np.float64)
        result[:, 1] = self._height - result[:, 1]
        return result

    def _add(self, collection: LineCollection | CircleCollection, clip: Area | None) -> None:
        if clip is not None:
            corners = self._places([(clip.x, clip.bottom), (clip.right, clip.y)])
            collection.set_clip_box(TransformedBbox(Bbox(corners), self._points))
        self._figure.add_artist(collection, clip=False)


class _Pixels(Artist):
    """An image drawn without resampling: its pixels are embedded as they are."""

    def __init__(self, pixels: NDArray[np.uint8], lower_left: NDArray[np.float64], points: Transform) -> None:
        super().__init__()
        self.set_zorder(-1)  # behind all shapes, whose zorder is 0 or more
        upwards = pixels[::-1]
        self._rgba = np.dstack([upwards, np.full(upwards.shape[:2], 255, dtype=np.uint8)])
        self._lower_left, self._points = lower_left, points

    def draw(self, renderer: Any) -> None:
        """Draw the image; called by matplotlib."""
        context = renderer.new_gc()
        renderer.draw_image(context, *self._points.transform(self._lower_left), self._rgba)
        context.restore()


def _font_faces(page: Canvas) -> str:
    """Return style rules that embed the font, for viewers without it."""
    letters: dict[bool, set[str]] = {}
    for drawn in page.texts:
        letters.setdefault(drawn.bold, set()).update(drawn.text)
    return "".join(font_face(letters[bold], bold) for bold in sorted(letters))
