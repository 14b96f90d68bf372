"""The hidden places of an image on its sheet: the original with each place hidden, and what that changes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from s3n_core.export.figures import tokens
from s3n_core.export.figures.canvas import Area, Canvas
from s3n_core.export.figures.rasters import resized
from s3n_core.inspection.hidden_place import HiddenPlace

HEADING = 17.0
LINES = 38.0
"""Height of the four lines below a picture, in points."""

_GAP = 14.0
_LEAST_WIDTH = 126.0
_LARGEST_HEIGHT = 118.0


class HiddenRow:
    """The row of hidden places, for a width in points.

    Args:
        hidden: The results, strongest peak first; those for which there is no room are only counted.
        error: Why there are none; otherwise empty.
        aspect: Width over height of the original.
        width: The available width.
    """

    def __init__(self, hidden: Sequence[HiddenPlace], error: str, aspect: float, width: float) -> None:
        self._hidden, self._error = hidden, error
        fitting = max(int((width + _GAP) / (_LEAST_WIDTH + _GAP)), 1)
        self._column = (width - (fitting - 1) * _GAP) / fitting
        picture = min(self._column, _LARGEST_HEIGHT * aspect)
        self._picture = picture, picture / aspect
        self.shown = min(fitting, len(hidden))

    @property
    def height(self) -> float:
        """The height of the row in points; 0 if there is nothing to show."""
        if not self._hidden:
            return HEADING if self._error else 0.0
        return HEADING + self._picture[1] + LINES

    def draw(self, canvas: Canvas, area: Area) -> None:
        """Draw the row on an area of its width and height."""
        x = area.x + canvas.text(area.x, area.y + 8, "Hidden places", size=tokens.BODY, bold=True) + 6
        canvas.text(x, area.y + 8, self._heading(), size=tokens.BODY, colour=tokens.QUIET, room=area.right - x)
        for number, hidden in enumerate(self._hidden[: self.shown]):
            left = area.x + number * (self._column + _GAP)
            picture = canvas.snapped(Area(left, area.y + HEADING, *self._picture))
            canvas.image(picture, resized(hidden.image, canvas.size_of(picture)))
            _outline(canvas, picture, hidden)
            for line, (text, bold) in enumerate(zip(hidden.lines(), (True, False, False, False), strict=True)):
                canvas.text(
                    left,
                    picture.bottom + 9 + 9 * line,
                    text,
                    size=tokens.CAPTION,
                    bold=bold,
                    colour=tokens.TEXT if bold else tokens.QUIET,
                    room=self._column,
                )

    def _heading(self) -> str:
        if not self._hidden:
            return f"None: {self._error}"
        rest = len(self._hidden) - self.shown
        return f"{self._hidden[0].how()}{f'; {rest} more are in the table' if rest else ''}"


def _outline(canvas: Canvas, picture: Area, hidden: HiddenPlace) -> None:
    """Outline the hidden place on its picture."""
    height, width = hidden.image.shape[:2]
    scale = hidden.image_scale * picture.width / width, hidden.image_scale * picture.height / height
    x, y = picture.x + hidden.place[0] * scale[0], picture.y + hidden.place[1] * scale[1]
    half = (hidden.settings.size or 0.0) / 2
    if hidden.settings.shape == "disc":
        turns = np.linspace(0, 2 * np.pi, 49)
        line = np.stack([x + half * scale[0] * np.cos(turns), y + half * scale[1] * np.sin(turns)], axis=1)
    else:
        corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)], dtype=np.float64)
        line = corners * (half * scale[0], half * scale[1]) + (x, y)
    canvas.lines([line], "#000000", width=1.5, alpha=0.5, clip=picture)
    canvas.lines([line], "#FFFFFF", width=0.8, dashed=True, clip=picture)
