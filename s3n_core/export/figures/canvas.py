"""A page to draw on, based on matplotlib's Figure: pixel-exact images, shapes and text in points from the upper left.

Positions are in points, so that a page can be rendered as pixels (here) or vectors (`vector_files`). Uses neither
pyplot nor axes: a sheet is some rectangles, a few hundred line segments and a few dozen words, and axes would take most
of the time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import CircleCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, Transform, TransformedBbox
from numpy.typing import NDArray
from PIL import Image

from s3n_core.export.figures import tokens
from s3n_core.export.figures.lettering import drawable, families, font

Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle of the page in points; (``x``, ``y``) is its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of the right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of the lower edge."""
        return self.y + self.height


class Canvas:
    """One page.

    Args:
        width: Width in points.
        height: Height in points.
        dpi: Pixels per inch.

    Attributes:
        scale: Pixels per point.
        pixels: (width, height) of the page in pixels.
        figure: The matplotlib figure with everything drawn so far.
        undrawable: Whether a character was drawn that no installed font has.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        self.scale = dpi / 72
        self.pixels = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
        self.dpi = dpi
        self.undrawable = False
        # The size in inches is slightly larger than the pixels, because matplotlib truncates.
        inches = ((self.pixels[0] + 0.01) / dpi, (self.pixels[1] + 0.01) / dpi)
        self.figure = Figure(figsize=inches, dpi=dpi, facecolor=tokens.PAGE)
        self._agg: Any = FigureCanvasAgg(self.figure)  # type: Any because its methods carry no types
        self._points: Transform = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans

    def snapped(self, area: Area) -> Area:
        """Snap the edges of an area to pixel edges."""
        s = self.scale
        x0, y0 = round(area.x * s), round(area.y * s)
        x1, y1 = max(x0 + 1, round(area.right * s)), max(y0 + 1, round(area.bottom * s))
        return Area(x0 / s, y0 / s, (x1 - x0) / s, (y1 - y0) / s)

    def size_of(self, area: Area) -> tuple[int, int]:
        """Return the (width, height) in pixels of a snapped area."""
        return max(1, round(area.width * self.scale)), max(1, round(area.height * self.scale))

    def image(self, area: Area, pixels: NDArray[np.uint8]) -> None:
        """Draw an RGB image (h, w, 3) on a snapped area of exactly its size in pixels."""
        corner = self._places([(area.x, round(area.y * self.scale) / self.scale + pixels.shape[0] / self.scale)])[0]
        self.figure.add_artist(_Pixels(pixels, corner, self._points))

    def rectangle(self, area: Area, fill: str, *, radius: float = 0.0) -> None:
        """Fill a rectangle with corners of ``radius`` points."""
        x, y = self._places([(area.x, area.bottom)])[0]
        if radius:
            style = f"round,pad=0,rounding_size={radius}"
            patch: Rectangle | FancyBboxPatch = FancyBboxPatch((x, y), area.width, area.height, boxstyle=style)
        else:
            patch = Rectangle((x, y), area.width, area.height)
        patch.set(facecolor=fill, linewidth=0, transform=self._points)
        self.figure.add_artist(patch)

    def outline(self, area: Area, colour: str, *, width: float = 0.5, alpha: float = 1.0, dashed: bool = False) -> None:
        """Draw the outline of a rectangle."""
        corners = [(area.x, area.y), (area.right, area.y), (area.right, area.bottom), (area.x, area.bottom)]
        line = [*corners, corners[0], corners[1]]
        self.lines([line], colour, width=width, alpha=alpha, dashed=dashed)

    def lines(
        self,
        lines: Sequence[Sequence[tuple[float, float]] | NDArray[np.floating]],
        colour: str,
        *,
        width: float,
        alpha: float = 1.0,
        dashed: bool = False,
        clip: Area | None = None,
    ) -> None:
        """Draw polylines through positions in points."""
        collection = LineCollection(
            [self._places(line) for line in lines],
            colors=[colour],
            linewidths=[width],
            alpha=alpha,
            linestyles="dashed" if dashed else "solid",
            capstyle="butt",
            joinstyle="round",
            transform=self._points,
        )
        self._add(collection, clip)

    def circles(
        self,
        centres: NDArray[np.floating],
        radii: NDArray[np.floating],
        *,
        fill: str | None = None,
        edge: str | None = None,
        edge_width: float | NDArray[np.floating] = 0.0,
        clip: Area | None = None,
    ) -> None:
        """Draw circles at centres (n, 2) with radii (n,), all in points."""
        if not len(centres):
            return
        collection = CircleCollection(
            math.pi * np.asarray(radii, dtype=float) ** 2,
            offsets=self._places(centres),
            offset_transform=self._points,
            facecolors=[fill or "none"],
            edgecolors=[edge or "none"],
            linewidths=np.broadcast_to(edge_width, (len(centres),)),
            # Two values avoid matplotlib's shortcut for a single circle, which snaps it to whole pixels.
            antialiaseds=[True, True],
        )
        self._add(collection, clip)

    def text(
        self,
        x: float,
        baseline: float,
        text: str,
        *,
        size: float = tokens.BODY,
        colour: str = tokens.TEXT,
        bold: bool = False,
        align: Align = "left",
        room: float | None = None,
        shorten: Literal["end", "middle"] = "end",
    ) -> float:
        """Write one line of text, shortened to ``room`` points, and return its width in points."""
        text = self._drawable(text)
        if room is not None:
            text = self._shortened(text, size, bold, room, shorten)
        if not text:
            return 0.0
        place = self._places([(x, baseline)])[0]
        artist = Text(
            place[0],
            place[1],
            text,
            color=colour,
            fontproperties=font(size, bold, families(text)),
            horizontalalignment=align,
            verticalalignment="baseline",
            parse_math=False,
            transform=self._points,
        )
        self.figure.add_artist(artist)
        return self.width_of(text, size=size, bold=bold)

    def symbol(
        self, x: float, baseline: float, symbol: str, *, size: float = tokens.BODY, colour: str = tokens.QUIET
    ) -> float:
        """Write a symbol with subscripts, ``Q_d`` or ``(f, g)`` or ``T_d``, and return its width in points."""
        start = x
        for position, piece in enumerate(_pieces(symbol)):
            lowered = position % 2 == 1
            x += self.text(
                x,
                baseline + (size * 0.18 if lowered else 0),
                piece,
                size=size * (0.74 if lowered else 1),
                colour=colour,
            )
        return x - start

    def width_of(self, text: str, *, size: float, bold: bool = False) -> float:
        """Return the width of a line of text in points."""
        text = self._drawable(text)
        renderer = self._agg.get_renderer()
        width, _, _ = renderer.get_text_width_height_descent(text, font(size, bold, families(text)), ismath=False)
        return float(width) / self.scale

    def finished(self) -> Image.Image:
        """Render the page as an RGB image."""
        self._agg.draw()
        return Image.fromarray(np.asarray(self._agg.buffer_rgba())[:, :, :3])

    def _places(self, places: Sequence[tuple[float, float]] | NDArray[np.floating]) -> NDArray[np.float64]:
        """Convert points from the upper left corner to matplotlib's points from the lower left."""
        result = np.array(places, dtype=np.float64)
        result[:, 1] = self.pixels[1] / self.scale - result[:, 1]
        return result

    def _add(self, collection: LineCollection | CircleCollection, clip: Area | None) -> None:
        if clip is not None:
            corners = self._places([(clip.x, clip.bottom), (clip.right, clip.y)])
            collection.set_clip_box(TransformedBbox(Bbox(corners), self._points))
        self.figure.add_artist(collection, clip=False)

    def _drawable(self, text: str) -> str:
        shown = drawable(text)
        self.undrawable |= shown != text
        return shown

    def _shortened(self, text: str, size: float, bold: bool, room: float, where: Literal["end", "middle"]) -> str:
        """Shorten text with an ellipsis until it fits; in the middle for file names, whose end is most informative."""
        if self.width_of(text, size=size, bold=bold) <= room:
            return text

        def cut(kept: int) -> str:
            if where == "end":
                return text[:kept].rstrip() + "…"
            tail = (kept * 2) // 3
            return text[: kept - tail].rstrip() + "…" + (text[-tail:].lstrip() if tail else "")

        low, high = 0, len(text)
        while low < high:  # binary search for the largest number of letters that fits
            middle = (low + high + 1) // 2
            if self.width_of(cut(middle), size=size, bold=bold) <= room:
                low = middle
            else:
                high = middle - 1
        return cut(low)


class _Pixels(Artist):
    """An image drawn without resampling: its pixels are those of the page, or are embedded as is in vector files."""

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


def _pieces(symbol: str) -> list[str]:
    """Split ``Q_d`` into pieces, of which every second one is a subscript (one letter or digit)."""
    pieces = [""]
    letters = iter(symbol)
    for letter in letters:
        if letter == "_":
            pieces += [next(letters, ""), ""]
        else:
            pieces[-1] += letter
    return pieces
