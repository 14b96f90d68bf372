"""A page to draw on: pixel-exact images, shapes and text in points from the upper left.

A page only records what is drawn, in points, and measures words. There are two ways to draw what it records, with the
same layout and the same words: as pixels (`pixel_page`) and as PDF or SVG (`vector_files`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from s3n_core.export.figures import tokens
from s3n_core.export.figures.lettering import drawable, text_width

Align = Literal["left", "center", "right"]

DASHES = (3.7, 1.6)
"""Lengths of dashes and of the gaps between them, in widths of the line."""


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


@dataclass(frozen=True, slots=True, eq=False)
class DrawnImage:
    """RGB pixels (h, w, 3) from the position (``x``, ``y``) to the right and down, one pixel of the page each."""

    x: float
    y: float
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class DrawnRectangle:
    """A filled rectangle with corners of ``radius`` points."""

    area: Area
    fill: str
    radius: float


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLines:
    """Polylines, each an array (n, 2) of positions; every line is blended by itself."""

    lines: Sequence[NDArray[np.float64]]
    colour: str
    width: float
    alpha: float
    dashed: bool
    clip: Area | None


@dataclass(frozen=True, slots=True, eq=False)
class DrawnCircles:
    """Circles at centres (n, 2) with radii (n,) and widths of their edges (n,)."""

    centres: NDArray[np.float64]
    radii: NDArray[np.float64]
    fill: str | None
    edge: str | None
    edge_widths: NDArray[np.float64]
    clip: Area | None


@dataclass(frozen=True, slots=True)
class DrawnText:
    """One line of text whose characters can all be drawn; ``width`` in points."""

    x: float
    baseline: float
    text: str
    size: float
    colour: str
    bold: bool
    align: Align
    width: float


Drawn = DrawnImage | DrawnRectangle | DrawnLines | DrawnCircles | DrawnText

_LAYERS: dict[type[Drawn], int] = {DrawnImage: 0, DrawnRectangle: 1, DrawnCircles: 1, DrawnLines: 2, DrawnText: 3}


class Canvas:
    """One page.

    Args:
        width: Width in points.
        height: Height in points.
        dpi: Pixels per inch.

    Attributes:
        scale: Pixels per point.
        pixels: (width, height) of the page in pixels.
        undrawable: Whether a character was drawn that no installed font has.
    """

    def __init__(self, width: float, height: float, dpi: float) -> None:
        self.scale = dpi / 72
        self.pixels = (max(1, round(width * self.scale)), max(1, round(height * self.scale)))
        self.dpi = dpi
        self.undrawable = False
        self._drawn: list[Drawn] = []

    @property
    def drawn(self) -> list[Drawn]:
        """Everything drawn so far, from back to front: images, then filled shapes, lines and text, each in order."""
        return sorted(self._drawn, key=lambda drawn: _LAYERS[type(drawn)])

    @property
    def texts(self) -> list[DrawnText]:
        """The texts drawn so far."""
        return [drawn for drawn in self._drawn if isinstance(drawn, DrawnText)]

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
        self._drawn.append(DrawnImage(area.x, area.y, pixels))

    def rectangle(self, area: Area, fill: str, *, radius: float = 0.0) -> None:
        """Fill a rectangle with corners of ``radius`` points."""
        self._drawn.append(DrawnRectangle(area, fill, radius))

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
        places = [np.asarray(line, dtype=np.float64) for line in lines]
        self._drawn.append(DrawnLines(places, colour, width, alpha, dashed, clip))

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
        widths = np.broadcast_to(np.asarray(edge_width, dtype=np.float64), (len(centres),))
        places, sizes = np.asarray(centres, dtype=np.float64), np.asarray(radii, dtype=np.float64)
        self._drawn.append(DrawnCircles(places, sizes, fill, edge, widths, clip))

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
        width = self.width_of(text, size=size, bold=bold)
        self._drawn.append(DrawnText(x, baseline, text, size, colour, bold, align, width))
        return width

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
        return text_width(self._drawable(text), size, bold, self.dpi)

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
